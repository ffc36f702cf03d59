"""The private side as a whole: calls in, matching at every beat, events out."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from cryptosystems.kernel.decimals import from_float
from trading.domain.venue import BalanceEvent, Service
from trading.matching.algo import LET_GO, REJECT, STUCK
from trading.matching.records import Order
from trading.matching.refused import Refused
from trading.simulator.books import Books
from trading.simulator.feed import World
from trading.simulator.limits import RestError, WeightMeter
from trading.simulator.private import events
from trading.simulator.private.account import ExchangeAccount
from trading.simulator.private.auth import Call, call_of, check_signature, key_of
from trading.simulator.private.book import AccountBook
from trading.simulator.private.breaking import Breaker, Reply
from trading.simulator.private.faults import PrivateFaults, Subject
from trading.simulator.private.keys import ApiKey
from trading.simulator.private.market import Market
from trading.simulator.private.orders import OrderCalls
from trading.simulator.private.params import Asked
from trading.simulator.private.payloads import AccountTeller
from trading.simulator.private.routes import ANY, READ, Route, order_routes, wallet_routes
from trading.simulator.private.stream import UserStreams
from trading.simulator.private.timing import Timer
from trading.simulator.private.wallet import WalletCalls

_LISTEN_KEY: Final = "/fapi/v1/listenKey"
_RESTRICTIONS: Final = "/sapi/v1/account/apiRestrictions"
_JSON: Final = {"Content-Type": "application/json;charset=UTF-8"}
_WARN_AT: Final = Decimal("0.8")
"""Share of the margin that maintenance may take before a margin call is told."""
_json: Final = msgspec.json.Encoder().encode


class PrivateSide:
    """Accounts on a world."""

    def __init__(
        self,
        world: World,
        books: Books,
        statuses: dict[str, str],
        meter: WeightMeter,
        now_ms: Callable[[], int],
        *,
        seconds: Callable[[], float],
        life_s: float,
        directory: Path | None,
    ) -> None:
        self.world = world
        self.now_ms = now_ms
        self.seconds = seconds
        self.meter = meter
        self.clock_offset_ms = 0
        """How far the exchange's own clock is off (fault)."""
        self.timer = Timer(now_ms)
        self.faults = PrivateFaults(now_ms)
        self.streams = UserStreams(self.faults, self.timer, life_s=life_s)
        self.market = Market(world, books, statuses)
        self.book = AccountBook(self.market.rules, directory)
        self._breaker = Breaker(self.faults, self.timer)
        self._warned: set[tuple[str, str]] = set()
        self.routes = {
            **order_routes(OrderCalls(self.faults, self.timer)),
            **wallet_routes(WalletCalls(self.streams)),
        }
        self._paths = {path for _, path in self.routes} | {_LISTEN_KEY, _RESTRICTIONS}
        for account in self.book.accounts.values():
            account.at_trigger = self._at_trigger(account.uid)

    def serves(self, path: str) -> bool:
        return path in self._paths

    # --- calls --------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one private call, as the faults in force allow."""
        query = request.raw_path.partition("?")[2]
        body = (await request.read()).decode("utf-8", "replace")
        call = call_of(
            request.method,
            request.path,
            query,
            body,
            request.remote or "",
            request.headers.get("X-MBX-APIKEY", ""),
            self.now_ms() + self.clock_offset_ms,
        )
        key = self.book.keys.get(call.api_key)
        subject = Subject(
            call.subject, key.uid if key else "", call.method, call.api_key, call.address
        )
        return await self._breaker.answer(request, subject, lambda: self._worked(call))

    async def _worked(self, call: Call) -> Reply:
        """Work a call to its end: what it caused is told before the answer goes out."""
        reply = self._work(call)
        await self.streams.told()
        return reply

    def _work(self, call: Call) -> Reply:
        headers = dict(_JSON)
        account: ExchangeAccount | None = None
        route: Route | None = None
        try:
            self.meter.admit(self.seconds())
            route = self.routes.get((call.method, call.path))
            weight = route.cost(call.params) if route else 1
            self.meter.spend(weight, self.seconds())
            told, account = self._answer(call, route)
            return Reply(200, _json(told), self._counted(headers, route, account))
        except Refused as refusal:
            status = 429 if refusal.code == -1015 else 400
            error = RestError(status, refusal.code, refusal.message)
        except RestError as raised:
            error = raised
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(error.retry_after_s)
        body = _json({"code": error.code, "msg": error.message})
        return Reply(error.status, body, self._counted(headers, route, account))

    def _counted(
        self, headers: dict[str, str], route: Route | None, account: ExchangeAccount | None
    ) -> dict[str, str]:
        headers["X-MBX-USED-WEIGHT-1M"] = str(self.meter.used(self.seconds()))
        if route is not None and route.counts_orders and account is not None:
            short, long = account.counts(self.now_ms())
            headers["X-MBX-ORDER-COUNT-10S"] = str(short)
            headers["X-MBX-ORDER-COUNT-1M"] = str(long)
        return headers

    def _answer(self, call: Call, route: Route | None) -> tuple[Any, ExchangeAccount | None]:
        if call.path == _LISTEN_KEY:
            return self._listen_key(call), None
        if call.path == _RESTRICTIONS and call.method == "GET":
            return self._signed(call, ANY).restrictions(), None
        if route is None:
            raise RestError(405, -5000, f"Path {call.path}, Method {call.method} is invalid")
        key = self._signed(call, route.rights)
        account = self.book.account(key.uid)
        if route.is_algo and self.faults.holds("matching", "algo_down", account.uid):
            raise RestError(503, -1008, "Request throttled by system-level protection.")
        try:
            told = route.answer(Asked(account, self.market, call.params, self.now_ms()))
        finally:
            self._drain(account)
            if call.method != "GET":
                account.is_dirty = True
                self.book.keep()  # what was answered is there after a power cut
        return told, account

    def _signed(self, call: Call, rights: frozenset[str]) -> ApiKey:
        key = key_of(call, self.book.keys, self.now_ms(), rights)
        check_signature(call, key)
        return key

    def _listen_key(self, call: Call) -> Any:
        uid = key_of(call, self.book.keys, self.now_ms(), READ).uid
        if call.method == "POST":
            return {"listenKey": self.streams.open_key(uid)}
        if call.method == "PUT":
            text = self.streams.prolong(uid)
            if text is None:
                raise RestError(400, -1125, "This listenKey does not exist.")
            return {"listenKey": text}
        if call.method == "DELETE":
            self.streams.close_key(uid)
            return {}
        raise RestError(405, -5000, f"Path {call.path}, Method {call.method} is invalid")

    # --- the market moves ---------------------------------------------------------------------

    def beat(self, now_ms: int) -> None:
        """Let the market of now meet every account: fills, triggers, funding, liquidations."""
        self.timer.turn(now_ms)
        self.streams.turn(now_ms)
        holders: dict[str, list[ExchangeAccount]] = {}
        for account in self.book.accounts.values():
            account.is_algo_down = self.faults.holds("matching", "algo_down", account.uid)
            self._count_down(account, now_ms)
            for symbol in account.watched:
                holders.setdefault(symbol, []).append(account)
        self._settle(now_ms)
        for symbol, accounts in sorted(holders.items()):
            if not self.market.is_known(symbol):
                continue
            quote = self.market.ranged(symbol, now_ms)
            for account in accounts:
                account.on_quote(quote, now_ms)
            self.market.turn(symbol)
        self.market.forget(set(holders))
        for account in self.book.accounts.values():
            self._drain(account)
            self._warn(account, now_ms)
        self.book.keep()

    def _count_down(self, account: ExchangeAccount, now_ms: int) -> None:
        for symbol, due_ms in list(account.countdowns.items()):
            if due_ms <= now_ms:
                del account.countdowns[symbol]
                account.cancel_all(symbol, Service.ORDER, now_ms)

    def _settle(self, now_ms: int) -> None:
        """Book the settlements since the last look; also those that came while we were off."""
        since_ms, self.book.settled_ms = self.book.settled_ms or now_ms, now_ms
        hour_ms = 3_600_000
        if since_ms // hour_ms == now_ms // hour_ms:
            return
        held = {p.symbol for a in self.book.accounts.values() for p in a.position_list()}
        for symbol in sorted(held):
            for at_ms, rate, mark in self.world.funding_history(self.market.places[symbol]):
                if since_ms < at_ms <= now_ms:
                    for account in self.book.accounts.values():
                        account.settle_funding(symbol, from_float(rate), from_float(mark), at_ms)

    def _drain(self, account: ExchangeAccount) -> None:
        """Tell what happened to an account."""
        happened = account.drain()
        if not happened:
            return
        account.is_dirty = True
        teller = AccountTeller(account, self.market)
        for event in happened:
            if isinstance(event, BalanceEvent) and event.reason == "ORDER":
                for name, _, _ in event.positions:
                    if name not in account.watched:
                        self._warned.discard((account.uid, name))
            for payload in events.told(event, teller):
                self.streams.tell(account.uid, payload)
        for symbol in account.watched:  # a range begins with the order, not before it
            self.market.begin(symbol)

    def _warn(self, account: ExchangeAccount, now_ms: int) -> None:
        """Tell a margin call once for each position that comes near its liquidation."""
        near = {
            p.symbol
            for p in account.position_list()
            if p.liquidation_price > 0
            and (account.uid, p.symbol) not in self._warned
            and _is_near(p.entry_price, p.mark_price, p.liquidation_price)
        }
        if near:
            self._warned |= {(account.uid, symbol) for symbol in near}
            teller = AccountTeller(account, self.market)
            self.streams.tell(account.uid, events.margin_call(teller, near, now_ms))

    def watch(self, account: ExchangeAccount) -> None:
        """Take a new account in."""
        account.at_trigger = self._at_trigger(account.uid)

    def _at_trigger(self, uid: str) -> Callable[[Order], str]:
        def verdict(order: Order) -> str:
            r = order.request
            what = Subject(f"{r.symbol} {r.client_id} {r.kind.value} {r.side.value}", uid)
            fault = self.faults.find("matching", what, "stuck", "reject")
            if fault is None:
                return LET_GO
            return STUCK if fault.action == "stuck" else REJECT

        return verdict

    # --- sockets ------------------------------------------------------------------------------

    async def raw(self, request: web.Request) -> web.StreamResponse:
        """Serve `/private/ws`, the listen key in the query or the path."""
        keys = [*request.query.getall("listenKey", []), request.match_info.get("key", "")]
        return await self.streams.handle(request, False, keys, request.query.get("events"))

    async def combined(self, request: web.Request) -> web.StreamResponse:
        """Serve `/private/stream`: several keys, and the events wanted of them."""
        keys = request.query.getall("listenKey", [])
        keys += request.query.get("streams", "").split("/")
        return await self.streams.handle(request, True, keys, request.query.get("events"))

    async def stop(self) -> None:
        """Close every socket, let everything that waits go, keep the accounts."""
        self.timer.release_all()
        await asyncio.sleep(0)
        await self.streams.close()
        self.book.keep()


def _is_near(entry: Decimal, mark: Decimal, liquidation: Decimal) -> bool:
    way = abs(entry - liquidation)
    return (
        way > 0 and abs(entry - mark) / way >= _WARN_AT and (mark < entry) == (liquidation < entry)
    )
