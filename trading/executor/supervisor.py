"""Which lanes run: one for each account that has anything to do, each under a lease of its own.

The database is the truth and is looked at every second; whatever wakes a lane sooner is a hint
(EX-05). A lane that fails is started again after a pause; the others do not notice.
"""

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.db.models import Q

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.platform import leases
from trading.contracts import AccountState, BotMode, Venue
from trading.exchanges.port import ExchangePort
from trading.executor import fanout, outage, selfstop, store
from trading.executor.database import Database
from trading.executor.lane import Lane
from trading.executor.market import Market
from trading.executor.memory import AccountRef
from trading.executor.release import release
from trading.executor.turnstile import Turnstile
from trading.models import ExecutorWord, Trade, TradingAccount
from trading.services import stops

log = structlog.get_logger(__name__)

SWEEP_S: Final = 1.0
WATCH_S: Final = 0.25
"""Kill switches act within a second (EX-25)."""
MODES_FRESH_S: Final = 0.5
NET_WEIGHT: Final = 27
"""Request weight of one account a minute, with everything read as often as for one alone."""
NET_ROOM: Final = 1_200
"""Half of an address's weight a minute: more is not spent on reading what streams tell."""
FANOUT_S: Final = 0.25
WORD_S: Final = 5.0
LINGER_S: Final = 60.0
"""A lane without work stays so long: its user stream is open, the next signal may come."""
SAFE_S: Final = 10.0
"""Nothing is sent under a lease that was renewed longer ago; it runs out after 15."""
DRAIN_S: Final = 5.0
"""How long a lane may finish its step when it is ended: no order waits longer than three seconds
for its reply, and a reading that hangs is worth nothing any more."""
PREFIX: Final = "lane:"
_PAUSES_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0)


class Venues(Protocol):
    """Where the accounts trade: ports, and the market each lane judges by."""

    async def port_for(self, account: TradingAccount) -> ExchangePort: ...

    def market_for(self, account: TradingAccount) -> Market: ...

    def want(self, account_id: UUID, venue: Venue, symbols: frozenset[str]) -> None:
        """Say which symbols a lane needs quotes of; an empty set lets go of all."""
        ...

    def figures(self) -> dict[str, Any]:
        """Return clock offset and weight used, for the status page."""
        ...


Turn = Callable[[], Awaitable[None]]


def process_name() -> str:
    """Return a name that no process had before."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


def boot_s() -> float:
    """Return seconds since the machine started, sleep included (F-62)."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass(slots=True)
class Hosted:
    """One lane that runs, or waits to be started again."""

    ref: AccountRef
    task: asyncio.Task[None] | None = None
    lane: Lane | None = None
    renewed_s: float = 0.0
    idle_since_s: float | None = None
    key_id: str = ""
    """The key that its lane signs with."""
    failures: int = 0
    again_s: float = 0.0
    mode: str = ""
    """The bot's, as last looked at."""

    def wake(self) -> None:
        """Let the lane look at its rows now."""
        if self.lane is not None:
            self.lane.wake.set()

    def is_fresh(self) -> bool:
        """Say whether the lease surely holds still."""
        return boot_s() - self.renewed_s < SAFE_S


@dataclass(slots=True)
class Supervisor:
    """All lanes of one executor process."""

    venues: Venues
    db: Database
    now_ms: Callable[[], int]
    process: str = field(default_factory=lambda: process_name())
    turns: tuple[tuple[Turn, float], ...] = ()
    """What else is done for ever beside the lanes, and after how many seconds again."""
    lanes: dict[UUID, Hosted] = field(default_factory=dict)
    own: Database = field(init=False)
    """Leases and switches do not wait behind the rows of a thousand lanes."""
    turnstile: Turnstile = field(default_factory=Turnstile)
    modes: stops.Modes = field(default_factory=dict)
    modes_s: float = 0.0
    outages: outage.Outages = field(default_factory=outage.Outages)
    random: Random = field(default_factory=Random)
    is_stopping: bool = False
    refused: str = "starting"
    """Why this process enters nothing: another release is alive, or nobody has looked yet."""
    started_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = to_datetime(self.now_ms())
        self.own = self.db.apart()

    async def run(self) -> None:
        """Run for ever; when cancelled, let lanes end their step and give the leases back."""
        try:
            async with asyncio.TaskGroup() as group:
                for turn, pause_s in (
                    (self.say, WORD_S),
                    (self.renew, leases.RENEW_EVERY_S),
                    (self.sweep, SWEEP_S),
                    (self.watch, WATCH_S),
                    (self.hand_out, FANOUT_S),
                    *self.turns,
                ):
                    group.create_task(self._for_ever(turn, pause_s))
        finally:
            self.is_stopping = True
            await asyncio.shield(self.stop())

    async def _for_ever(self, turn: Turn, pause_s: float) -> None:
        name = getattr(turn, "__qualname__", "turn")
        while True:
            try:
                await turn()
            except DatabaseError as error:
                log.error("executor_waits_for_the_database", turn=name, error=str(error)[:200])
            except Exception:  # whatever fails in one turn must not end the lanes
                log.exception("executor_turn_failed", turn=name)
            await asyncio.sleep(pause_s)

    # --- turns -----------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Find accounts with work in the database; start their lanes, end idle ones (EX-05)."""
        wanted = await self.db.run(_accounts_with_work, to_datetime(self.now_ms()))
        for ref in wanted:
            held = self.lanes.setdefault(ref.account_id, Hosted(ref))
            held.idle_since_s = None
            self._start(held)
        names = {ref.account_id for ref in wanted}
        for account_id, held in list(self.lanes.items()):
            if account_id not in names:
                await self._idle(account_id, held)

    async def watch(self) -> None:
        """Look at changes and kill switches for all lanes together; wake those they concern."""
        asked_s = boot_s()
        self.turnstile.look()
        seen, modes = await self.own.run(_changes)
        changed = {key for key, _ in modes.items() ^ self.modes.items()}
        self.modes, self.modes_s = modes, asked_s
        is_for_all = any(scope != "user" for scope, _ in changed)
        users = {key for scope, key in changed if scope == "user"}
        for account_id, held in self.lanes.items():
            newest, mode = seen.get(account_id, (None, ""))
            is_changed = mode != held.mode or (
                newest is not None and held.lane is not None and held.lane.is_behind(newest)
            )
            held.mode = mode
            if is_for_all or is_changed or (users and str(held.ref.user_id) in users):
                held.wake()

    def _modes(self) -> stops.Modes | None:
        """Return the switches in force, if they were read within the last half second."""
        return self.modes if boot_s() - self.modes_s < MODES_FRESH_S else None

    async def hand_out(self) -> None:
        """Give new signals to the bots and wake their lanes."""
        if self.is_stopping or self.refused:
            return
        for user_id, account_id in await self.db.run(fanout.hand_out, to_datetime(self.now_ms())):
            held = self.lanes.get(account_id)
            if held is None:
                venue = await self.db.run(_venue_of, user_id, account_id)
                held = self.lanes.setdefault(
                    account_id, Hosted(AccountRef(user_id, account_id, venue))
                )
            self._start(held)
            if held.lane is not None:
                held.lane.wake.set()

    def hear(self, user_id: UUID) -> None:
        """Wake the lanes of a person who has just done something; a hint, never the truth.

        What rings while a lane works, or has just worked, is mostly its own bell; where it is not,
        `watch` sees what changed a moment later.
        """
        for held in self.lanes.values():
            if held.ref.user_id == user_id and held.lane is not None and _rests(held.lane):
                held.wake()

    async def renew(self) -> None:
        """Prolong all leases in one statement; lanes whose lease is gone end at once."""
        for held in await self.own.run(self._renew):
            if held.task is not None:
                log.error("lane_lost", account=str(held.ref.account_id))
                held.task.cancel()

    def _renew(self) -> list[Hosted]:
        """Prolong in a thread and note it there, however busy the loop is; return what is lost."""
        running = [held for held in list(self.lanes.values()) if held.lane is not None]
        asked_s = boot_s()
        held_names = leases.renew_all(self.process, PREFIX)
        lost = []
        for held in running:
            if f"{PREFIX}{held.ref.account_id}" in held_names:
                held.renewed_s = max(held.renewed_s, asked_s)
            elif held.renewed_s < asked_s:
                lost.append(held)
        return lost

    async def say(self) -> None:
        """Write how this process stands, and stop entries where something is wrong (EX-26)."""
        now, told = to_datetime(self.now_ms()), self.venues.figures()
        running = [held.lane for held in self.lanes.values() if held.lane is not None]
        back = self.outages.take(told, now)
        if back:
            lanes = (lane for lane in running if lane.ref.venue.value in back)
            outage.reconcile_all(lanes, self.random)
        figures = selfstop.LaneFigures(
            n_lanes=len(running),
            n_mismatched=sum(1 for lane in running if lane.reconciler.mismatches),
            is_clock_sure=all(lane.market.is_clock_sure() for lane in running),
            is_exchange_away=bool(self.outages.away),
            exchange_back_at=self.outages.back_at,
        )
        self.refused = await self.own.run(_say, self.process, self.started_at, figures, told, now)

    def pace(self, venue: Venue) -> float:
        """Return how many times rarer lanes read what is only the net under their user streams.

        One address has so much weight, and so many accounts share it.
        """
        n = sum(held.ref.venue is venue for held in self.lanes.values())
        return max(1.0, n * NET_WEIGHT / NET_ROOM)

    # --- one lane --------------------------------------------------------------------------------

    def _start(self, held: Hosted) -> None:
        is_running = held.task is not None and not held.task.done()
        if is_running or self.is_stopping or boot_s() < held.again_s:
            return
        held.task = asyncio.create_task(self._host(held), name=f"lane-{held.ref.account_id}")

    async def _host(self, held: Hosted) -> None:
        """Take the lease, run the lane, give the lease back."""
        name = f"{PREFIX}{held.ref.account_id}"
        asked_s = boot_s()
        lane: Lane | None = None
        holding: leases.Holding | None = None
        try:
            holding = await self.db.run(leases.take, name, self.process)
            if holding is None:
                held.again_s = boot_s() + 2.0
                return
            held.renewed_s = asked_s
            lane = await self._make(held, holding)
            held.lane = lane
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen(lane))
                await lane.run()
                listening.cancel()
        except* leases.LeaseLost as lost:
            log.error("lane_lost", account=str(held.ref.account_id), n=len(lost.exceptions))
            held.again_s = boot_s() + 2.0
        except* Exception as failures:
            self._after_failure(held, failures)
        finally:
            held.lane = None
            if lane is not None:
                self.venues.want(held.ref.account_id, held.ref.venue, frozenset())
                await asyncio.shield(self._let_go(lane, holding))

    async def _make(self, held: Hosted, holding: leases.Holding) -> Lane:
        row = await self.db.run(_account, held.ref)
        held.key_id = row.api_key
        port = await self.venues.port_for(row)
        market = self.venues.market_for(row)
        told = market.entries_refused
        market.entries_refused = lambda: self.refused or told()
        market.is_shutting_down = lambda: self.is_stopping
        market.turns = self.turnstile
        market.modes, market.pace = self._modes, partial(self.pace, held.ref.venue)
        return Lane(
            held.ref,
            port,
            self.db,
            market,
            wall_ms=self.now_ms,
            holding=holding,
            lease_is_fresh=held.is_fresh,
            on_loaded=lambda symbols: self.venues.want(
                held.ref.account_id, held.ref.venue, symbols
            ),
        )

    async def _listen(self, lane: Lane) -> None:
        """Keep the user stream; while it fails polling is the net (EX-19)."""
        pause = 1.0
        while True:
            try:
                await lane.listen()
            except Exception as error:  # the port has its own back-off; this is what is left
                log.warning("user_stream_failed", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(30.0, pause * 2)

    def _after_failure(self, held: Hosted, failures: BaseExceptionGroup[Exception]) -> None:
        held.failures += 1
        held.again_s = boot_s() + _PAUSES_S[min(held.failures, len(_PAUSES_S)) - 1]
        log.error(
            "lane_failed",
            account=str(held.ref.account_id),
            errors=[f"{type(one).__name__}: {one}"[:200] for one in failures.exceptions],
            exc_info=failures.exceptions[0],
        )

    async def _let_go(self, lane: Lane, holding: leases.Holding | None) -> None:
        await lane.close()
        if holding is not None:
            try:
                await self.db.run(leases.give_back, holding)
            except DatabaseError as error:
                log.warning("lease_not_given_back", error=str(error)[:200])

    async def _idle(self, account_id: UUID, held: Hosted) -> None:
        """Let a lane without work linger, then end it; while orders are lost it stays (EX-13)."""
        if held.lane is not None and held.lane.reconciler.n_lost:
            return
        now_s = boot_s()
        if held.idle_since_s is None:
            held.idle_since_s = now_s
        if now_s - held.idle_since_s < LINGER_S:
            return
        await self._end(held)
        self.lanes.pop(account_id, None)

    async def drop(self, account_id: UUID) -> None:
        """End a lane now and forget it; the sweep starts it again if its account has work."""
        held = self.lanes.get(account_id)
        if held is not None:
            await self._end(held)
            self.lanes.pop(account_id, None)

    async def _end(self, held: Hosted) -> None:
        """Let the step that runs end; what hangs is cut off, and asked about at the next start."""
        if held.task is None or held.task.done():
            return
        if held.lane is not None:
            held.lane.end()
            await asyncio.wait({held.task}, timeout=DRAIN_S)
        if not held.task.done():
            held.task.cancel()
            await asyncio.wait({held.task}, timeout=1.0)

    async def stop(self) -> None:
        """End every lane in its own time, all at once (OP-04)."""
        self.is_stopping = True
        await asyncio.gather(*(self._end(held) for held in self.lanes.values()))


def _accounts_with_work(now: datetime) -> list[AccountRef]:
    """Return accounts that need a lane: those with trades that are not over come first.

    A bot that takes signals by itself has a lane before there is one: its stream is open then and
    its account known, so that an entry costs no reads that a thousand others want as well.
    """
    busy = {account_id for _, account_id in store.accounts_with_work(now)}
    rows = TradingAccount.objects.across_tenants("executor sweeper")
    stands_by = Q(
        state=AccountState.CONNECTED.value, bot__is_automatic=True, bot__mode=BotMode.TRADING.value
    )
    has_work = Q(
        pk__in=Trade.objects.across_tenants("executor sweeper")
        .filter(state__in=store.ACTIVE)
        .values("account_id")
    ) & ~Q(
        state__in=(AccountState.DRAFT.value, AccountState.REFUSED.value, AccountState.REVOKED.value)
    )
    found = [
        AccountRef(user_id, pk, Venue(venue))
        for pk, user_id, venue in rows.filter(has_work | stands_by)
        .order_by("pk")
        .values_list("pk", "user_id", "venue")
    ]
    return sorted(found, key=lambda ref: ref.account_id not in busy)


def _rests(lane: Lane) -> bool:
    return not lane.is_passing and time.monotonic() - lane.rested_s >= WATCH_S


def _changes() -> tuple[dict[UUID, tuple[datetime, str]], stops.Modes]:
    return store.newest_changes(), stops.modes_in_force()


def _account(ref: AccountRef) -> TradingAccount:
    return TradingAccount.objects.for_user(ref.user_id).get(pk=ref.account_id)


def _venue_of(user_id: UUID, account_id: UUID) -> Venue:
    rows = TradingAccount.objects.for_user(user_id).filter(pk=account_id)
    return Venue(rows.values_list("venue", flat=True).get())


def _say(
    process: str,
    started_at: datetime,
    figures: selfstop.LaneFigures,
    of_venues: dict[str, Any],
    now: datetime,
) -> str:
    counted = store.counts()
    oldest = counted.pop("oldest_unknown")
    ExecutorWord.objects.update_or_create(
        process=process,
        defaults={
            "release": release(),
            "started_at": started_at,
            "said_at": now,
            "figures": {
                **counted,
                **of_venues,
                "lanes": figures.n_lanes,
                "n_mismatched": figures.n_mismatched,
                "oldest_unknown_s": None if oldest is None else (now - oldest).total_seconds(),
            },
        },
    )
    ExecutorWord.objects.filter(said_at__lt=now - 20 * selfstop.ALIVE).delete()
    outage.keep_switch(of_venues, started_at, now)
    selfstop.look(figures, now)
    is_second = selfstop.other_release(process, release(), started_at, now)
    return "other_release" if is_second else ""
