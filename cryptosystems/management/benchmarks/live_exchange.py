"""Sends a made-up market at its own pace and answers the engine's polls: `python -m …live_exchange`.

Prints its port; on the line `go` it makes the market from three seconds ahead and sends it.
Each frame is stamped with the moment it leaves. At the end of its input it prints what it did.
"""

import asyncio
import json
import sys
from argparse import ArgumentParser
from time import time
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import picows

from cryptosystems.kernel.timeframes import MINUTE_MS
from cryptosystems.management.benchmarks.corpus import (
    FOLLOWED,
    Frame,
    make_corpus,
    rate_per_s,
    start_prices,
    symbol_names,
)
from cryptosystems.management.benchmarks.measure import percentiles

_AHEAD_S: Final = 3.0
_MADE_A_SECOND: Final = 20_000
_TURN_S: Final = 0.001
_STAMP: Final = b'"E":'
_DIGITS: Final = 13


def now_ms() -> int:
    """Return this machine's time, the clock that every process here shares."""
    return int(time() * 1000)


class _Socket(picows.WSListener):
    def __init__(self, exchange: "LiveExchange", streams: list[str]) -> None:
        self.exchange = exchange
        self.streams = streams
        self.transport: Any = None

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        for stream in self.streams:
            self.exchange.listeners.setdefault(stream, set()).add(self)

    def on_ws_disconnected(self, transport: Any) -> None:
        for stream in self.streams:
            self.exchange.listeners.get(stream, set()).discard(self)


class LiveExchange:
    """Routes frames to whoever listens; REST says just what a running engine asks."""

    def __init__(self, n_symbols: int, seed: int) -> None:
        self.listeners: dict[str, set[_Socket]] = {}
        self.n_sent = 0
        self.late_ms: list[float] = []
        prices = start_prices(n_symbols, seed)
        self._price = {
            name: f"{price:.{decimals}f}"
            for name, (price, decimals) in zip(symbol_names(n_symbols), prices, strict=True)
        }

    def listen(self, request: Any) -> Any:
        path, _, query = request.path.decode().partition("?")
        if path.endswith("/stream"):
            return _Socket(self, unquote(query.partition("streams=")[2]).split("/"))
        answer = json.dumps(self._answer(path, parse_qs(query))).encode()
        response = picows.WSUpgradeResponse.create_ok_response(
            answer, {"Content-Type": "application/json"}
        )
        return picows.WSUpgradeResponseWithListener(response, None)

    def _answer(self, path: str, query: dict[str, list[str]]) -> Any:
        if path.endswith("/time"):
            return {"serverTime": now_ms()}
        if path.endswith("/openInterest"):
            return {"openInterest": "25000.000", "time": now_ms()}
        if path.endswith("/klines"):
            return self._flat(query)
        return []

    def _flat(self, query: dict[str, list[str]]) -> list[list[Any]]:
        """Return candles without a move, for minutes before the first frame."""
        price = self._price[query["symbol"][0]]
        first, last = int(query["startTime"][0]), int(query["endTime"][0])
        return [
            [at, price, price, price, price, "1", at + MINUTE_MS - 1, price, 1, "0.5", price, "0"]
            for at in range(first - first % MINUTE_MS, last + 1, MINUTE_MS)
        ]

    async def play(self, frames: list[Frame]) -> None:
        """Send each frame when it is due, its event time set to the moment it is sent."""
        for frame in frames:
            wait_s = frame.at_ms / 1000 - time()
            if wait_s > 0:
                await asyncio.sleep(max(wait_s, _TURN_S))
            at_ms = now_ms()
            self.late_ms.append(at_ms - frame.at_ms)
            place = frame.payload.index(_STAMP) + len(_STAMP)
            payload = b"%b%d%b" % (
                frame.payload[:place],
                at_ms,
                frame.payload[place + _DIGITS :],
            )
            for socket in self.listeners.get(frame.stream, ()):
                socket.transport.send(picows.WSMsgType.TEXT, payload)
                self.n_sent += 1


async def _serve(n_symbols: int, seed: int, seconds: float) -> None:
    exchange = LiveExchange(n_symbols, seed)
    listening = await picows.ws_create_server(exchange.listen, "127.0.0.1", 0)
    _say(str(listening.sockets[0].getsockname()[1]))
    if (await asyncio.to_thread(sys.stdin.readline)).strip() != "go":
        return
    count = int((seconds + _AHEAD_S) * rate_per_s(FOLLOWED, n_symbols))
    # Making the frames takes its time too; the first must not be late for it.
    start_ms = now_ms() + int((_AHEAD_S + count / _MADE_A_SECOND) * 1000)
    frames = await asyncio.to_thread(make_corpus, FOLLOWED, n_symbols, count, seed, start_ms)
    playing = asyncio.create_task(exchange.play(frames))
    _say("playing")
    await asyncio.to_thread(sys.stdin.read)
    playing.cancel()
    _say(json.dumps({"sent": exchange.n_sent, "late_ms": percentiles(exchange.late_ms)}))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until standard input ends."""
    parser = ArgumentParser()
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    asyncio.run(_serve(options.symbols, options.seed, options.seconds))


if __name__ == "__main__":
    main()
