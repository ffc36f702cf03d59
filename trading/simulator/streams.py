"""The routed WebSocket side: who listens to what, and what each tick sends them.

A stream asked for on the wrong route is acknowledged and silent, as on the real exchange.
A frame is made and encoded once, and only when somebody listens.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from trading.simulator import wire
from trading.simulator.book import N_LEVELS, Level, difference, make_book
from trading.simulator.faults import Faults, spoil
from trading.simulator.feed import Happenings, World
from trading.simulator.tape import INTERVALS_MS, interval_open

MOST_STREAMS: Final = 1024
MOST_MESSAGES: Final = 10
PING_S: Final = 180.0

_PUBLIC: Final = re.compile(
    r"^(!bookTicker|[^@]+@(bookTicker|trade|depth(5|10|20)?(@(100|500)ms)?|rpiDepth@500ms))$"
)
_MARKET: Final = re.compile(
    r"^(!(markPrice@arr(@1s)?|ticker@arr|miniTicker@arr|forceOrder@arr|contractInfo|assetIndex@arr)"
    r"|[^@!]+@(aggTrade|kline_\w+|markPrice(@1s)?|ticker|miniTicker|forceOrder))$"
)


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
        self._books: dict[str, tuple[list[Level], list[Level]]] = {}
        self._ids: dict[int, int] = {}
        self._last_u: dict[str, int] = {}
        self._before: dict[int, Any] = {}
        self._trade_id: Counter[int] = Counter()
        self._held_back: list[tuple[str, str]] = []
        self.recent_trades: dict[int, list[dict[str, Any]]] = {}

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
        fault = self.faults.find("ws", stream)
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
        """Send what the world did: `beat` counts half seconds."""
        held, self._held_back = self._held_back, []
        await self._closed(happened, at_ms)
        for order in happened.forced:
            payload = wire.force_order(self.world, order)
            name = self.world.rules[order.symbol].symbol.lower()
            await self._send(f"{name}@forceOrder", payload)
            await self._send("!forceOrder@arr", payload)
        by_kind: dict[str, list[tuple[str, int]]] = {}
        for stream in list(self.listeners):
            name, _, kind = stream.partition("@")
            place = self._place.get(name)
            if place is not None:
                by_kind.setdefault(kind, []).append((stream, place))
        for kind, wanted in by_kind.items():
            if kind.startswith("depth") or kind in ("bookTicker", "trade", "aggTrade"):
                for stream, place in wanted:
                    await self._book_or_trade(stream, kind, place, at_ms, beat)
            elif beat % 2 == 0:
                await self._each_second(kind, wanted, at_ms, beat)
        if beat % 2 == 0:
            await self._arrays(at_ms, beat)
        for stream, text in held:
            await self._send_text(stream, text)

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
                if place is None or interval not in INTERVALS_MS:
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
                await self._send(stream, wire.mark_price(self.world, place, at_ms))
        elif kind in ("ticker", "miniTicker") and beat % 4 == 0:
            make = wire.ticker if kind == "ticker" else wire.mini_ticker
            for stream, place in wanted:
                payload = make(self.world, place, at_ms)
                if payload is not None:
                    await self._send(stream, payload)

    async def _arrays(self, at_ms: int, beat: int) -> None:
        everyone = range(len(self.world.rules))
        for stream, each in (("!markPrice@arr@1s", 1), ("!markPrice@arr", 3)):
            if stream in self.listeners and (beat // 2) % each == 0:
                rows = [
                    wire.mark_price(self.world, i, at_ms)
                    for i in everyone
                    if self.world.columns.mark[i] > 0
                ]
                if self.mix_families:
                    rows.append({**wire.COIN_MARK, "E": at_ms})
                await self._send(stream, rows)
        for stream, make in (("!miniTicker@arr", wire.mini_ticker), ("!ticker@arr", wire.ticker)):
            if stream in self.listeners:
                found = [make(self.world, i, at_ms) for i in everyone]
                await self._send(stream, [row for row in found if row is not None])
        if "!bookTicker" in self.listeners and beat % 10 == 0:
            for i in everyone:
                bids, asks = self.book(i, beat)
                if bids and asks:
                    name = self.world.rules[i].symbol
                    scale = self.world.tape.scales[i]
                    await self._send(
                        "!bookTicker",
                        wire.book_ticker(name, bids, asks, self.update_id(i), scale, at_ms),
                    )

    def book(
        self, place: int, beat: int, levels: int = N_LEVELS
    ) -> tuple[list[Level], list[Level]]:
        """Return the book of this half second."""
        return make_book(self.world.columns, place, self.world.tape.scales[place], beat, levels)

    def update_id(self, place: int) -> int:
        """Return the newest id of the book's updates."""
        return self._ids.get(place, 1_000_000)

    async def _book_or_trade(
        self, stream: str, kind: str, place: int, at_ms: int, beat: int
    ) -> None:
        world = self.world
        name, scale = world.rules[place].symbol, world.tape.scales[place]
        if kind in ("aggTrade", "trade"):
            for trade in self._trades(place, at_ms):
                await self._send(stream, {**trade, "e": kind})
            return
        partial = re.match(r"depth(5|10|20)(@|$)", kind)
        levels = int(partial[1]) if partial else N_LEVELS
        bids, asks = self.book(place, beat, levels)
        if not bids or not asks:
            return
        before = self._last_u.get(stream, self.update_id(place))
        first = self.update_id(place) + 1
        newest = first + len(bids)
        self._ids[place] = newest
        self._last_u[stream] = newest
        if kind == "bookTicker":
            await self._send(stream, wire.book_ticker(name, bids, asks, newest, scale, at_ms))
        elif partial:
            await self._send(
                stream, wire.depth(name, bids, asks, (first, newest, before), scale, at_ms)
            )
        else:
            old_bids, old_asks = self._books.get(stream, ([], []))
            self._books[stream] = (bids, asks)
            changes = difference(old_bids, bids), difference(old_asks, asks)
            await self._send(
                stream, wire.depth(name, *changes, (first, newest, before), scale, at_ms)
            )

    def diff_book(self, place: int, beat: int) -> tuple[list[Level], list[Level], int]:
        """Return the book that the newest diffs lead to, with its id: what `/depth` answers."""
        name = self.world.rules[place].symbol.lower()
        for stream, held in self._books.items():
            if stream.startswith(f"{name}@depth"):
                return held[0], held[1], self._last_u[stream]
        bids, asks = self.book(place, beat)
        return bids, asks, self.update_id(place)

    def _trades(self, place: int, at_ms: int) -> list[dict[str, Any]]:
        now = self.world.columns.forming[place]
        before = self._before.get(place)
        self._before[place] = now.copy()
        if before is None or now[4] < before[4] or now[3] <= 0:
            before = now * 0
        trades = wire.agg_trades(
            self.world, place, before, now, at_ms, 1_000_000 + self._trade_id[place]
        )
        self._trade_id[place] += len(trades)
        recent = self.recent_trades.setdefault(place, [])
        recent += trades
        del recent[:-1000]
        return trades
