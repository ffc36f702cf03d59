"""The routed WebSocket side: who listens to what, and what each tick sends them.

A stream asked for on the wrong route is acknowledged and silent, as on the real exchange.
A frame is made and encoded once, and only when somebody listens.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from trading.simulator import strangers, wire
from trading.simulator.books import Books, Difference
from trading.simulator.faults import Faults, spoil
from trading.simulator.feed import BEAT_MS, Happenings, World
from trading.simulator.prints import Prints, as_raw_trade
from trading.simulator.tape import INTERVALS_MS, interval_open

MOST_STREAMS: Final = 1024
MOST_MESSAGES: Final = 10
PING_S: Final = 180.0
STRANGER_BEATS: Final = 120
"""How often a coin-margined liquidation is told among ours, in half seconds."""

_PUBLIC: Final = re.compile(
    r"^(!bookTicker|[^@]+@(bookTicker|trade|depth(5|10|20)?(@(0|100|250|500)ms)?|rpiDepth@500ms))$"
)
_MARKET: Final = re.compile(
    r"^(!(markPrice@arr(@1s)?|ticker@arr|miniTicker@arr|forceOrder@arr|contractInfo|assetIndex@arr)"
    r"|[^@!]+@(aggTrade|kline_\w+|markPrice(@1s)?|ticker|miniTicker|forceOrder))$"
)
_DIFF: Final = re.compile(r"^(depth|rpiDepth)(@(0|100|250|500)ms)?$")
_PARTIAL: Final = re.compile(r"^depth(5|10|20)(@|$)")


def is_routed(route: str, stream: str) -> bool:
    """Say whether a stream lives on this route; the legacy root carries the public ones only."""
    pattern = _MARKET if route == "market" else _PUBLIC
    return pattern.match(stream) is not None


class Client:
    """One socket."""

    def __init__(self, socket: web.WebSocketResponse, route: str, combined: bool) -> None:
        self.socket = socket
        self.route = route
        self.combined = combined
        self.streams: dict[str, None] = {}
        self.opened = monotonic()
        self._recent: list[float] = []

    def is_flooding(self) -> bool:
        """Count a message from the client; more than ten within a second is too many."""
        now = monotonic()
        self._recent = [at for at in self._recent if now - at < 1.0]
        self._recent.append(now)
        return len(self._recent) > MOST_MESSAGES


class StreamHub:
    """All sockets, and what each stream last sent."""

    def __init__(
        self, world: World, faults: Faults, *, life_s: float, mix_families: bool = True
    ) -> None:
        self.world = world
        self.faults = faults
        self.life_s = life_s
        self.mix_families = mix_families
        self.clients: set[Client] = set()
        self.listeners: dict[str, set[Client]] = {}
        self.sent: Counter[str] = Counter()
        self._place = {rules.symbol.lower(): i for i, rules in enumerate(world.rules)}
        self.books = Books(world)
        self.prints = Prints(world)
        self._recorded_diffs = {
            name
            for name, _, kind in (stream.partition("@") for stream in world.recorded_streams)
            if _DIFF.match(kind)
        }
        self.halted: set[int] = set()
        """Symbols that do not trade now; their streams are silent."""
        self.burst = 1
        """How many times the quiet rate best prices come at."""
        self._forced_s: dict[int, int] = {}
        self._held_back: list[tuple[str, str]] = []

    # --- sockets ------------------------------------------------------------------------------

    async def handle(
        self, request: web.Request, route: str, combined: bool, first: Iterable[str]
    ) -> web.WebSocketResponse:
        """Serve one socket until either side ends it."""
        socket = web.WebSocketResponse(heartbeat=None, max_msg_size=64 * 1024, compress=False)
        await socket.prepare(request)
        client = Client(socket, route, combined)
        self.clients.add(client)
        watch = asyncio.create_task(self._watch(client))
        try:
            self._subscribe(client, [s for s in first if s])
            async for message in socket:
                if not await self._receive(client, message):
                    break
        finally:
            watch.cancel()
            self.clients.discard(client)
            self._unsubscribe(client, list(client.streams))
        return socket

    async def _watch(self, client: Client) -> None:
        """Ping every three minutes; end the connection when its life is over."""
        while not client.socket.closed:
            left = self.life_s - (monotonic() - client.opened)
            if left <= 0:
                await client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"24h")
                return
            await asyncio.sleep(min(PING_S, left))
            if not client.socket.closed:
                await client.socket.ping()

    async def _receive(self, client: Client, message: Any) -> bool:
        if message.type is WSMsgType.BINARY or client.is_flooding():
            reason = (
                b"Invalid request" if message.type is WSMsgType.BINARY else b"Too many requests"
            )
            await client.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason)
            return False
        if message.type is not WSMsgType.TEXT:
            return True
        answer = self._command(client, message.data)
        if len(client.streams) > MOST_STREAMS:
            await client.socket.close(
                code=WSCloseCode.POLICY_VIOLATION, message=b"Too many streams"
            )
            return False
        await client.socket.send_str(wire.encode(answer))
        return True

    def _command(self, client: Client, text: str) -> dict[str, Any]:
        try:
            order = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}
        if not isinstance(order, dict) or "method" not in order:
            return {"code": 2, "msg": "Invalid request: missing field `method`"}
        method, params, number = order["method"], order.get("params", []), order.get("id")
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(client.streams), "id": number}
        if not isinstance(params, list):
            return {"code": 1, "msg": "Invalid value type: expected Array", "id": number}
        if method == "SUBSCRIBE":
            self._subscribe(client, [str(name) for name in params])
        elif method == "UNSUBSCRIBE":
            self._unsubscribe(client, [str(name) for name in params])
        elif method == "SET_PROPERTY":
            if len(params) != 2 or params[0] != "combined":
                return {"code": 0, "msg": "Unknown property", "id": number}
            client.combined = bool(params[1])
        else:
            return {"code": 2, "msg": f"Invalid request: unknown variant `{method}`", "id": number}
        return {"result": None, "id": number}

    def _subscribe(self, client: Client, streams: list[str]) -> None:
        for stream in streams:
            client.streams[stream] = None
            if is_routed(client.route, stream):
                self.listeners.setdefault(stream, set()).add(client)

    def _unsubscribe(self, client: Client, streams: list[str]) -> None:
        for stream in streams:
            client.streams.pop(stream, None)
            held = self.listeners.get(stream)
            if held is not None:
                held.discard(client)
                if not held:
                    del self.listeners[stream]

    async def close_all(self) -> int:
        """End every connection, as a gateway restart does; return how many there were."""
        clients = list(self.clients)
        for client in clients:
            await client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"restart")
        return len(clients)

    # --- sending ------------------------------------------------------------------------------

    async def _send(self, stream: str, payload: dict[str, Any] | list[Any]) -> None:
        await self._send_text(stream, wire.encode(payload))

    async def _send_text(self, stream: str, text: str) -> None:
        clients = self.listeners.get(stream)
        if not clients:
            return
        fault = self.faults.find("ws", stream, text)
        texts: list[str | bytes] = [text]
        if fault is not None:
            if fault.action == "late":
                self._held_back.append((stream, text))
                return
            if fault.action == "cut":
                for client in list(clients):
                    await client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"cut")
                return
            texts = spoil(fault, text)
        self.sent[stream] += len(texts)
        for one in texts:
            wrapped = f'{{"stream":"{stream}","data":{one}}}' if isinstance(one, str) else one
            for client in list(clients):
                shown = wrapped if client.combined else one
                try:
                    if isinstance(shown, str):
                        await client.socket.send_str(shown)
                    else:
                        await client.socket.send_bytes(shown)
                except (ConnectionError, RuntimeError):
                    continue  # it went while we were sending; its handler tidies up

    async def tick(self, happened: Happenings, at_ms: int, beat: int) -> None:
        """Send what the world did: recorded frames each beat, the rest each half second."""
        for stream, text in happened.frames:
            await self._send_recorded(stream, text)
        await self._closed(happened, at_ms)
        await self._forced(happened, at_ms)
        if beat * self.world.beat_ms % BEAT_MS == 0:
            await self._half_second(at_ms, beat * self.world.beat_ms // BEAT_MS)

    async def _half_second(self, at_ms: int, beat: int) -> None:
        held, self._held_back = self._held_back, []
        self.books.turn(beat)
        self.prints.turn()
        by_kind: dict[str, list[tuple[str, int]]] = {}
        for stream in list(self.listeners):
            name, _, kind = stream.partition("@")
            place = self._place.get(name)
            if place is None or place in self.halted or self._is_recorded(name, kind):
                continue
            by_kind.setdefault(kind, []).append((stream, place))
        for kind, wanted in by_kind.items():
            if "epth" in kind or kind in ("bookTicker", "trade", "aggTrade"):
                for stream, place in wanted:
                    await self._book_or_trade(stream, kind, place, at_ms)
            elif beat % 2 == 0:
                await self._each_second(kind, wanted, at_ms, beat)
        if beat % 2 == 0:
            await self._arrays(at_ms, beat)
        if self.mix_families and beat % STRANGER_BEATS == 0:
            await self._send("!forceOrder@arr", strangers.forced(at_ms))
        for stream, text in held:
            await self._send_text(stream, text)

    def _is_recorded(self, name: str, kind: str) -> bool:
        recorded = self.world.recorded_streams
        return f"{name}@{kind}" in recorded or (
            name in self._recorded_diffs and _DIFF.match(kind) is not None
        )

    async def _send_recorded(self, stream: str, text: str) -> None:
        """Send a recorded frame; diffs answer to any speed that was not recorded itself."""
        await self._send_text(stream, text)
        name, _, kind = stream.partition("@")
        if _DIFF.match(kind):
            for other in ("depth", "depth@100ms", "depth@500ms"):
                alias = f"{name}@{other}"
                if alias != stream and alias not in self.world.recorded_streams:
                    await self._send_text(alias, text)

    async def _forced(self, happened: Happenings, at_ms: int) -> None:
        """Tell liquidations: of each symbol only the latest within a second."""
        latest = {(order.symbol, order.at_ms // 1000): order for order in happened.forced}
        for order in latest.values():
            if (
                self._forced_s.get(order.symbol) == order.at_ms // 1000
                or order.symbol in self.halted
            ):
                continue
            self._forced_s[order.symbol] = order.at_ms // 1000
            payload = wire.force_order(self.world, order)
            name = self.world.rules[order.symbol].symbol.lower()
            await self._send(f"{name}@forceOrder", payload)
            await self._send("!forceOrder@arr", payload)

    async def tell_listing(self, place: int, status: str, at_ms: int) -> None:
        """Tell that a contract was listed, halted or delisted."""
        payload = {**wire.contract_info(self.world, place, at_ms), "cs": status}
        await self._send("!contractInfo", payload)

    async def tell_shutdown(self, at_ms: int) -> int:
        """Announce to every socket that it will be closed, as the gateway does before work on it."""
        text = wire.encode({"e": "serverShutdown", "E": at_ms})
        for client in list(self.clients):
            with suppress(ConnectionError, RuntimeError):
                await client.socket.send_str(text)
        return len(self.clients)

    async def _closed(self, happened: Happenings, at_ms: int) -> None:
        """Tell every closed candle once, with exactly the values REST will give."""
        if not happened.closed:
            return
        klines = [s for s in self.listeners if "@kline_" in s]
        for minute_ms in happened.closed:
            end_ms = minute_ms + 60_000
            for stream in klines:
                name, _, kind = stream.partition("@")
                place, interval = self._place.get(name), kind.removeprefix("kline_")
                if place is None or place in self.halted or interval not in INTERVALS_MS:
                    continue
                if stream in self.world.recorded_streams:
                    continue
                if interval_open(end_ms, interval) == interval_open(minute_ms, interval):
                    continue
                open_ms = interval_open(minute_ms, interval)
                row = self.world.tape.fold(place, open_ms, end_ms, None)
                if row[3] > 0:
                    told_ms = max(end_ms, min(at_ms, end_ms + 50))
                    await self._send(
                        stream, wire.kline(self.world, place, interval, open_ms, row, True, told_ms)
                    )

    async def _each_second(
        self, kind: str, wanted: list[tuple[str, int]], at_ms: int, beat: int
    ) -> None:
        if kind.startswith("kline_") and kind.removeprefix("kline_") in INTERVALS_MS:
            interval = kind.removeprefix("kline_")
            for stream, place in wanted:
                found = wire.running(self.world, place, interval)
                if found is not None:
                    await self._send(
                        stream, wire.kline(self.world, place, interval, *found, False, at_ms)
                    )
        elif kind == "markPrice@1s" or (kind == "markPrice" and beat % 6 == 0):
            for stream, place in wanted:
                if self.world.columns.mark[place] > 0:
                    await self._send(stream, wire.mark_price(self.world, place, at_ms))
        elif kind in ("ticker", "miniTicker") and beat % 4 == 0:
            make = wire.ticker if kind == "ticker" else wire.mini_ticker
            for stream, place in wanted:
                payload = make(self.world, place, at_ms)
                if payload is not None:
                    await self._send(stream, payload)

    async def _arrays(self, at_ms: int, beat: int) -> None:
        everyone = [i for i in range(len(self.world.rules)) if i not in self.halted]
        for stream, each in (("!markPrice@arr@1s", 1), ("!markPrice@arr", 3)):
            if stream in self.listeners and (beat // 2) % each == 0:
                rows = [
                    wire.mark_price(self.world, i, at_ms)
                    for i in everyone
                    if self.world.columns.mark[i] > 0
                ]
                if self.mix_families:
                    rows += strangers.marks_among_ours(at_ms)
                await self._send(stream, rows)
                if self.mix_families:
                    await self._send(stream, strangers.marks_apart(at_ms))
        for stream, make in (("!miniTicker@arr", wire.mini_ticker), ("!ticker@arr", wire.ticker)):
            if stream in self.listeners:
                found = [make(self.world, i, at_ms) for i in everyone]
                await self._send(stream, [row for row in found if row is not None])
        if "!bookTicker" in self.listeners and beat % 10 == 0:
            for i in everyone:
                book = self.books.partial("!bookTicker", i, 1)
                if book is not None:
                    await self._send("!bookTicker", self._top(i, book, at_ms))

    def _top(self, place: int, book: Difference, at_ms: int) -> dict[str, Any]:
        name, scale = self.world.rules[place].symbol, self.world.tape.scales[place]
        return wire.book_ticker(name, book.bids, book.asks, book.ids[1], scale, at_ms)

    async def _book_or_trade(self, stream: str, kind: str, place: int, at_ms: int) -> None:
        name, scale = self.world.rules[place].symbol, self.world.tape.scales[place]
        if kind in ("aggTrade", "trade"):
            for trade in self.prints.now(place, at_ms):
                await self._send(stream, as_raw_trade(trade) if kind == "trade" else trade)
            return
        if kind == "bookTicker":
            for _ in range(self.burst):
                book = self.books.partial(stream, place, 1)
                if book is not None:
                    await self._send(stream, self._top(place, book, at_ms))
            return
        partial = _PARTIAL.match(kind)
        found = (
            self.books.partial(stream, place, int(partial[1]))
            if partial
            else self.books.changed(place)
        )
        if found is not None:
            await self._send(
                stream, wire.depth(name, found.bids, found.asks, found.ids, scale, at_ms)
            )
