"""Rows to facts and back. Every write of a lane goes through here, under its lease."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Max, Q

from cryptosystems.kernel.clock import to_datetime, to_ms
from cryptosystems.kernel.instruments import Side
from trading.contracts import TradeState
from trading.domain.orders import Leg, OrderState
from trading.domain.venue import OrderSide, TradingRules
from trading.executor.numbers import request_from_row, terms_from_row, with_rules
from trading.models import Fill, Trade, TradeOrder
from trading.reconciliation import books
from trading.reconciliation.state import OrderFacts, TradeFacts

ACTIVE: Final = tuple(
    state.value for state in TradeState if not state.is_final and state is not TradeState.PARKED
)
_IN_VAIN: Final = ("rejected", "cancelled", "expired", "dropped")
_TIMES: Final = {
    "sent_ms": "sent_at",
    "answered_ms": "answered_at",
    "seen_ms": "seen_at",
    "cancel_asked_ms": "cancel_asked_at",
    "ended_ms": "ended_at",
    "updated_ms": "updated_at",
}
_PLAIN: Final = (
    "exchange_id",
    "actual_order_id",
    "filled",
    "average_price",
    "code",
    "message",
    "not_found",
    "asked",
)


def ms(at: datetime | None) -> int | None:
    """Return a row's time in milliseconds."""
    return None if at is None else to_ms(at)


def at(at_ms: int | None) -> datetime | None:
    """Return a time for a row."""
    return None if at_ms is None else to_datetime(at_ms)


def order_facts(row: TradeOrder) -> OrderFacts:
    """Return one order as the decision needs it."""
    return OrderFacts(
        id=row.id,
        leg=Leg(row.leg),
        attempt=row.attempt,
        client_id=row.client_id,
        request=request_from_row(row.request),
        state=OrderState(row.state),
        prepared_ms=to_ms(row.prepared_at),
        exchange_id=row.exchange_id,
        actual_order_id=row.actual_order_id,
        filled=row.filled,
        average_price=row.average_price,
        code=row.code,
        message=row.message,
        not_found=row.not_found,
        asked=row.asked,
        sent_ms=ms(row.sent_at),
        answered_ms=ms(row.answered_at),
        seen_ms=ms(row.seen_at),
        first_seen_ms=None if row.seen_at is None else ms(row.answered_at or row.sent_at),
        cancel_asked_ms=ms(row.cancel_asked_at),
        ended_ms=ms(row.ended_at),
        updated_ms=to_ms(row.updated_at),
    )


def trade_facts(
    row: Trade,
    orders: Iterable[TradeOrder],
    *,
    last_fill: datetime | None,
    exit_kind: str,
    rules: TradingRules | None = None,
) -> TradeFacts:
    """Return one trade as the decision needs it."""
    terms = row.plan.get("terms")
    return TradeFacts(
        id=row.id,
        user_id=row.user_id,
        account_id=row.account_id,
        signal_id=row.signal_id,
        symbol=row.symbol,
        side=Side(row.side),
        state=TradeState(row.state),
        terms=None if terms is None else with_rules(terms_from_row(terms), rules),
        orders=tuple(order_facts(order) for order in orders),
        model_version=row.model_version,
        is_by_bot=row.how == "bot",
        max_quantity=row.max_quantity,
        stop_price=row.stop_price,
        stop_level=row.stop_level,
        entered=row.filled,
        open_quantity=row.open_quantity,
        entry_price=row.entry_price,
        targets_hit=row.targets_hit,
        fees=row.fees,
        funding=row.funding,
        reason=row.reason,
        note=row.note,
        naked_since_ms=ms(row.naked_since),
        close_since_ms=ms(row.close_since),
        close_asked_ms=ms(row.close_asked_at),
        close_tries=row.close_tries,
        last_fill_ms=ms(last_fill),
        opened_ms=ms(row.opened_at),
        offer_until_ms=ms(row.offer_until),
        is_approved=row.approved_at is not None,
        stop_seen_ms=ms(row.stop_seen_at),
        stop_seen_id=row.stop_seen_id,
        exit_kind=exit_kind,
        failures=row.failures,
        updated_ms=to_ms(row.updated_at),
    )


def load(
    user_id: UUID, account_id: UUID, rules: dict[str, TradingRules] | None = None
) -> list[TradeFacts]:
    """Return every trade of an account that is not over, with its orders."""
    trades = Trade.objects.for_user(user_id).filter(account_id=account_id, state__in=ACTIVE)
    rows = {row.id: row for row in trades.defer("signal").order_by("decided_at")}
    if not rows:
        return []
    orders: dict[UUID, list[TradeOrder]] = {pk: [] for pk in rows}
    # The close loop has no end: of its tries that came to nothing only the newest matters.
    in_vain = Q(leg=Leg.CLOSE.value, filled=0, state__in=_IN_VAIN)
    in_vain &= Q(attempt__lt=F("trade__close_tries"))
    told = TradeOrder.objects.for_user(user_id).filter(trade_id__in=rows).exclude(in_vain)
    for order in told:
        orders[order.trade_id].append(order)
    last: dict[UUID, datetime] = {}
    exits: dict[UUID, str] = {}
    filled = [pk for pk, row in rows.items() if row.filled]
    for pk, at, side, leg, reason in _fills_of(user_id, filled):
        last[pk] = at
        if side != _opening(rows[pk]):
            exits[pk] = leg or _OUTSIDE.get(reason, "by_hand")
    return [
        trade_facts(
            row,
            orders[pk],
            last_fill=last.get(pk),
            exit_kind=exits.get(pk, ""),
            rules=(rules or {}).get(row.symbol),
        )
        for pk, row in rows.items()
    ]


def _fills_of(user_id: UUID, trades: list[UUID]) -> Iterable[tuple[UUID, datetime, str, str, str]]:
    if not trades:
        return ()
    rows = Fill.objects.for_user(user_id).filter(trade_id__in=trades).order_by("at", "id")
    return rows.values_list("trade_id", "at", "order_side", "leg", "reason")


_OUTSIDE: Final = {"autoclose": "liquidation", "adl": "adl", "settlement": "settlement"}


def _opening(row: Trade) -> str:
    return OrderSide.BUY.value if row.side == Side.LONG.value else OrderSide.SELL.value


def save_order(user_id: UUID, before: OrderFacts, after: OrderFacts, **more: Any) -> bool:
    """Write what changed of an order; False where nothing did."""
    changes: dict[str, Any] = dict(more)
    for name in _PLAIN:
        if getattr(before, name) != getattr(after, name):
            changes[name] = getattr(after, name)
    for name, column in _TIMES.items():
        if getattr(before, name) != getattr(after, name):
            changes[column] = at(getattr(after, name))
    if before.state is not after.state:
        changes["state"] = after.state.value
    if not changes:
        return False
    TradeOrder.objects.for_user(user_id).filter(pk=after.id).update(**changes)
    return True


def total_up(trade: Trade, now: datetime) -> books.Totals:
    """Add up the fills of a trade anew and write the sums into its row."""
    rows = Fill.objects.for_user(trade.user_id).filter(trade=trade)
    totals = books.total(
        Side(trade.side),
        [
            books.BookedFill(
                leg=Leg(row.leg) if row.leg else None,
                side=OrderSide(row.order_side),
                price=row.price,
                quantity=row.quantity,
                fee=row.fee_usdt or Decimal(0),
                fee_asset=row.fee_asset,
                realised=row.realised,
                at_ms=to_ms(row.at),
            )
            for row in rows
        ],
    )
    hit = TradeOrder.objects.for_user(trade.user_id).filter(
        trade=trade, leg__in=("tp1", "tp2", "tp3"), state=OrderState.FILLED.value
    )
    trade.filled = totals.entered
    trade.open_quantity = totals.open_quantity
    trade.entry_price, trade.exit_price = totals.entry_price, totals.exit_price
    trade.realised, trade.fees = totals.realised, totals.fees
    trade.opened_at = at(totals.first_ms)
    trade.targets_hit = hit.values("leg").distinct().count()
    trade.updated_at = now
    trade.save(update_fields=TOTALS)
    return totals


TOTALS: Final = [
    "filled",
    "open_quantity",
    "entry_price",
    "exit_price",
    "realised",
    "fees",
    "opened_at",
    "targets_hit",
    "updated_at",
]


def accounts_with_work(now: datetime) -> list[tuple[UUID, UUID]]:
    """Return (user, account) of every account with a trade that is not over."""
    rows = Trade.objects.across_tenants("executor sweeper").filter(state__in=ACTIVE)
    return sorted(set(rows.values_list("user_id", "account_id")))


def newest_changes() -> dict[UUID, tuple[datetime, str]]:
    """Return of each account with work when its trades last changed, by whomever, and its mode."""
    rows = Trade.objects.across_tenants("executor sweeper").filter(state__in=ACTIVE)
    found = rows.values_list("account_id", "account__bot__mode").annotate(newest=Max("updated_at"))
    return {account_id: (newest, mode or "") for account_id, mode, newest in found}


def counts() -> dict[str, Any]:
    """Return what the status page says about execution."""
    trades = Trade.objects.across_tenants("executor status")
    orders = TradeOrder.objects.across_tenants("executor status")
    unknown = orders.filter(state=OrderState.UNKNOWN.value)
    found = trades.aggregate(
        n_open=Count("pk", filter=Q(open_quantity__gt=0)),
        n_naked=Count("pk", filter=Q(naked_since__isnull=False)),
        longest=Max("longest_naked_ms"),
    )
    oldest = unknown.order_by("sent_at").values_list("sent_at", flat=True).first()
    return {**found, "n_unknown": unknown.count(), "oldest_unknown": oldest}
