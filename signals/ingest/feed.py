"""Owns everything between the exchange and the market state: sockets, polls, holes.

The universe is read once at the start and again every hour. Sockets hand events to the
state directly; REST fills what sockets missed: a minute that did not close within its grace is
asked for, so no closed candle is lost whatever happened to the connection.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import structlog

from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.instruments import InstrumentRules
from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.ingest.clock import RESYNC_S, MarketClock
from signals.ingest.connection import LIFE_S, FeedCounters, StreamConnection
from signals.ingest.rest import MarketRest
from signals.ingest.topics import limit_s, plan_sockets
from signals.market.events import CandleUpdate, Event, FundingSettled, OpenInterest
from signals.market.state import MarketState

log = structlog.get_logger(__name__)

GRACE_S: Final = 3.0
"""Real seconds after a minute's end before REST is asked for its candle."""
INTEREST_EVERY_S: Final = 30.0
FUNDING_EVERY_S: Final = 300.0
UNIVERSE_EVERY_S: Final = 3600.0
_MOST_REFILL: Final = 1_000
_PARALLEL: Final = 4
_HEARTBEAT_S: Final = 1.0


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


def choose_universe(
    rules: Sequence[InstrumentRules], volumes: dict[str, float], wanted: tuple[str, ...] | int
) -> list[InstrumentRules]:
    """Return the symbols to follow: those named, or so many by 24-hour volume; BTC always.

    Raises
    ------
    CryptoSystemsError
        If a named symbol does not trade, or nothing is left.
    """
    by_name = {rule.symbol: rule for rule in rules}
    if isinstance(wanted, int):
        ranked = sorted(rules, key=lambda rule: -volumes.get(rule.symbol, 0.0))
        chosen = ranked[:wanted]
        leader = by_name.get("BTCUSDT")
        if leader is not None and leader not in chosen:
            chosen[-1:] = [leader]
    else:
        unknown = [name for name in wanted if name not in by_name]
        if unknown:
            raise CryptoSystemsError(
                f"SYMBOLS names what does not trade here: {', '.join(unknown)}"
            )
        chosen = [by_name[name] for name in wanted]
    if not chosen:
        raise CryptoSystemsError("the exchange lists no USDT perpetual that trades")
    return chosen


@dataclass(slots=True)
class MarketFeed:
    """Feeds `state` from one market for ever; `run` it in a task of the engine's loop."""

    address: MarketAddress
    state: MarketState
    clock: MarketClock
    rest: MarketRest
    take: Callable[[Event], None]
    life_s: float = LIFE_S
    deadline_scale: float = 1.0
    interest_every_s: float = INTEREST_EVERY_S
    counters: FeedCounters = field(default_factory=FeedCounters)
    n_refilled: int = 0
    n_gaps: int = 0
    has_interest: bool = True
    _refilling: set[str] = field(default_factory=set)
    _started_s: float = field(default_factory=monotonic)

    async def run(self) -> None:
        """Run sockets and polls until cancelled."""
        symbols = [s for s in self.state.symbols if self.state.active[self.state.index[s]]]
        async with asyncio.TaskGroup() as group:
            for plan in plan_sockets(symbols):
                connection = StreamConnection(
                    self.address.ws,
                    plan,
                    self.take,
                    self.clock,
                    self.counters,
                    life_s=self.life_s,
                    deadline_scale=self.deadline_scale,
                )
                group.create_task(connection.run())
            group.create_task(self._forever(self._sync_clock, RESYNC_S))
            group.create_task(self._forever(self._fill_holes, 1.0))
            group.create_task(self._forever(self._poll_interest, self.interest_every_s))
            group.create_task(self._forever(self._poll_funding, FUNDING_EVERY_S))
            group.create_task(self._forever(self._refresh_universe, UNIVERSE_EVERY_S))

    async def _forever(self, job: Callable[[], Any], every_s: float) -> None:
        """Repeat a job; what it cannot get now it gets at a later turn."""
        while True:
            try:
                await job()
            except CryptoSystemsError as error:
                self.counters.last_error = f"{job.__name__.strip('_')}: {error}"[:200]
                self.counters.last_error_ms = self.clock.now_ms()
            await asyncio.sleep(every_s)

    async def _sync_clock(self) -> None:
        self.clock.sync(*await self.rest.server_time())
        now = self.clock.now_ms()
        if self.counters.frames:
            # Sockets that prove alive by other streams make an empty liquidation stream data.
            liquidations = self.state.liquidations
            liquidations.since_ms = liquidations.since_ms or now
        await asyncio.sleep(0)

    def beat(self) -> None:
        """Once a second: the liquidation stream lives as long as its socket's marks come."""
        heard = self.counters.streams.get("!markPrice@arr@1s")
        if heard is not None and monotonic() - heard < 10:
            self.state.liquidations.heartbeat_ms = self.clock.now_ms()

    async def _fill_holes(self) -> None:
        """Ask REST for minutes that should have closed and did not come."""
        self.beat()
        now = self.clock.now_ms()
        if self.clock.real_seconds(now % MINUTE_MS) < min(
            GRACE_S, self.clock.real_seconds(MINUTE_MS) / 2
        ):
            return
        expected = now - now % MINUTE_MS - MINUTE_MS
        last = self.state.panels[Timeframe.M1].last_open_ms
        late = [
            symbol
            for symbol in self.state.symbols
            if self.state.active[self.state.index[symbol]]
            and 0 <= last[self.state.index[symbol]] < expected
            and symbol not in self._refilling
        ]
        if not late:
            return
        limit = asyncio.Semaphore(_PARALLEL)

        async def fill(symbol: str) -> None:
            async with limit:
                await self._fill(symbol, int(last[self.state.index[symbol]]) + MINUTE_MS, expected)

        self._refilling.update(late)
        try:
            results = await asyncio.gather(*map(fill, late), return_exceptions=True)
        finally:
            self._refilling.difference_update(late)
        for result in results:
            if isinstance(result, CryptoSystemsError):
                raise result
            if isinstance(result, BaseException):
                raise result

    async def _fill(self, symbol: str, first_ms: int, last_ms: int) -> None:
        open_ms, values = await self.rest.klines(
            symbol,
            "1m",
            first_ms,
            last_ms,
            min(_MOST_REFILL, (last_ms - first_ms) // MINUTE_MS + 1),
        )
        received = self.clock.now_ms()
        for at, row in zip(open_ms.tolist(), values.tolist(), strict=True):
            if at > last_ms:
                break
            self.n_refilled += 1
            self.take(CandleUpdate(symbol, at + MINUTE_MS, received, at, *row, True))

    async def _poll_interest(self) -> None:
        """Ask for open interest of every symbol, spread over the round."""
        if not self.has_interest:
            return
        limit = asyncio.Semaphore(_PARALLEL)
        known = 0

        async def ask(symbol: str) -> None:
            nonlocal known
            async with limit:
                found = await self.rest.open_interest(symbol)
            if found is not None:
                known += 1
                quantity, at_ms = found
                self.take(OpenInterest(symbol, at_ms, self.clock.now_ms(), quantity))

        await asyncio.gather(*(ask(symbol) for symbol in self.state.symbols))
        self.has_interest = known > 0

    async def _poll_funding(self) -> None:
        """Take settlements we have not seen: they are not streamed."""
        since = self.clock.now_ms() - 4 * 86_400_000
        limit = asyncio.Semaphore(_PARALLEL)

        async def ask(symbol: str) -> None:
            row = self.state.index[symbol]
            newest = int(self.state.derivatives.settled_ms[row])
            async with limit:
                found = await self.rest.funding_history(symbol, max(since, newest + 1))
            for at_ms, rate in found:
                self.take(FundingSettled(symbol, at_ms, self.clock.now_ms(), rate))

        await asyncio.gather(*(ask(symbol) for symbol in self.state.symbols))

    async def _refresh_universe(self) -> None:
        """Retire what no longer trades; new listings are taken up at the next start."""
        if monotonic() - self._started_s < UNIVERSE_EVERY_S / 2:
            return
        trading = {rule.symbol for rule in await self.rest.instruments()}
        for symbol in self.state.symbols:
            if symbol not in trading:
                self.state.retire_symbol(symbol)
                log.warning("symbol_retired", symbol=symbol)

    def stream_ages(self) -> list[tuple[str, float]]:
        """Return each stream's age on our clock, oldest first, silent-by-nature ones left out."""
        now = monotonic()
        ages = [
            (stream, now - at)
            for stream, at in self.counters.streams.items()
            if stream and limit_s(stream) is not None
        ]
        return sorted(ages, key=lambda pair: -pair[1])
