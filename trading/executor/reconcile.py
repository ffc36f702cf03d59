"""Everything of an account read anew and compared with our rows (EX-17, EX-18).

At the start, after a hole in the user stream, when the key works again, and by the clock. Until it
is done exits only; where it fails this account stays there, and no other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

import structlog

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.platform import leases
from trading.domain import client_ids
from trading.domain.orders import Leg, OrderState
from trading.domain.venue import (
    OrderKind,
    OrderRequest,
    Service,
    VenueOrder,
)
from trading.executor import income, lifecycle, reads, standing, store
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.executor.numbers import request_to_row
from trading.executor.reads import Desk
from trading.models import Trade, TradeOrder, TradingAccount
from trading.services import journal

log = structlog.get_logger(__name__)

EVERY_MS: Final = 900_000
LOST_MS: Final = 120_000
"""Between two looks for orders that were not found; each costs weight 1."""
AGAIN_MS: Final = (1_000, 2_000, 5_000, 10_000, 30_000)
FEES_OF: Final = "BTCUSDT"
WATCH_LIST: Final = timedelta(minutes=45)
"""Orders that were not found are looked for so long: half an hour proves nothing (EX-13)."""


@dataclass(slots=True)
class Reconciler:
    """Keeps an account's rows equal to the exchange's."""

    desk: Desk
    cancel: Callable[[VenueOrder], Awaitable[None]]
    is_done: bool = False
    reason: str = "start"
    tries: int = 0
    mismatches: int = 0
    """Differences that the last run found."""
    n_lost: int = 0
    """Orders that were not found and may come back."""
    pace: Callable[[], float] = lambda: 1.0
    """How many times rarer the clock asks for it than for one account alone."""
    _next_ms: int = 0
    _lost_ms: int = 0
    _random: Random = field(default_factory=Random)

    def ask(self, reason: str, at_ms: int = 0) -> None:
        """Reconcile at the next pass, or from a time on; until then nothing is opened."""
        self.is_done, self.reason, self._next_ms = False, reason, at_ms

    def due_ms(self, now_ms: int) -> int:
        """Return when it is due."""
        return min(self._next_ms, self._lost_ms)

    def put_off(self, now_ms: int, after_s: float | None) -> None:
        """It failed: again later."""
        pause = AGAIN_MS[min(self.tries, len(AGAIN_MS) - 1)]
        if after_s is not None:
            pause = max(pause, int(after_s * 1_000))
        self.tries += 1
        self._next_ms = now_ms + pause

    async def run(self, now_ms: int) -> None:
        """Do what is due: look for lost orders, read everything.

        Raises
        ------
        ReadFailed
            If anything could not be read; then nothing may be concluded.
        """
        if now_ms >= self._next_ms:
            await self._read_everything(now_ms)
        if now_ms >= self._lost_ms:
            self._lost_ms = now_ms + int(LOST_MS * self.pace())
            await self._look_for_lost(now_ms)

    async def _look_for_lost(self, now_ms: int) -> None:
        """Ask for orders that were not found; what rests for nothing is cancelled (EX-13)."""
        desk = self.desk
        lost = await desk.db.run(_lost, desk.ref, now_ms)
        self.n_lost = len(lost)
        for symbol, client_id, service in lost:
            told = await desk.port.order(symbol, client_id, service)
            if told is None:
                continue
            unwanted = await desk.db.run(
                reads.book_orders, desk.ref, (told,), now_ms, now_ms, False, desk.holding
            )
            for one in unwanted:
                await self.cancel(one)
                told = await desk.port.order(symbol, client_id, service) or one
                await reads.take_order(desk, told, now_ms)

    async def _read_everything(self, now_ms: int) -> None:
        desk, ref = self.desk, self.desk.ref
        self.mismatches = 0
        desk.memory.bare = None
        account = await desk.port.account()
        desk.memory.is_hedged = account.is_hedged
        positions = await desk.port.positions()
        orders = await desk.port.open_orders()
        desk.memory.n_conditional = sum(one.service is Service.ALGO for one in orders)
        if desk.memory.is_hearing and not positions and not orders:
            desk.memory.bare, desk.memory.bare_ms = account, now_ms
            await reads.read_fees(desk, FEES_OF)  # before there is a signal that all want to take
        symbols = await desk.db.run(_symbols, ref, now_ms)
        symbols |= {one.symbol for one in positions}
        symbols |= {one.symbol for one in orders if client_ids.is_ours(one.client_id)}
        for symbol in sorted(symbols):
            desk.memory.saw_positions(symbol, positions, now_ms)
            told = tuple(one for one in orders if one.symbol == symbol)
            self.mismatches += await desk.db.run(adopt, ref, told, now_ms, desk.holding)
            for one in await reads.take_orders(desk, symbol, told, now_ms):
                self.mismatches += 1
                await self.cancel(one)
            await reads.read_fills(desk, symbol, now_ms)
        await income.read(desk, now_ms)
        await desk.db.run(standing.take_equity, ref, account, now_ms=now_ms, holding=desk.holding)
        await desk.db.run(_say_done, ref, self.reason, len(symbols), now_ms, desk.holding)
        self.is_done, self.tries = True, 0
        self._next_ms = now_ms + int(EVERY_MS * self.pace() * self._random.uniform(0.9, 1.1))


def _symbols(ref: AccountRef, now_ms: int) -> set[str]:
    """Return symbols of live trades, and of orders that were lost and may come back."""
    live = Trade.objects.for_user(ref.user_id).filter(account_id=ref.account_id)
    found = set(live.filter(state__in=store.ACTIVE).values_list("symbol", flat=True))
    return found | {symbol for symbol, _, _ in _lost(ref, now_ms)}


def _lost(ref: AccountRef, now_ms: int) -> list[tuple[str, str, Service]]:
    """Return symbol, id and service of orders that were not found and may come back."""
    rows = TradeOrder.objects.for_user(ref.user_id).filter(
        trade__account_id=ref.account_id,
        message="not found",
        state=OrderState.CANCELLED.value,
        ended_at__gte=to_datetime(now_ms) - WATCH_LIST,
    )
    told = rows.values_list("trade__symbol", "client_id", "service")
    return [(symbol, client_id, Service(service)) for symbol, client_id, service in told]


def adopt(
    ref: AccountRef,
    told: tuple[VenueOrder, ...],
    now_ms: int,
    holding: leases.Holding | None,
) -> int:
    """Write rows for orders of ours whose rows are lost, by ids built again (EX-18, F-61)."""
    known = set(
        TradeOrder.objects.for_user(ref.user_id)
        .filter(client_id__in=[one.client_id for one in told])
        .values_list("client_id", flat=True)
    )
    unknown = [
        one for one in told if one.client_id not in known and client_ids.is_ours(one.client_id)
    ]
    return sum(_adopt_one(ref, one, now_ms, holding) for one in unknown)


def _adopt_one(
    ref: AccountRef, told: VenueOrder, now_ms: int, holding: leases.Holding | None
) -> bool:
    found = lifecycle.rebuild(ref, told.symbol, told.client_id)
    if found is None:
        return False
    trade, parsed = found
    _write_adopted(ref, trade, parsed.leg, parsed.attempt, told, now_ms, holding)
    return True


def _write_adopted(
    ref: AccountRef,
    trade: Trade,
    leg: Leg,
    attempt: int,
    told: VenueOrder,
    now_ms: int,
    holding: leases.Holding | None,
) -> None:
    now = to_datetime(now_ms)
    request = OrderRequest(
        client_id=told.client_id,
        symbol=told.symbol,
        side=told.side,
        kind=OrderKind(told.kind),
        quantity=None if told.close_position else told.quantity,
        price=told.price,
        trigger_price=told.trigger_price,
        time_in_force="GTC" if told.kind == OrderKind.LIMIT.value else "",
        reduce_only=told.reduce_only,
        close_position=told.close_position,
        position_side=told.position_side,
    )
    with fenced(holding):
        TradeOrder.objects.for_user(ref.user_id).get_or_create(
            trade=trade,
            leg=leg.value,
            attempt=attempt,
            defaults={
                "user_id": ref.user_id,
                "client_id": told.client_id,
                "service": told.service.value,
                "request": request_to_row(request),
                "quantity": request.quantity,
                "state": "unknown",
                "prepared_at": now,
                "sent_at": now,
                "updated_at": now,
            },
        )
        journal.note(
            trade,
            "adopted",
            "An order of ours was found at the exchange without a row here; it is ours again.",
            details={"client_id": told.client_id},
            now=now,
        )


def _say_done(
    ref: AccountRef, reason: str, n_symbols: int, now_ms: int, holding: leases.Holding | None
) -> None:
    if reason == "timer":
        return
    row = TradingAccount.objects.for_user(ref.user_id).get(pk=ref.account_id)
    with fenced(holding):
        journal.note(
            row,
            "reconciled",
            "The account was compared with the exchange.",
            details={"reason": reason, "symbols": n_symbols},
            now=to_datetime(now_ms),
        )
