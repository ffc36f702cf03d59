"""A paper account: the exchange's own rules, prices, fees and funding; only the money is not real.

The account is one row, and a change is there once that row is written. Market orders pay a basis
point beyond the best price. While nobody looked, candles tell what happened (`paper_past`).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from django.db import DatabaseError

from trading.contracts import Venue
from trading.domain.venue import (
    CashFlow,
    KeyRights,
    OrderKind,
    OrderRequest,
    Outcome,
    OutcomeClass,
    Quote,
    Service,
    StreamGap,
    SymbolSettings,
    TradingRules,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from trading.exchanges import paper_market, paper_past, paper_store
from trading.exchanges.client import FuturesClient
from trading.exchanges.outcomes import ALREADY
from trading.exchanges.paper_market import Due
from trading.exchanges.paper_store import Outrun, PaperState
from trading.exchanges.port import ExchangePort, ReadFailed
from trading.exchanges.quotes import QuoteFeed
from trading.matching.matching import MatchingAccount
from trading.matching.records import Fees
from trading.matching.refused import Refused
from trading.models import PaperBook

log = structlog.get_logger(__name__)

GAP_MS: Final = 10_000
"""A longer stretch without a quote is looked up in candles."""
BEAT_S: Final = 0.3
"""How often the market is applied; ranges are kept, so that nothing between is missed."""
KEEP_MS: Final = 60_000
"""How often the row learns how far the market was applied, while something is open."""
_VERSION_MS: Final = 2_000
_TRIES: Final = 5
_PAUSE_S: Final = 2.0
T = TypeVar("T")


Run = Callable[..., Awaitable[Any]]
"""Runs a function that touches rows in a thread: `asyncio.to_thread`, or a pool's `run`."""


@dataclass(frozen=True, slots=True)
class PaperServices:
    """What all paper accounts share."""

    rules: Mapping[str, TradingRules]
    feed: QuoteFeed
    client: FuturesClient
    """For candles of the past; no key."""
    now_ms: Callable[[], int]
    run: Run = asyncio.to_thread
    fees: Fees = field(default_factory=Fees)
    versions: paper_store.Versions | None = None
    """Shared by all accounts of a process; None: the port has its own."""
    speed: float = 1.0
    """How many times faster than ours the market's clock runs."""


class PaperPort(ExchangePort):
    """The port of one paper account; `events` is what moves it."""

    def __init__(self, user_id: UUID, account_id: UUID, services: PaperServices) -> None:
        self.venue: Venue = Venue.PAPER
        self._user_id = user_id
        self._account_id = account_id
        self._rules, self._feed, self._client = services.rules, services.feed, services.client
        self._now_ms, self._run, self._fees = services.now_ms, services.run, services.fees
        self._gap_ms = GAP_MS * max(1.0, services.speed)
        self._versions = services.versions or paper_store.Versions(services.run)
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._state: PaperState | None = None
        self._checked_ms = 0
        self._tidied_ms = 0
        self._events: deque[VenueEvent] = deque()
        self._pending: dict[str, Quote] = {}
        self._applied: dict[str, Quote] = {}
        """What was applied since the row was last written, with its range."""
        self._due: dict[str, Due] = {}
        self._seen_ms: dict[str, int] = {}
        """Until when the market of each symbol was applied in this process."""
        self._watched: set[str] = set()
        self._undo = self._feed.subscribe(self._take_quote)

    # --- calls that change something --------------------------------------------------------------

    async def submit(self, request: OrderRequest) -> Outcome:
        """Place one order; NOT_SENT without a fresh price."""

        symbol = request.symbol
        self._watch(symbol)
        quote = self._fresh(symbol)
        if quote is None:
            return _no_price()
        # First whatever waits, so that nothing from before it can touch the new order.
        self._pending[symbol] = paper_market.merged(self._pending.get(symbol), quote)

        def place(state: PaperState) -> VenueOrder:
            now_ms = self._now_ms()
            order = _place(state.account, request, quote, now_ms)
            if self._pending.pop(symbol, None) is not None:
                self._seen_ms[symbol] = now_ms
            return order

        return await self._outcome_of(place)

    async def cancel(self, symbol: str, client_id: str, service: Service) -> Outcome:
        """Cancel by our id. REJECTED with -2011 means: not resting (any more)."""

        def cancel(state: PaperState) -> VenueOrder:
            return state.account.cancel(
                symbol, client_id=client_id, service=service, now_ms=self._now_ms()
            )

        return await self._outcome_of(cancel)

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome:
        def change(state: PaperState) -> None:
            self._known(symbol)
            state.account.set_leverage(symbol, leverage, self._now_ms())

        return await self._outcome_of(change)

    async def set_isolated(self, symbol: str) -> Outcome:
        """REJECTED with -4046 means: it is so already."""

        def change(state: PaperState) -> None:
            self._known(symbol)
            state.account.set_isolated(symbol, True, self._now_ms())

        return await self._outcome_of(change)

    async def test_order(self, request: OrderRequest) -> Outcome:
        """Check an order on a copy of the account."""
        quote = self._fresh(request.symbol)
        if quote is None:
            return _no_price()

        def try_out(state: PaperState) -> Outcome:
            ids = type(state.ids)(*_numbers(state.ids))
            copy = MatchingAccount.from_dict(state.account.to_dict(), self._rules, ids)
            try:
                _place(copy, request, quote, self._now_ms())
            except Refused as refusal:
                return _refused(refusal)
            return Outcome(OutcomeClass.ACCEPTED, status=200)

        return await self._look(try_out)

    async def _outcome_of(self, act: Callable[[PaperState], VenueOrder | None]) -> Outcome:
        """Change the account and say how that ended, in the words of reliability 2.2."""
        try:
            order = await self._change(act)
        except Refused as refusal:
            return _refused(refusal)
        except ReadFailed as error:
            return Outcome(OutcomeClass.NOT_SENT, message=str(error), retry_after_s=_PAUSE_S)
        except DatabaseError as error:
            # The commit may have happened: the row knows.
            log.warning("paper_not_written", reason=type(error).__name__)
            return Outcome(OutcomeClass.UNKNOWN, message="the paper book could not be written")
        return Outcome(OutcomeClass.ACCEPTED, order=order, status=200)

    def _known(self, symbol: str) -> None:
        if symbol not in self._rules:
            raise Refused(-1121, "Invalid symbol.")

    # --- reads ------------------------------------------------------------------------------------

    async def order(self, symbol: str, client_id: str, service: Service) -> VenueOrder | None:
        return await self._look(lambda s: s.account.find(symbol, service, client_id=client_id))

    async def order_by_id(self, symbol: str, exchange_id: str) -> VenueOrder | None:
        return await self._look(
            lambda s: s.account.find(symbol, Service.ORDER, exchange_id=exchange_id)
        )

    async def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        return await self._look(lambda s: s.account.open_orders(symbol))

    async def positions(self, symbol: str | None = None) -> list[VenuePosition]:
        found = await self._look(lambda s: s.account.position_list())
        return [p for p in found if symbol in (None, p.symbol)]

    async def account(self) -> VenueAccount:
        return await self._look(lambda s: s.account.account())

    async def symbol_settings(self, symbol: str) -> SymbolSettings:
        if symbol not in self._rules:
            raise ReadFailed(f"the exchange did not tell how {symbol} is set")
        return await self._look(lambda s: s.account.symbol_settings(symbol))

    async def fills(self, symbol: str, since_ms: int) -> list[VenueFill]:
        return await self._look(lambda s: s.account.fills(symbol, since_ms))

    async def income(self, since_ms: int) -> list[CashFlow]:
        return await self._look(lambda s: s.account.income(since_ms))

    async def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        return self._fees.maker, self._fees.taker

    async def rights(self) -> KeyRights:
        """Return what a key would need: there is none, and nothing can be taken out."""
        return KeyRights(
            reading=True,
            futures=True,
            withdrawals=False,
            internal_transfer=False,
            universal_transfer=False,
            spot_and_margin=False,
            margin_loans=False,
            options=False,
            portfolio_margin=False,
            is_ip_restricted=True,
            created_ms=0,
        )

    # --- the row ------------------------------------------------------------------------------------

    async def _look(self, read: Callable[[PaperState], T]) -> T:
        async with self._lock:
            try:
                return read(await self._loaded())
            except DatabaseError as error:
                raise ReadFailed("the paper book could not be read") from error

    async def _change(self, act: Callable[[PaperState], T]) -> T:
        """Apply the market as far as it is known, act, and write the row; all or nothing."""
        async with self._lock:
            for _ in range(_TRIES):
                state = await self._loaded()
                await self._catch_up(state)
                result = act(state)
                if await self._wrote(state):
                    return result
            raise ReadFailed("the paper book is being written by somebody else")

    async def _loaded(self) -> PaperState:
        """Return the account; read anew where the row has changed under us (a reset)."""
        now_ms = self._now_ms()
        if self._state is not None and abs(now_ms - self._checked_ms) >= _VERSION_MS:
            version = await self._versions.of(self._account_id)
            self._checked_ms = now_ms
            if version is None or version > self._state.version:
                self._forget("the paper account began anew")
        if self._state is None:
            try:
                self._state = await self._run(
                    paper_store.load,
                    *(self._user_id, self._account_id, self._rules, now_ms, self._fees),
                )
            except PaperBook.DoesNotExist:
                raise ReadFailed("there is no such paper account") from None
            self._checked_ms = now_ms
            self._watch(*paper_market.held_symbols(self._state))
        if not paper_market.held_symbols(self._state) <= self._rules.keys():
            raise ReadFailed("the rules of an open symbol are not known yet")
        return self._state

    async def _wrote(self, state: PaperState) -> bool:
        """Write the row and hand on what happened; False, and read anew, if it was outrun."""
        state.seen_ms = max(state.seen_ms, self._now_ms())
        state.happened += state.account.drain()
        try:
            await self._run(paper_store.save, self._user_id, self._account_id, state)
        except Outrun:
            self._forget("the paper account was changed by another process")
            return False
        except BaseException:
            # Whether it is written is not known: only the row tells. The market since then
            # happens to it once more.
            for symbol, quote in self._applied.items():
                newer = self._pending.get(symbol, quote)
                self._pending[symbol] = paper_market.merged(quote, newer)
            self._forget("the paper book could not be written")
            raise
        self._events.extend(state.happened)
        state.happened.clear()
        self._applied.clear()
        self._wake.set()
        return True

    def _forget(self, reason: str) -> None:
        self._state = None
        self._seen_ms.clear()
        self._events.append(StreamGap(reason, self._now_ms()))
        self._wake.set()

    # --- the market -----------------------------------------------------------------------------------

    def _take_quote(self, quote: Quote) -> None:
        if quote.symbol in self._watched:
            self._pending[quote.symbol] = paper_market.merged(
                self._pending.get(quote.symbol), quote
            )

    def _fresh(self, symbol: str) -> Quote | None:
        if symbol not in self._rules or not self._feed.is_fresh(symbol, self._now_ms()):
            return None
        return self._feed.quote(symbol)

    def _watch(self, *symbols: str) -> None:
        for symbol in symbols:
            if symbol not in self._watched:
                self._watched.add(symbol)
                self._feed.watch(symbol)

    def _unwatch(self, state: PaperState) -> None:
        """Let go of symbols in which nothing is open any more."""
        for symbol in self._watched - paper_market.held_symbols(state):
            self._watched.discard(symbol)
            self._feed.unwatch(symbol)
            self._pending.pop(symbol, None)
            self._applied.pop(symbol, None)
            self._due.pop(symbol, None)
            self._seen_ms.pop(symbol, None)

    async def _catch_up(self, state: PaperState) -> bool:
        """Apply every quote that waits, and the past before it; say whether anything was open."""
        held = paper_market.held_symbols(state)
        waiting = {s: q for s, q in self._pending.items() if s in held}
        for symbol, quote in waiting.items():
            since_ms = self._seen_ms.get(symbol, state.seen_ms)
            if quote.at_ms - since_ms > self._gap_ms:
                await self._apply_past(state, symbol, since_ms, quote.at_ms)
            # A newer one may have come while we asked for the past.
            quote = self._pending.pop(symbol)
            due = paper_market.apply_quote(state, quote, self._due.get(symbol))
            self._due.pop(symbol, None)
            if due is not None:
                self._due[symbol] = due
            self._applied[symbol] = paper_market.merged(self._applied.get(symbol), quote)
            self._seen_ms[symbol] = quote.at_ms
        return bool(waiting)

    async def _apply_past(
        self, state: PaperState, symbol: str, since_ms: int, until_ms: int
    ) -> None:
        candles = await paper_past.candles(self._client, symbol, since_ms, until_ms)
        settled = await paper_past.settlements(self._client, symbol, since_ms)
        paper_market.apply_past(state, symbol, candles, [s for s in settled if s.at_ms <= until_ms])
        log.info("paper_caught_up", symbol=symbol, since_ms=since_ms, n=len(candles))

    async def _beat(self) -> None:
        """Apply the market; write where something came of it."""
        async with self._lock:
            state = await self._loaded()
            try:
                was_open = await self._catch_up(state)
            except ReadFailed:
                # Half of a past may be applied: begin again from the row.
                self._forget("the past could not be read")
                raise
            state.happened += state.account.drain()
            is_old = was_open and self._now_ms() - state.seen_ms > KEEP_MS
            if state.happened or is_old:
                await self._wrote(state)
            if self._now_ms() - self._tidied_ms > KEEP_MS:
                self._tidied_ms = self._now_ms()
                self._unwatch(state)

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what happens to the account, and let it happen."""
        yield StreamGap("connected", self._now_ms())
        while True:
            try:
                await self._beat()
            except (ReadFailed, DatabaseError) as error:
                log.warning("paper_beat_failed", reason=type(error).__name__)
                await asyncio.sleep(_PAUSE_S)
            while self._events:
                yield self._events.popleft()
            self._wake.clear()
            try:
                # Not `wait_for`: it may swallow a cancellation that comes with the wake.
                async with asyncio.timeout(BEAT_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Let go of the feed; the account keeps what it holds."""
        self._undo()
        self._versions.leave(self._account_id)
        for symbol in self._watched:
            self._feed.unwatch(symbol)
        self._watched.clear()


def _place(
    account: MatchingAccount, request: OrderRequest, quote: Quote, now_ms: int
) -> VenueOrder:
    if request.service is Service.ALGO:
        return account.place_algo(request, quote, now_ms)
    rules = account.rules.get(request.symbol)
    if request.kind is OrderKind.MARKET and rules is not None:
        quote = paper_market.with_slippage(quote, rules.tick)
    return account.place(request, quote, now_ms)


def _numbers(ids: Any) -> tuple[int, int, int, int]:
    return ids.order, ids.algo, ids.trade, ids.flow


def _refused(refusal: Refused) -> Outcome:
    kind = OutcomeClass.ALREADY if refusal.code == ALREADY else OutcomeClass.REJECTED
    return Outcome(kind, code=refusal.code, status=400, message=refusal.message)


def _no_price() -> Outcome:
    return Outcome(
        OutcomeClass.NOT_SENT, message="no price is fresh enough for it", retry_after_s=1.0
    )
