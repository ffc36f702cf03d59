"""One account: a loop over state, one step at a time, the most urgent trade first.

The same pass serves start, crash and normal running: read rows, look at what is known of the
exchange, decide, do one step, decide anew. A lane that fails hurts no other lane (EX-29).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError

from cryptosystems.kernel.clock import to_ms
from cryptosystems.kernel.errors import RetryLater
from cryptosystems.platform import leases
from trading.contracts import TradeState
from trading.domain.venue import (
    STREAM_LOST,
    OrderEvent,
    Outcome,
    OutcomeClass,
    SettingsEvent,
    StreamGap,
    VenueEvent,
)
from trading.exchanges.port import ExchangePort, KeyRefused, ReadFailed
from trading.executor import changes, hooks, outcomes, reads, standing, store
from trading.executor.claim import Denial
from trading.executor.database import Database
from trading.executor.doing import Doer
from trading.executor.emergency import Emergency
from trading.executor.market import Breaker, Market, Pauses, sure
from trading.executor.memory import AccountRef, LaneMemory
from trading.executor.planning import MarketPlanner, Planner
from trading.executor.reconcile import Reconciler
from trading.executor.turnstile import turn_of
from trading.executor.upkeep import Upkeep
from trading.reconciliation.decide import decide
from trading.reconciliation.guards import Guard
from trading.reconciliation.look import Look
from trading.reconciliation.state import OrderFacts, Standing, TradeFacts
from trading.reconciliation.steps import Decision, Step
from trading.reconciliation.timing import QUOTE_FRESH_MS

log = structlog.get_logger(__name__)

MOST_STEPS: Final = 200
"""Of one pass; a loop that never rests would starve the others."""
STANDING_MS: Final = 500
"""While an entry rests, whatever ends the right to it takes it back within a second (EX-25)."""
STANDING_LATE_MS: Final = 60_000
"""Otherwise the supervisor looks at changes for all lanes together, and wakes those concerned."""
NEVER_MS: Final = 10**15
WITHOUT_ROWS_S: Final = 1.0
KEY_AGAIN_MS: Final = 60_000
MOST_LOOK: Final = 4.0
"""So many times rarer the market is looked at where there are very many lanes."""
FIRST_STREAM_S: Final = 3.0
"""A lane waits so long for its user stream before it reads the account without it."""
ABANDONED_MS: Final = 250
TURN_MS: Final = 30_000
"""Who waits for its turn is woken; this is only the net."""
KEEP_TURN_MS: Final = 300
"""A turn lasts over a pause that is shorter: a stop that was just placed is being confirmed."""


@dataclass(slots=True)
class Lane:
    """Everything that is done for one account."""

    ref: AccountRef
    port: ExchangePort
    db: Database
    market: Market
    wall_ms: Callable[[], int] | None = None
    """People's time, where the market has another (a replay)."""
    holding: leases.Holding | None = None
    lease_is_fresh: Callable[[], bool] = sure
    planner: Planner | None = None
    on_loaded: Callable[[frozenset[str]], None] = lambda symbols: None
    """Told which symbols the account needs quotes of."""
    memory: LaneMemory = field(default_factory=LaneMemory)
    inbox: deque[VenueEvent] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    trades: tuple[TradeFacts, ...] = ()
    """As last loaded."""
    is_ending: bool = False  # the step that runs is finished, no other begins
    key_lost_ms: int | None = None  # when the exchange last refused the key
    desk: reads.Desk = field(init=False)
    doer: Doer = field(init=False)
    reconciler: Reconciler = field(init=False)
    emergency: Emergency = field(init=False)
    upkeep: Upkeep = field(init=False)
    _standings: dict[UUID, Standing] = field(default_factory=dict)
    _standings_ms: int = -(10**15)
    breaker: Breaker = field(default_factory=Breaker)
    _pauses: Pauses = field(default_factory=Pauses)
    _abandoned: dict[UUID, TradeFacts] = field(default_factory=dict)
    """Parked without a stop: closed from memory until they are flat."""
    is_passing: bool = False
    rested_s: float = 0.0
    """When the last pass ended."""
    _is_stale: bool = True
    """Rows may have changed since they were loaded."""
    _key_words: str = ""

    def __post_init__(self) -> None:
        self.desk = reads.Desk(
            self.ref, self.port, self.db, self.memory, self.holding, self.wall_ms or self.now_ms
        )
        self.doer = Doer(
            desk=self.desk,
            refuse_entry=self.refuse_entry,
            may_send=self._must_hold_lease,
            on_outcome=self._took,
            plan=self.planner or MarketPlanner(self.market.rules, self.market.quote),
            wake=self.wake.set,
        )
        self.emergency = Emergency(self.desk)
        self.upkeep = Upkeep(self.desk, self.breaker, self.market.pace)
        self.reconciler = Reconciler(self.desk, self.doer.cancel_stranger, pace=self.market.pace)

    def now_ms(self) -> int:
        """Return the venue's time."""
        return self.market.now_ms()

    # --- a pass ----------------------------------------------------------------------------------

    async def pass_once(self) -> int:
        """Do everything that is due; return when to pass again.

        Raises
        ------
        LeaseLost
            If another process has taken the account over.
        """
        now = self.now_ms()
        await self._take_events(now)
        await self.doer.take_late(now)
        if self.key_lost_ms is not None and not await self._probe_key(now):
            return self.key_lost_ms + KEY_AGAIN_MS
        await self._reconcile(now)
        await self._close_abandoned(now)
        self._is_stale = True
        for _ in range(MOST_STEPS):
            now = self.now_ms()
            try:
                await self.upkeep.do(self.trades, now)
            except KeyRefused as error:
                await self._lose_key(str(error), now)
            if self._is_stale:
                await self._load(now)
            trade, decision = self.choose(now)
            if trade is None or decision.step is None:
                due = self.reconciler.due_ms(now)
                if self._abandoned:
                    due = min(due, now + ABANDONED_MS)
                return due if decision.due_ms is None else min(due, decision.due_ms)
            await self._try(trade, decision.step, now)
            if self.key_lost_ms is not None:
                await self._lose_key(self._key_words, now)  # an order may have told it
                return self.key_lost_ms + KEY_AGAIN_MS
            self._is_stale |= bool(self.inbox or self.doer.late)
            await self._take_events(now)
            if self.is_ending:
                break
        return self.now_ms() + 1

    def choose(self, now_ms: int) -> tuple[TradeFacts | None, Decision]:
        """Return the most urgent step of all trades, or when the first of them is due."""
        best: tuple[TradeFacts, Decision] | None = None
        due: int | None = None
        for trade in self.trades:
            quote = self.market.quote(trade.symbol)
            self.memory.watch_price(trade, quote)
            stands = self._standings.get(trade.id, _NOTHING_NEW)
            decision = decide(trade, self.memory.venue_facts(trade, quote), stands, now_ms)
            at = decision.due_ms
            if decision.step is not None:
                at = self._pauses.until_ms(_key(trade, decision.step))
                if at <= now_ms and not self._has_turn(trade, decision):
                    at = now_ms + TURN_MS
                if at <= now_ms:
                    if best is None or decision.urgency < best[1].urgency:
                        best = (trade, decision)
                    continue
            if at is not None:
                due = at if due is None else min(due, at)
        return best if best is not None else (None, Decision(None, due_ms=due))

    def _has_turn(self, trade: TradeFacts, decision: Decision) -> bool:
        is_entry = turn_of(trade, decision)
        turns, who = self.market.turns, self.ref.account_id
        return is_entry is None or turns.may_pass(who, self.wake.set, is_entry=is_entry)

    async def _try(self, trade: TradeFacts, step: Step, now_ms: int) -> None:
        key = _key(trade, step)
        self._is_stale = True
        self.market.turns.moves(self.ref.account_id)
        try:
            after = await self.doer.do(trade, step, now_ms)
        except ReadFailed as error:
            self.breaker.failed(now_ms, error.after_s)
            self._pauses.add(key, now_ms, error.after_s)
        except KeyRefused as error:
            await self._lose_key(str(error), now_ms)
        except RetryLater as error:
            self._pauses.add(key, now_ms, error.after_s)
        except (leases.LeaseLost, asyncio.CancelledError):
            raise
        except Exception as error:  # one poisoned row must not stop the account (F-56)
            if isinstance(error, DatabaseError):
                raise
            await self._stumble(trade, step, key, error, now_ms)
        else:
            self._pauses.end(key)
            if after is not None:
                self._keep(replace(after, updated_ms=now_ms))
            if trade.failures:
                await self.db.run(changes.forget_failures, self.ref, trade)

    def _keep(self, after: TradeFacts) -> None:
        """Go on with a trade as the step has left it in its rows, without reading them again."""
        known = self.memory.remembered(after, self.market.rules(after.symbol), 0)
        self.trades = tuple(known if one.id == known.id else one for one in self.trades)
        self._is_stale = False

    async def _stumble(
        self, trade: TradeFacts, step: Step, key: tuple[Any, ...], error: Exception, now_ms: int
    ) -> None:
        log.exception("step_failed", trade=str(trade.id), step=type(step).__name__)
        self._pauses.add(key, now_ms, None)
        is_parked = await self.db.run(
            changes.count_failure,
            self.ref,
            trade,
            f"{type(step).__name__}: {error!r}",
            now_ms=now_ms,
            holding=self.holding,
        )
        if is_parked and self._is_naked(trade, now_ms):
            self._abandoned[trade.id] = trade

    def _is_naked(self, trade: TradeFacts, now_ms: int) -> bool:
        if trade.terms is None:
            return False
        venue = self.memory.venue_facts(trade, self.market.quote(trade.symbol))
        return Look(trade, venue, _NOTHING_NEW, now_ms).is_naked

    async def _close_abandoned(self, now_ms: int) -> None:
        """A parked trade keeps its stop; one that has none is closed all the same."""
        for pk, trade in list(self._abandoned.items()):
            if await self.emergency.close(trade, now_ms):
                del self._abandoned[pk]

    # --- what is known ---------------------------------------------------------------------------

    async def _load(self, now_ms: int) -> None:
        rows = await self.db.run(self._load_rows, now_ms)
        ahead_ms = now_ms - self.desk.wall_ms()
        self.trades = tuple(
            self.memory.remembered(trade, self.market.rules(trade.symbol), ahead_ms)
            for trade in rows
        )
        self.on_loaded(frozenset(trade.symbol for trade in rows))

    def _load_rows(self, now_ms: int) -> list[TradeFacts]:
        rows = store.load(self.ref.user_id, self.ref.account_id)
        for trade in rows:
            own = self.memory.trade(trade.id)
            if not own.is_told_loaded:
                own.told = changes.told(self.ref, trade)
                own.is_told_loaded = True
        if now_ms - self._standings_ms >= STANDING_MS or any(
            trade.id not in self._standings for trade in rows
        ):
            self._standings = standing.standings(self.ref, rows, now_ms, self.market.modes())
            self._standings_ms = now_ms
        refused = self._entries_refused(now_ms)
        without = hooks.guards_off()
        is_done = self.reconciler.is_done or Guard.RECONCILE_FIRST in without
        self._standings = {
            pk: replace(
                found,
                is_reconciled=is_done,
                entries_refused=refused,
                without=without,
                pace=self.market.pace(),
            )
            for pk, found in self._standings.items()
        }
        return rows

    def is_behind(self, newest: datetime) -> bool:
        """Say whether the lane rests and has not read its rows since this change of theirs."""
        newest_ms = to_ms(newest)
        is_known = any(trade.updated_ms >= newest_ms for trade in self.trades)
        return not self.is_passing and not is_known

    async def _take_events(self, now_ms: int) -> None:
        while self.inbox:
            event = self.inbox[0]
            self.memory.bare = None
            if isinstance(event, OrderEvent) and event.fill is not None:
                self.upkeep.heard_fill()
            if isinstance(event, StreamGap):
                self.memory.is_hearing = event.reason != STREAM_LOST
                if self.memory.is_hearing:
                    self.reconciler.ask(event.reason)
            elif isinstance(event, SettingsEvent):
                self._take_settings(event)
            else:
                await reads.take_event(self.desk, event, now_ms)
            self.inbox.popleft()  # only now: what could not be booked is booked at the next pass

    def _take_settings(self, event: SettingsEvent) -> None:
        """Forget what somebody has changed; our own changes were read already."""
        if not event.symbol:  # a mode of the whole account
            self.memory.is_hedged = None
            self.reconciler.ask("settings changed")
            return
        held = self.memory.symbol(event.symbol)
        if held.settings is None or held.settings.leverage != event.leverage:
            held.settings = None

    async def _reconcile(self, now_ms: int) -> None:
        if self.reconciler.due_ms(now_ms) > now_ms:
            return
        try:
            await self.reconciler.run(now_ms)
        except ReadFailed as error:
            self.breaker.failed(now_ms, error.after_s)
            self.reconciler.put_off(now_ms, error.after_s)
        except KeyRefused as error:
            await self._lose_key(str(error), now_ms)

    # --- may an entry leave ----------------------------------------------------------------------

    def refuse_entry(self, trade: TradeFacts) -> Denial | None:
        """Say what the lane knows against an entry, asked at the claim."""
        now_ms = self.now_ms()
        quote = self.market.quote(trade.symbol)
        if quote is None or now_ms - quote.at_ms > QUOTE_FRESH_MS:
            return Denial("stale_data", "The price was too old to enter by.")
        if code := self._entries_refused(now_ms):
            return Denial(code, "The platform holds entries back for now.")
        if trade.terms is not None and now_ms >= trade.terms.valid_until_ms:
            return Denial("validity_over", "The signal was no longer valid for entry.")
        return None

    def _entries_refused(self, now_ms: int) -> str:
        if not self.market.is_clock_sure():
            return "clock_unsure"
        if self.market.is_shutting_down():
            return "shutting_down"
        if self.key_lost_ms is not None:
            return "key_refused"
        if self.breaker.is_open(now_ms):
            return "exchange_unsteady"
        return self.market.entries_refused()

    def _must_hold_lease(self) -> None:
        if self.holding is not None and hooks.has(Guard.LEASE) and not self.lease_is_fresh():
            raise leases.LeaseLost(f"the lease {self.holding.name} may have run out")

    def _took(self, order: OrderFacts, outcome: Outcome) -> None:
        now_ms = self.now_ms()
        if outcome.code in outcomes.KEY_CODES:
            self.key_lost_ms, self._key_words = now_ms, outcome.message
        elif outcome.kind in (OutcomeClass.UNKNOWN, OutcomeClass.NOT_SENT):
            self.breaker.failed(now_ms, outcome.retry_after_s)

    # --- a refused key ---------------------------------------------------------------------------

    async def _lose_key(self, message: str, now_ms: int) -> None:
        """The exchange refuses the key: once a minute is tried, nothing else (EX-28)."""
        self.key_lost_ms = now_ms
        await self.db.run(standing.key_lost, self.ref, message, now_ms=now_ms)

    async def _probe_key(self, now_ms: int) -> bool:
        assert self.key_lost_ms is not None
        if now_ms < self.key_lost_ms + KEY_AGAIN_MS:
            return False
        try:
            await self.port.account()
        except KeyRefused as error:
            await self._lose_key(str(error), now_ms)
            return False
        except ReadFailed:
            self.key_lost_ms = now_ms
            return False
        self.key_lost_ms = None
        self.reconciler.ask("key works again")
        await self.db.run(standing.key_found, self.ref, now_ms=now_ms)
        return True

    # --- for ever --------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take the user stream into the inbox, for ever."""
        async for event in self.port.events():
            self.inbox.append(event)
            self.wake.set()

    async def run(self, look_s: float = 0.25) -> None:
        """Pass until asked to end; in between look at the market, which costs only arithmetic.

        Raises
        ------
        LeaseLost
            If another process has taken the account over.
        """
        with suppress(TimeoutError):  # a stream that opens now asks for the same readings again
            async with asyncio.timeout(FIRST_STREAM_S):
                await self.wake.wait()
        while not self.is_ending:
            self.wake.clear()
            self.is_passing = True
            try:
                due = await self.pass_or_close()
            finally:
                self.is_passing, self.rested_s = False, monotonic()
            if due is None:
                await asyncio.sleep(WITHOUT_ROWS_S)
                continue
            if due - self.now_ms() > KEEP_TURN_MS:
                self.market.turns.leave(self.ref.account_id)
            await self._wait(due, look_s)

    async def _wait(self, due_ms: int, look_s: float) -> None:
        """Sleep until something is due, something is told, or the market asks for a step."""
        while not self.wake.is_set():
            now = self.now_ms()
            if now >= min(due_ms, self._look_again_ms()) or self.is_asked(now):
                return
            pause_s = max(0.001, (due_ms - now) / 1_000)
            if self.trades:
                pause_s = min(look_s * min(MOST_LOOK, self.market.pace()), pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self.wake.wait()

    def is_asked(self, now_ms: int) -> bool:
        """Say whether the market asks for a step; a refused key is asked in vain (EX-28)."""
        return self.key_lost_ms is None and self.choose(now_ms)[1].step is not None

    def _look_again_ms(self) -> int:
        """Return when rows are read again although nobody told of a change."""
        pause_ms = STANDING_MS if any(map(standing.entry_rests, self.trades)) else STANDING_LATE_MS
        is_idle = not self.trades or self.key_lost_ms is not None
        return NEVER_MS if is_idle else self._standings_ms + pause_ms

    async def pass_or_close(self) -> int | None:
        """Pass; without the database do what needs none. None: try again in a moment."""
        try:
            return await self.pass_once()
        except DatabaseError as error:
            log.error("lane_without_rows", account=str(self.ref.account_id), error=str(error)[:200])
            await self.without_rows()
            return None

    async def without_rows(self) -> None:
        """The database is away: go on only with what closes, from memory (F-17)."""
        for trade in self.trades:
            if trade.state is TradeState.CLOSING and trade.open_quantity > 0:
                await self.emergency.close(trade, self.now_ms())

    def end(self) -> None:
        """Ask the lane to end after the step that runs."""
        self.is_ending = True
        self.wake.set()

    async def close(self) -> None:
        """Let go; what rests at the exchange stays."""
        self.market.turns.leave(self.ref.account_id)
        await self.doer.close()
        await self.port.close()


_NOTHING_NEW: Final = Standing(is_reconciled=False)


def _key(trade: TradeFacts, step: Step) -> tuple[Any, ...]:
    order = getattr(step, "order", None)
    what = order.client_id if order is not None else getattr(step, "what", None)
    return trade.id, type(step), what
