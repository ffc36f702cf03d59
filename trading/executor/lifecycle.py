"""What the exchange tells becomes rows: orders by the table, each fill once, cash once."""

from datetime import datetime
from typing import Any, Final

import structlog

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.platform import bell, leases
from trading.contracts import TradeState
from trading.domain import client_ids
from trading.domain.orders import Leg, OrderState
from trading.domain.venue import CashFlow, Service, VenueFill, VenueOrder
from trading.executor import hooks, store, words
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.models import CashFlowRow, Fill, Trade, TradeOrder
from trading.reconciliation.diff import merged
from trading.reconciliation.guards import Guard
from trading.reconciliation.state import OrderFacts
from trading.services import journal

log = structlog.get_logger(__name__)

REBUILD_TRADES: Final = 200
"""Newest trades of a symbol that are tried for an order without a row."""
BY_HAND: Final = "manual"
_PREFIXES: Final = (
    ("autoclose-", "autoclose"),
    ("adl_autoclose", "adl"),
    ("settlement_autoclose-", "settlement"),
    ("delivery_autoclose-", "settlement"),
)


def outside_reason(client_id: str, told: str = "") -> str:
    """Return why an order that is not ours traded, by the exchange's own ids (EX-18)."""
    if told:
        return told
    return next((why for prefix, why in _PREFIXES if client_id.startswith(prefix)), BY_HAND)


def find_order(ref: AccountRef, told: VenueOrder) -> TradeOrder | None:
    """Return our row of an order: by our id, or as what a fired stop has become."""
    return _find(ref, told.client_id, told.exchange_id, told.service, told.symbol)


def _find(
    ref: AccountRef, client_id: str, exchange_id: str, service: Service, symbol: str
) -> TradeOrder | None:
    rows = TradeOrder.objects.for_user(ref.user_id).filter(trade__account_id=ref.account_id)
    if client_id:
        row = rows.filter(client_id=client_id).select_related("trade").first()
        if row is not None:
            return row
    if not exchange_id or service is Service.ALGO:
        return None
    rows = rows.filter(trade__symbol=symbol).select_related("trade")
    row = rows.filter(exchange_id=exchange_id, service=Service.ORDER.value).first()
    if row is None and hooks.has(Guard.JOIN_CHILD):
        row = rows.filter(actual_order_id=exchange_id).first()
    return row


def book_order(
    ref: AccountRef,
    told: VenueOrder,
    *,
    at_ms: int,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> bool:
    """Take one order as the exchange tells it; False where it is none of ours."""
    with fenced(holding):
        row = find_order(ref, told)
        if row is None:
            return False
        take_order(ref, row, told, at_ms=at_ms, now_ms=now_ms)
    return True


def take_order(
    ref: AccountRef, row: TradeOrder, told: VenueOrder, *, at_ms: int, now_ms: int
) -> None:
    """Merge the exchange's word into a row, inside the caller's transaction."""
    before = store.order_facts(row)
    after = merged(before, told, at_ms=at_ms, now_ms=now_ms)
    if before.seen_ms is None and after.seen_ms is not None:
        hooks.reach("K7", before.leg)
    if after is before or not store.save_order(ref.user_id, before, after):
        return
    now = to_datetime(now_ms)
    if after.state is not before.state:
        _say(row.trade, before.leg, after.state, after.message, now, told.exchange_id)
    elif before.seen_ms is None and after.seen_ms is not None and before.leg.is_protection:
        journal.note(
            row.trade,
            "stop_seen",
            f"{words.LEGS[before.leg]} was seen at the exchange.",
            details={"order": str(row.pk), "exchange_id": after.exchange_id},
            now=now,
        )
        bell.ring(ref.user_id)
    names = {after.exchange_id, after.actual_order_id} - {
        "",
        before.exchange_id,
        before.actual_order_id,
    }
    joined = _join_parked(ref, row, names) if names else 0
    if joined or (after.state is OrderState.FILLED and before.state is not after.state):
        store.total_up(row.trade, now)


def _say(
    trade: Trade, leg: Leg, state: OrderState, message: str, now: datetime, exchange_id: str
) -> None:
    journal.note(
        trade,
        f"{leg.value}_{state.value}",
        words.order_sentence(leg, state, message),
        actor="exchange",
        details={"leg": leg.value, "state": state.value, "exchange_id": exchange_id},
        now=now,
    )
    bell.ring(trade.user_id)


def _join_parked(ref: AccountRef, row: TradeOrder, names: set[str]) -> int:
    """Give fills that came first to the order whose id is known only now (F-65)."""
    if not hooks.has(Guard.JOIN_CHILD):
        return 0
    parked = Fill.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, symbol=row.trade.symbol, exchange_order_id__in=names, leg=""
    )
    return parked.update(trade=row.trade, leg=row.leg, reason="")


def book_fill(
    ref: AccountRef,
    fill: VenueFill,
    *,
    now_ms: int,
    reason: str = "",
    holding: leases.Holding | None = None,
) -> bool:
    """Book one execution, once; False where it stood already."""
    hooks.reach("K11")
    with fenced(holding):
        row, is_new = Fill.objects.for_user(ref.user_id).get_or_create(
            account_id=ref.account_id,
            symbol=fill.symbol,
            exchange_trade_id=fill.trade_id,
            defaults={
                "user_id": ref.user_id,
                "exchange_order_id": fill.order_id,
                "client_id": fill.client_id[:64],
                "order_side": fill.side.value,
                "price": fill.price,
                "quantity": fill.quantity,
                "fee": fill.fee,
                "fee_asset": fill.fee_asset[:16],
                "realised": fill.realised,
                "is_maker": fill.is_maker,
                "at": to_datetime(fill.at_ms),
            },
        )
        if not is_new:
            return False
        _give(ref, row, client_id=fill.client_id, reason=reason, now_ms=now_ms)
    return True


def identify(
    ref: AccountRef,
    symbol: str,
    order_id: str,
    client_id: str,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Give parked fills of one order to whom its client id names (EX-19)."""
    with fenced(holding):
        rows = Fill.objects.for_user(ref.user_id).filter(
            account_id=ref.account_id, symbol=symbol, exchange_order_id=order_id, trade=None
        )
        for row in rows.filter(reason=""):
            _give(ref, row, client_id=client_id or "unknown", reason="", now_ms=now_ms)


def parked(ref: AccountRef) -> list[tuple[str, str]]:
    """Return (symbol, order id) of fills that nobody has been found for."""
    rows = Fill.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, trade=None, reason=""
    )
    return sorted(set(rows.values_list("symbol", "exchange_order_id")))


def resting_stops(ref: AccountRef, symbol: str) -> list[OrderFacts]:
    """Return stops of a symbol that may have fired without our hearing of it."""
    rows = TradeOrder.objects.for_user(ref.user_id).filter(
        trade__account_id=ref.account_id,
        trade__symbol=symbol,
        leg__in=(Leg.STOP.value, Leg.GUARD.value),
        state__in=(OrderState.WORKING.value, OrderState.TRIGGERED.value),
        actual_order_id="",
    )
    return [store.order_facts(row) for row in rows]


def _give(ref: AccountRef, row: Fill, *, client_id: str, reason: str, now_ms: int) -> None:
    """Find whose a fill is: an order of ours, the trade it ends from outside, or nobody yet."""
    now = to_datetime(now_ms)
    order = _find(ref, client_id, row.exchange_order_id, Service.ORDER, row.symbol)
    rebuilt = None if order is not None else rebuild(ref, row.symbol, client_id)
    if order is not None:
        row.trade, row.leg = order.trade, order.leg
    elif rebuilt is not None:
        row.trade, row.leg = rebuilt[0], rebuilt[1].leg.value
    elif client_id or reason:
        row.reason = outside_reason(client_id, reason)
        row.trade = _trade_at(ref, row)
    row.save(update_fields=["trade", "leg", "reason"])
    if row.trade is None:
        if not row.reason:
            log.warning("fill_parked", account=str(ref.account_id), order=row.exchange_order_id)
        return
    leg = Leg(row.leg) if row.leg else None
    journal.note(
        row.trade,
        "fill" if leg is not None else f"fill_{row.reason}",
        words.fill_sentence(leg, row.quantity, row.price),
        actor="exchange",
        details=_fill_details(row),
        now=now,
    )
    totals = store.total_up(row.trade, now)
    _reopen(row.trade, now)
    bell.ring(ref.user_id)
    if totals.entered > 0 and totals.open_quantity == 0:
        hooks.reach("K9")


def rebuild(
    ref: AccountRef, symbol: str, client_id: str
) -> tuple[Trade, client_ids.ParsedId] | None:
    """Return the trade that an id of ours belongs to although its row is lost, by building it again."""
    parsed = client_ids.parse(client_id)
    if parsed is None:
        return None
    trades = Trade.objects.for_user(ref.user_id).filter(account_id=ref.account_id, symbol=symbol)
    for trade in trades.order_by("-decided_at")[:REBUILD_TRADES]:
        name = client_ids.client_id(
            ref.user_id, ref.account_id, trade.signal_id, parsed.leg, parsed.attempt
        )
        if name == client_id:
            return trade, parsed
    return None


def _fill_details(row: Fill) -> dict[str, Any]:
    return {
        "leg": row.leg,
        "price": words.shortest(row.price),
        "quantity": words.shortest(row.quantity),
        "fee": f"{words.shortest(row.fee)} {row.fee_asset}",
        "trade_id": row.exchange_trade_id,
        "order_id": row.exchange_order_id,
    }


def _trade_at(ref: AccountRef, row: Fill) -> Trade | None:
    """Return the trade of the symbol that was live when something outside of it traded."""
    trades = Trade.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, symbol=row.symbol, sent_at__lte=row.at
    )
    return trades.filter(state__in=store.ACTIVE).order_by("-sent_at").first()


def _reopen(trade: Trade, now: datetime) -> None:
    """An entry that counted as lost was executed after all: the position is ours to manage."""
    if trade.open_quantity > 0 and TradeState(trade.state).is_final:
        trade.state, trade.reason = TradeState.OPEN.value, ""
        trade.sentence, trade.closed_at, trade.updated_at = "", None, now
        trade.save(update_fields=["state", "reason", "sentence", "closed_at", "updated_at"])
        journal.note(trade, "reopened", "A fill came after the trade had ended here.", now=now)
        log.error("trade_reopened", trade=str(trade.pk))


def book_income(
    ref: AccountRef, flow: CashFlow, *, now_ms: int, holding: leases.Holding | None = None
) -> bool:
    """Book one line of the exchange's income list, once; funding goes to its trade."""
    with fenced(holding):
        at = to_datetime(flow.at_ms)
        trade = _holder(ref, flow.symbol, at) if flow.kind == "FUNDING_FEE" else None
        _, is_new = CashFlowRow.objects.for_user(ref.user_id).get_or_create(
            account_id=ref.account_id,
            kind=flow.kind[:32],
            exchange_id=flow.id[:80],
            defaults={
                "user_id": ref.user_id,
                "trade": trade,
                "symbol": flow.symbol[:32],
                "amount": flow.amount,
                "asset": flow.asset[:16],
                "at": at,
            },
        )
        if is_new and trade is not None:
            rows = CashFlowRow.objects.for_user(ref.user_id).filter(trade=trade)
            trade.funding = sum((row.amount for row in rows), start=trade.funding * 0)
            trade.updated_at = to_datetime(now_ms)
            trade.save(update_fields=["funding", "updated_at"])
    return is_new


def _holder(ref: AccountRef, symbol: str, at: datetime) -> Trade | None:
    trades = Trade.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, symbol=symbol, opened_at__lte=at
    )
    found = trades.order_by("-opened_at").first()
    if found is None or (found.closed_at is not None and found.closed_at < at):
        return None
    return found
