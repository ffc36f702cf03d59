"""Reads of the exchange, booked as they come. A read that fails changes nothing (EX-14)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from cryptosystems.kernel.clock import SystemClock
from cryptosystems.platform import leases
from trading.domain.client_ids import is_ours, parse
from trading.domain.fees import STABLE
from trading.domain.venue import (
    AlgoEvent,
    BalanceEvent,
    OrderEvent,
    Service,
    VenueEvent,
    VenueFill,
    VenueOrder,
)
from trading.exchanges.port import ExchangePort, ReadFailed
from trading.executor import changes, lifecycle, store
from trading.executor.database import Database, fenced
from trading.executor.memory import AccountRef, LaneMemory
from trading.models import Fill, Trade
from trading.reconciliation.state import OrderFacts, is_resting
from trading.reconciliation.steps import What

log = structlog.get_logger(__name__)

_OVERLAP_MS: Final = 60_000
"""Executions are read again so far back: the exchange may list them late."""
MOVES: Final = frozenset(
    {
        "DEPOSIT", "WITHDRAW", "WITHDRAW_REJECT", "ADMIN_DEPOSIT", "ADMIN_WITHDRAW",
        "ASSET_TRANSFER", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW",
    }
)  # fmt: skip
"""Why a balance changes without anybody having won or lost."""


@dataclass(slots=True)
class Desk:
    """What everything of one lane works with."""

    ref: AccountRef
    port: ExchangePort
    db: Database
    memory: LaneMemory
    holding: leases.Holding | None = None
    wall_ms: Callable[[], int] = SystemClock().now_ms
    """People's time: that of rights, offers and rests. A replayed market has another."""


def book_orders(
    ref: AccountRef,
    told: tuple[VenueOrder, ...],
    at_ms: int,
    now_ms: int,
    is_flat: bool,
    holding: leases.Holding | None,
) -> list[VenueOrder]:
    """Take a list of resting orders; return those with our prefix that rest for nothing."""
    unwanted: list[VenueOrder] = []
    kept: list[VenueOrder] = []
    with fenced(holding):
        for one in told:
            row = lifecycle.find_order(ref, one)
            if row is not None:
                lifecycle.take_order(ref, row, one, at_ms=at_ms, now_ms=now_ms)
                is_over = row.trade.state not in store.ACTIVE and row.trade.state != "parked"
                if is_over and row.trade.open_quantity == 0 and is_resting(one):
                    unwanted.append(one)
            elif is_ours(one.client_id) and is_resting(one):
                parsed = parse(one.client_id)
                protects = parsed is not None and parsed.leg.is_protection
                (kept if protects and not is_flat else unwanted).append(one)
    for one in kept:
        # A restore has lost its rows: whatever protects a position is never taken away (F-61).
        log.error("execution_alarm", code="stranger_stop", order=one.client_id, symbol=one.symbol)
    return unwanted


async def read_orders(desk: Desk, symbol: str, clock_ms: int) -> list[VenueOrder]:
    """Read what rests of one symbol, at both services."""
    told = tuple(await desk.port.open_orders(symbol))
    return await take_orders(desk, symbol, told, clock_ms)


async def take_orders(
    desk: Desk, symbol: str, told: tuple[VenueOrder, ...], read_ms: int
) -> list[VenueOrder]:
    """Keep and book a list of resting orders of one symbol."""
    held = desk.memory.symbol(symbol)
    readings = held.positions.values()
    is_flat = bool(readings) and all(reading.quantity == 0 for reading in readings)
    unwanted = await desk.db.run(
        book_orders, desk.ref, told, read_ms, read_ms, is_flat, desk.holding
    )
    held.orders, held.orders_read_ms = told, read_ms
    return unwanted


async def read_position(desk: Desk, symbol: str, clock_ms: int) -> None:
    """Read the position of one symbol."""
    try:
        found = await desk.port.positions(symbol)
    except ReadFailed:
        desk.memory.symbol(symbol).position_fails += 1
        raise
    desk.memory.saw_positions(symbol, found, clock_ms)


async def read_fills(desk: Desk, symbol: str, clock_ms: int) -> int:
    """Read executions since those that are known, and book what is new; return how many."""
    since = await desk.db.run(_fills_since, desk.ref, symbol, clock_ms)
    fills = await desk.port.fills(symbol, since)
    _heard_fees(desk, fills)
    booked = await desk.db.run(book_fills, desk.ref, fills, clock_ms, desk.holding)
    desk.memory.symbol(symbol).fills_read_ms = clock_ms
    return booked


def _heard_fees(desk: Desk, fills: Iterable[VenueFill]) -> None:
    if any(fill.fee_asset not in STABLE for fill in fills):
        desk.memory.has_strange_fees = True


def book_fills(
    ref: AccountRef, fills: list[VenueFill], now_ms: int, holding: leases.Holding | None
) -> int:
    """Book executions, the oldest first."""
    return sum(
        lifecycle.book_fill(ref, fill, now_ms=now_ms, holding=holding)
        for fill in sorted(fills, key=lambda fill: fill.at_ms)
    )


def _fills_since(ref: AccountRef, symbol: str, clock_ms: int) -> int:
    """Return from when on executions have to be read: since the oldest live trade, or the last."""
    trades = Trade.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, symbol=symbol, state__in=store.ACTIVE
    )
    oldest = trades.order_by("decided_at").first()
    if oldest is None:
        return clock_ms - 3_600_000
    last = (
        Fill.objects.for_user(ref.user_id)
        .filter(account_id=ref.account_id, symbol=symbol, at__gte=oldest.decided_at)
        .order_by("-at")
        .first()
    )
    at = store.ms(oldest.decided_at if last is None else last.at)
    assert at is not None
    return at - _OVERLAP_MS


async def read_settings(desk: Desk, symbol: str) -> None:
    """Read margin mode and leverage, and the position mode where it is not known."""
    if desk.memory.is_hedged is None:
        desk.memory.is_hedged = (await desk.port.account()).is_hedged
    desk.memory.symbol(symbol).settings = await desk.port.symbol_settings(symbol)


async def read_fees(desk: Desk, symbol: str) -> tuple[Decimal, Decimal]:
    """Return maker and taker fee of the account, asked for once in a process."""
    if desk.memory.fees is None:
        desk.memory.fees = await desk.port.fees(symbol)
    return desk.memory.fees


async def read(desk: Desk, what: What, symbol: str, clock_ms: int) -> list[VenueOrder]:
    """Read one thing; return orders of ours that rest for nothing, where orders were read."""
    if what is What.POSITION:
        await read_position(desk, symbol, clock_ms)
    elif what is What.FILLS:
        await read_fills(desk, symbol, clock_ms)
    elif what is What.SETTINGS:
        await read_settings(desk, symbol)
    else:
        return await read_orders(desk, symbol, clock_ms)
    return []


async def ask(desk: Desk, order: OrderFacts, clock_ms: int) -> VenueOrder | None:
    """Ask for one order, and for what it became where it has fired."""
    request = order.request
    told = await desk.port.order(request.symbol, request.client_id, request.service)
    await desk.db.run(
        changes.count_question,
        desk.ref,
        order,
        is_found=told is not None,
        holding=desk.holding,
    )
    if told is not None:
        await take_order(desk, told, clock_ms)
        if told.actual_order_id and request.service is Service.ALGO:
            child = await desk.port.order_by_id(request.symbol, told.actual_order_id)
            if child is not None:
                await take_order(desk, child, clock_ms)
    return told


async def take_order(desk: Desk, told: VenueOrder, clock_ms: int) -> None:
    """Book one order as it was told."""
    await desk.db.run(
        lifecycle.book_order,
        desk.ref,
        told,
        at_ms=clock_ms,
        now_ms=clock_ms,
        holding=desk.holding,
    )


async def take_event(desk: Desk, event: VenueEvent, clock_ms: int) -> None:
    """Book what the user stream tells."""
    ref, holding = desk.ref, desk.holding
    if isinstance(event, OrderEvent):
        await desk.db.run(
            lifecycle.book_order,
            ref,
            event.order,
            at_ms=event.at_ms,
            now_ms=clock_ms,
            holding=holding,
        )
        if event.fill is not None:
            _heard_fees(desk, [event.fill])
            await desk.db.run(
                lifecycle.book_fill,
                ref,
                event.fill,
                now_ms=clock_ms,
                reason=event.reason,
                holding=holding,
            )
    elif isinstance(event, AlgoEvent):
        await desk.db.run(
            lifecycle.book_order,
            ref,
            event.order,
            at_ms=event.at_ms,
            now_ms=clock_ms,
            holding=holding,
        )
    elif isinstance(event, BalanceEvent):
        if event.reason in MOVES:
            desk.memory.moved_ms = event.at_ms
        for symbol, side, quantity in event.positions:
            desk.memory.saw_position(symbol, side, quantity, event.at_ms)


async def identify_parked(desk: Desk, clock_ms: int) -> bool:
    """Ask whose the fills are that matched nothing; first what our stops have become (F-65).

    Returns whether there were any.
    """
    parked = await desk.db.run(lifecycle.parked, desk.ref)
    for symbol in sorted({symbol for symbol, _ in parked}):
        for order in await desk.db.run(lifecycle.resting_stops, desk.ref, symbol):
            told = await desk.port.order(symbol, order.client_id, Service.ALGO)
            if told is not None:
                await take_order(desk, told, clock_ms)
    for symbol, order_id in await desk.db.run(lifecycle.parked, desk.ref) if parked else []:
        told = await desk.port.order_by_id(symbol, order_id)
        if told is not None:
            await desk.db.run(
                lifecycle.identify,
                desk.ref,
                symbol,
                order_id,
                told.client_id,
                now_ms=clock_ms,
                holding=desk.holding,
            )
    return bool(parked)
