"""Many open sockets on `/ws/stream`, and when each frame reached them: `python -m …viewers`.

Prints `watching` when every viewer has subscribed and frames come, then, after the time
asked for, one JSON object with the latencies.
"""

import asyncio
import json
import sys
from argparse import ArgumentParser
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import time
from typing import Any, Final

import msgspec
import picows

from cryptosystems.management.benchmarks.corpus import symbol_names
from cryptosystems.management.benchmarks.measure import percentiles

TIMEFRAMES: Final = ("1m", "15m", "1h", "4h")
_FAVOURITES: Final = 5
_SETTLE_S: Final = 3.0
_FIRST_FRAME_S: Final = 30.0


class _SignalBody(msgspec.Struct):
    issued_at: str
    trigger: str


class _Body(msgspec.Struct):
    event_at: str | None = None
    kind: str = ""
    signal: _SignalBody | None = None
    code: str = ""


class _Frame(msgspec.Struct):
    topic: str
    at: str
    data: _Body


_decode = msgspec.json.Decoder(_Frame).decode


def _since_ms(at: str, now_s: float) -> float:
    return (now_s - datetime.fromisoformat(at).timestamp()) * 1000


@dataclass(slots=True)
class Tally:
    """What all viewers saw."""

    counts: dict[str, int] = field(default_factory=dict)
    market_ms: list[float] = field(default_factory=list)
    signal_ms: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    n_closed: int = 0
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    def clear(self) -> None:
        """Forget what came while the viewers settled."""
        for held in (self.counts, self.market_ms, self.signal_ms, self.errors):
            held.clear()


class Viewer(picows.WSListener):
    """One browser: a chart, the ticker list and the signals."""

    def __init__(self, topics: list[str], tally: Tally) -> None:
        self._topics = topics
        self._tally = tally
        self._newest: dict[str, str] = {}

    def on_ws_connected(self, transport: Any) -> None:
        order = json.dumps({"op": "subscribe", "topics": self._topics})
        transport.send(picows.WSMsgType.TEXT, order.encode())

    def on_ws_disconnected(self, transport: Any) -> None:
        self._tally.n_closed += 1

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        now_s = time()
        got, tally = _decode(frame.get_payload_as_memoryview()), self._tally
        kind = got.topic.partition(":")[0]
        tally.counts[kind] = tally.counts.get(kind, 0) + 1
        if kind == "market":
            at = got.data.event_at
            # A frame may repeat an event (a new mark): only its first sight is its arrival.
            if at and self._newest.get(got.topic) != at:
                self._newest[got.topic] = at
                tally.has_begun.set()
                tally.market_ms.append(_since_ms(at, now_s))
        elif kind == "signals" and got.data.kind == "issued" and got.data.signal is not None:
            signal = got.data.signal
            tally.signal_ms.setdefault(signal.trigger, []).append(
                _since_ms(signal.issued_at, now_s)
            )
        elif kind == "error":
            tally.errors.append(got.data.code)


def topics_of(place: int, symbols: list[str]) -> list[str]:
    """Return what one viewer looks at: half of them one of five favourites, half anything."""
    symbol = symbols[place // 2 % _FAVOURITES] if place % 2 else symbols[place * 7 % len(symbols)]
    return [f"market:{symbol}:{TIMEFRAMES[place % len(TIMEFRAMES)]}", "signals", "tickers"]


async def _watch(port: int, n_viewers: int, n_symbols: int, seconds: float) -> dict[str, Any]:
    tally, symbols = Tally(), symbol_names(n_symbols)
    opened = []
    for place in range(n_viewers):
        opened.append(
            await picows.ws_connect(
                partial(Viewer, topics_of(place, symbols), tally),
                f"ws://127.0.0.1:{port}/ws/stream",
                extra_headers={"Origin": f"http://127.0.0.1:{port}"},
                websocket_handshake_timeout=20,
            )
        )
    with suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_FRAME_S):
            await tally.has_begun.wait()
    await asyncio.sleep(_SETTLE_S)
    tally.clear()
    sys.stdout.write("watching\n")
    sys.stdout.flush()
    await asyncio.sleep(seconds)
    return {
        "viewers": len(opened),
        "closed": tally.n_closed,
        "frames": tally.counts,
        "errors": tally.errors[:5],
        "event_to_viewer_ms": percentiles(tally.market_ms),
        "signal_to_viewer_ms": {k: percentiles(v) for k, v in tally.signal_ms.items()},
    }


def main() -> None:
    """Watch, report, end."""
    parser = ArgumentParser()
    for name in ("--port", "--viewers", "--symbols"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    found = asyncio.run(_watch(options.port, options.viewers, options.symbols, options.seconds))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
