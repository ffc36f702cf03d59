"""Owns everything between the exchange and the market state: sockets, polls, holes.

Sockets hand events to the state directly, no queue in between; REST fills what sockets
missed, so no closed candle is lost whatever happened to the connection. The universe is read
at the start and again every ten minutes; new and gone symbols need no restart.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import structlog

from cryptosystems.kernel.errors import CryptoSystemsError, RetryLater
from cryptosystems.kernel.instruments import InstrumentRules
from signals.ingest.clock import N_ANSWERS, RESYNC_S, MarketClock
from signals.ingest.connection import LIFE_S, ConnectBudget, FeedCounters, StreamConnection
from signals.ingest.deep import DeepBooks
from signals.ingest.repair import CandleRepair
from signals.ingest.rest import LIVE_SHARE, MarketRest
from signals.ingest.topics import ALL_MARKS, MOST_STREAMS, limit_s, plan_sockets, streams_of
from signals.ingest.universe import UniverseChange, choose_universe, compare
from signals.market.events import (
    CandleUpdate,
    DepthDiff,
    Event,
    FundingSettled,
    Liquidation,
    MarkPrice,
    OpenInterest,
)
from signals.market.state import MarketState

__all__ = ["ADDRESSES", "MarketAddress", "MarketFeed", "choose_universe"]

log = structlog.get_logger(__name__)

INTEREST_EVERY_S: Final = 30.0
FUNDING_EVERY_S: Final = 300.0
UNIVERSE_EVERY_S: Final = 600.0
CHECK_EVERY_S: Final = 60.0
TURN_S: Final = 1.0
CLOCK_TOLERANCE_MS: Final = 600_000
"""An event whose exchange time is further from the exchange's clock is not believed."""
_DAY_MS: Final = 86_400_000
_PARALLEL: Final = 4
_MOST_FORCED: Final = 4_096
_MARKS_S: Final = 10.0
_STRAGGLER_MS: Final = 60_000
_INTEREST_SHARE: Final = 0.25
"""Of the weight limit: what open interest, polled symbol by symbol, may take."""


@dataclass(frozen=True, slots=True)
class MarketAddress:
    """Where a market is served."""

    rest: str
    ws: str
    speed: float = 1.0


ADDRESSES: Final = {
    "binance": MarketAddress("https://fapi.binance.com", "wss://fstream.binance.com"),
    "demo": MarketAddress("https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
}


@dataclass(slots=True)
class MarketFeed:
    """Feeds `state` from one market for ever; `run` it in a task of the engine's loop.

    `rules` and `wanted` let the universe change while it runs; `on_universe` is told, and may
    prepare what a new symbol needs. Without `rules` symbols can only be retired.
    """

    address: MarketAddress
    state: MarketState
    clock: MarketClock
    rest: MarketRest
    take: Callable[[Event], None]
    life_s: float = LIFE_S
    time_scale: float = 1.0
    """Of the sockets' deadlines, limits and pauses: tests make them short."""
    turn_s: float = TURN_S
    check_every_s: float = CHECK_EVERY_S
    interest_every_s: float = INTEREST_EVERY_S
    universe_every_s: float = UNIVERSE_EVERY_S
    deep_symbols: tuple[str, ...] = ()
    rules: Iterable[InstrumentRules] = ()
    wanted: tuple[str, ...] | int = 0
    on_universe: Callable[[UniverseChange], None] | None = None
    counters: FeedCounters = field(default_factory=FeedCounters)
    repair: CandleRepair = field(init=False)
    deep: DeepBooks = field(init=False)
    has_interest: bool = True
    n_bad_clock: int = 0
    n_unfollowed: int = 0
    n_repeated: int = 0
    """Events that came twice, or after a newer one of their stream."""
    skew_ms: float = 0.0
    """Newest mark price's exchange time less the exchange's clock: alarm beyond 500 ms."""
    _connections: list[StreamConnection] = field(default_factory=list)
    _budget: ConnectBudget = field(default_factory=ConnectBudget)
    _known: dict[str, InstrumentRules] = field(default_factory=dict)
    _newest: dict[tuple[type, str], int] = field(default_factory=dict)
    _forced: OrderedDict[tuple[str, int, float, float], None] = field(default_factory=OrderedDict)
    _group: asyncio.TaskGroup | None = None

    def __post_init__(self) -> None:
        self._known = {rule.symbol: rule for rule in self.rules}
        self.repair = CandleRepair(
            self.state, self.rest, self.clock, self.take, self._is_clock_sound
        )
        self.deep = DeepBooks(self.rest, self.clock, self.take, self._forget, self.deep_symbols)

    @property
    def n_refilled(self) -> int:
        """Candles that came by REST."""
        return self.repair.n_refilled

    @property
    def n_gaps(self) -> int:
        """Minutes that no source has, as marked now."""
        return self.repair.n_gaps

    @property
    def followed(self) -> list[str]:
        """The symbols that are followed now, in the order of their rows."""
        state = self.state
        return [symbol for symbol in state.symbols if state.active[state.index[symbol]]]

    async def run(self) -> None:
        """Run sockets and polls until cancelled."""
        self.rest.budget.share = LIVE_SHARE
        async with asyncio.TaskGroup() as group:
            self._group = group
            for plan in plan_sockets(self.followed, self.deep.symbols):
                self._connect(plan.route, plan.streams)
            group.create_task(self.deep.run())
            group.create_task(self._forever(self._sync_clock, RESYNC_S))
            group.create_task(self._forever(self._turn, self.turn_s))
            group.create_task(self._forever(self.repair.turn, self.turn_s))
            group.create_task(self._forever(self.repair.check, self.check_every_s))
            group.create_task(self._forever(self._poll_interest, self._interest_pause_s))
            group.create_task(self._forever(self._poll_funding, FUNDING_EVERY_S))
            group.create_task(self._forever(self._refresh_universe, self.universe_every_s, True))

    def _connect(self, route: str, streams: Iterable[str]) -> None:
        assert self._group is not None
        connection = StreamConnection(
            self.address.ws,
            route,
            tuple(streams),
            self.receive,
            self.clock,
            self.counters,
            budget=self._budget,
            life_s=self.life_s,
            time_scale=self.time_scale,
        )
        self._connections.append(connection)
        self._group.create_task(connection.run())

    async def _forever(
        self,
        job: Callable[[], Awaitable[None]],
        every_s: float | Callable[[], float],
        waits_first: bool = False,
    ) -> None:
        """Repeat a job; what it cannot get now it gets at a later turn."""
        while True:
            if not waits_first:
                try:
                    await job()
                except CryptoSystemsError as error:
                    self.counters.last_error = f"{job.__name__.strip('_')}: {error}"[:200]
                    self.counters.last_error_ms = self.clock.now_ms()
            waits_first = False
            await asyncio.sleep(every_s if isinstance(every_s, float | int) else every_s())

    # --- events ---------------------------------------------------------------------------------

    def receive(self, event: Any) -> None:
        """Take one event off a socket: refuse what cannot be believed, hand the rest on."""
        kind = type(event)
        off_ms = event.event_ms - event.received_ms
        if abs(off_ms) > CLOCK_TOLERANCE_MS * max(1.0, self.clock.speed):
            self.n_bad_clock += 1
            self.skew_ms = off_ms
            return
        if kind is DepthDiff:
            self.deep.take(event)
            return
        if kind is MarkPrice or kind is Liquidation:
            if event.symbol not in self.state.index:
                self.n_unfollowed += 1  # all-market streams carry every product there is
                return
            self.skew_ms = off_ms if kind is MarkPrice else self.skew_ms
        if kind is Liquidation:
            if self._is_repeated(event):
                return
        elif not (kind is CandleUpdate and event.is_closed):
            key = (kind, event.symbol)
            behind_ms = self._newest.get(key, 0) - event.event_ms
            # One that is far behind is no straggler: the newest one told a wrong time.
            if 0 < behind_ms < _STRAGGLER_MS * max(1.0, self.clock.speed):
                self.n_repeated += 1
                return
            self._newest[key] = event.event_ms
        self.take(event)

    def _is_repeated(self, event: Liquidation) -> bool:
        """Say whether a liquidation was seen on another socket already."""
        key = (event.symbol, event.event_ms, event.price, event.quantity)
        if key in self._forced:
            self.n_repeated += 1
            return True
        self._forced[key] = None
        if len(self._forced) > _MOST_FORCED:
            self._forced.popitem(last=False)
        return False

    def _forget(self, symbol: str) -> None:
        row = self.state.index.get(symbol)
        if row is not None:
            self.state.book.forget(row)

    def _is_clock_sound(self) -> bool:
        return abs(self.skew_ms) <= CLOCK_TOLERANCE_MS * max(1.0, self.clock.speed)

    # --- turns ----------------------------------------------------------------------------------

    async def _turn(self) -> None:
        """Once a second: deep books to the state, liveness of the liquidation stream."""
        self.deep.flush()
        heard = self.counters.streams.get(ALL_MARKS)
        if heard is not None and self.counters.frames and monotonic() - heard < _MARKS_S:
            # Sockets that prove alive by their marks make an empty liquidation stream data.
            liquidations = self.state.liquidations
            liquidations.heartbeat_ms = self.clock.now_ms()
            liquidations.since_ms = liquidations.since_ms or liquidations.heartbeat_ms

    async def _sync_clock(self) -> None:
        self.clock.sync_all([await self.rest.server_time() for _ in range(N_ANSWERS)])

    def _interest_pause_s(self) -> float:
        """Return how long a round of polling must last to stay within its share of the weight."""
        budget = self.rest.budget.limit * _INTEREST_SHARE
        return max(self.interest_every_s, len(self.followed) * 60.0 / budget)

    async def _poll_interest(self) -> None:
        """Ask for open interest of every symbol; a market without it is asked no more."""
        if not self.has_interest:
            return
        limit = asyncio.Semaphore(_PARALLEL)

        async def ask(symbol: str) -> bool:
            async with limit:
                found = await self.rest.open_interest(symbol)
            if found is None:
                return False
            quantity, at_ms = found
            self.take(OpenInterest(symbol, at_ms, self.clock.now_ms(), quantity))
            return True

        results = await asyncio.gather(*map(ask, self.followed), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]
        self.has_interest = any(results)

    async def _poll_funding(self) -> None:
        """Take settlements we have not seen: they are not streamed."""
        state = self.state
        rows = [state.index[symbol] for symbol in self.followed]
        oldest = int(state.derivatives.settled_ms[rows].min()) if rows else 0
        since = max(oldest + 1, self.clock.now_ms() - _DAY_MS)
        for symbol, at_ms, rate in await self.rest.settlements(since):
            if symbol in state.index:
                self.take(FundingSettled(symbol, at_ms, self.clock.now_ms(), rate))

    # --- universe -------------------------------------------------------------------------------

    async def _refresh_universe(self) -> None:
        """Retire what no longer trades, take up what has a place, note changed filters."""
        listed = await self.rest.instruments()
        volumes = await self.rest.volumes() if self._known else {}
        wanted = self.wanted if self._known else 0
        change = compare(self._known, self.followed, listed, volumes, wanted)
        if not change:
            return
        if len(change.retired) > max(1, len(self.followed) // 2):
            raise RetryLater(
                f"exchangeInfo lacks {len(change.retired)} of {len(self.followed)} symbols: "
                "not believed, asked again later"
            )
        room = self.state.n - len(self.state.symbols)
        taken: list[InstrumentRules] = []
        for rule in change.listed:
            is_known = rule.symbol in self.state.index
            if not is_known and room <= 0:
                log.warning("symbol_without_row", symbol=rule.symbol, rows=self.state.n)
                continue
            room -= not is_known
            taken.append(rule)
        change = UniverseChange(taken, change.retired, change.changed)
        for symbol in change.retired:
            self.state.retire_symbol(symbol)
            self.deep.drop(symbol)
            log.warning("symbol_retired", symbol=symbol)
        for rule in [*change.listed, *change.changed]:
            self._known[rule.symbol] = rule
            row = self.state.add_symbol(rule.symbol)
            self.state.derivatives.interval_hours[row] = rule.funding_interval_hours
        self._listen()
        if self.on_universe is not None:
            self.on_universe(change)
        for rule in change.listed:
            log.info("symbol_listed", symbol=rule.symbol)
            await self.repair.backfill(rule.symbol)

    def _listen(self) -> None:
        """Bring the sockets' streams in line with who is followed; open sockets where needed."""
        for route, wanted in streams_of(self.followed, self.deep.symbols).items():
            held = [c for c in self._connections if c.route == route]
            carried = {stream for connection in held for stream in connection.streams}
            fresh = [stream for stream in wanted if stream not in carried]
            keep = set(wanted)
            for connection in held:
                streams = [stream for stream in connection.streams if stream in keep]
                while fresh and len(streams) < MOST_STREAMS:
                    streams.append(fresh.pop(0))
                if tuple(streams) != connection.streams:
                    connection.listen(streams)
            for first in range(0, len(fresh), MOST_STREAMS):
                self._connect(route, fresh[first : first + MOST_STREAMS])

    def stream_ages(self) -> list[tuple[str, float]]:
        """Return each stream's age on our clock, oldest first, silent-by-nature ones left out."""
        now = monotonic()
        ages = [
            (stream, now - at)
            for stream, at in self.counters.streams.items()
            if stream and limit_s(stream) is not None
        ]
        return sorted(ages, key=lambda pair: -pair[1])
