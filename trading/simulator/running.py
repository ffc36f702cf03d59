"""Running the exchange from a command line: its options, its signals, its ready file."""

import asyncio
import os
import signal as os_signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trading.simulator.server import ExchangeConfig, ExchangeServer


class Interrupted(Exception):
    """A signal came while history was being made."""


def positive(text: str) -> float:
    """Return a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ArgumentTypeError(f"must be a number above 0, was {text}")
    return value


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of the exchange."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9443, help="0 picks a free one")
    parser.add_argument("--world", choices=("synthetic", "replay", "scripted"), default="synthetic")
    parser.add_argument(
        "--replay", type=Path, help="directory of recorded candles (Parquet) or frames (JSON lines)"
    )
    parser.add_argument("--speed", type=positive, default=1.0, help="replay this many times faster")
    parser.add_argument("--history-share", type=float, default=2 / 3)
    parser.add_argument("--symbols", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=float, default=60.0, help="days of history")
    parser.add_argument("--effects", choices=("demo", "mild", "none"), default="demo")
    parser.add_argument(
        "--data-dir", type=Path, help="keep the market and the accounts here between starts"
    )
    parser.add_argument("--weight-limit", type=int, default=2400, help="REST weight a minute")
    parser.add_argument("--life-seconds", type=float, default=86_400.0)
    parser.add_argument(
        "--manual-clock", action="store_true", help="time moves only by /sim/advance"
    )
    parser.add_argument("--start-ms", type=int, help="where a manual clock stands first")
    parser.add_argument("--ready-file", type=Path, help="write the address here when ready")


class Runner:
    """One run; `say` writes a line for whoever started it."""

    def __init__(self, options: dict[str, Any], say: Callable[[str], None]) -> None:
        self._say = say
        self._ended: asyncio.Event | None = None
        self._ready_file: Path | None = options["ready_file"]
        self._config = ExchangeConfig(
            world="replay" if options["replay"] is not None else options["world"],
            replay=options["replay"],
            speed=options["speed"],
            symbols=options["symbols"],
            seed=options["seed"],
            days=options["days"],
            effects=options["effects"],
            data_dir=options["data_dir"],
            host=options["host"],
            port=options["port"],
            weight_limit=options["weight_limit"],
            life_s=options["life_seconds"],
            manual_clock=options["manual_clock"],
            start_ms=options["start_ms"],
            history_share=options["history_share"],
            progress=self._progress,
        )

    def run(self) -> None:
        """Serve until asked to stop.

        Raises
        ------
        InvalidInput
            If there is nothing to replay.
        """
        try:
            asyncio.run(self._serve())
        except Interrupted:
            self._say("stopped before the market was made")

    def _progress(self, text: str, done: int, total: int) -> None:
        """Say how far the market is made; asked to stop, end there (called in a thread)."""
        if self._ended is not None and self._ended.is_set():
            raise Interrupted
        self._say(f"progress {text} {done}/{total}")

    async def _serve(self) -> None:
        ended = self._ended = asyncio.Event()
        for number in (os_signal.SIGTERM, os_signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        server = ExchangeServer(self._config)
        address = await server.start()
        if self._ready_file is not None:
            draft = self._ready_file.with_suffix(f".{os.getpid()}")
            draft.write_text(address)
            draft.replace(self._ready_file)
        self._say(f"exchange ready at {address}")
        try:
            await server.run_until(ended)
        finally:
            await server.stop()
