"""Trades, positions and fills as pages and the API show them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.decimals import from_float, plain
from signals import api as signals
from trading.contracts import (
    FillLine,
    PositionView,
    StopProof,
    TradeDetail,
    TradeLine,
    TradeState,
    Venue,
)
from trading.domain.fees import STABLE, in_r
from trading.domain.orders import Leg, OrderState
from trading.models import Fill, JournalEntry, Trade, TradeOrder
from trading.selectors.standing import HELD

CONFIRM_S: Final = 5.0
"""A position without a confirmed stop is closed after this."""
MOST: Final = 200
_THOUSANDTH: Final = Decimal("0.001")
EVENTS: Final = {
    "entry": "Entry filled",
    "guard": "Stopped",
    "stop": "Stopped",
    "tp1": "TP1 filled",
    "tp2": "TP2 filled",
    "tp3": "TP3 filled",
    "close": "Closed at market",
    "": "Filled by hand or by the exchange",
}


def result_r(trade: Trade) -> Decimal | None:
    """Return a trade's result in R, net of fees and funding; None before its end."""
    if trade.state != TradeState.CLOSED.value:
        return None
    return in_r(trade.realised - trade.fees + trade.funding, trade.risk_amount)


def lines(trades: Sequence[Trade]) -> list[TradeLine]:
    """Return trades as lines, with what the model made of their signals."""
    results = signals.model_results(trade.signal_id for trade in trades)
    return [_line(trade, _model_r(results, trade.signal_id)) for trade in trades]


def _model_r(results: dict[UUID, Any], signal_id: UUID) -> Decimal | None:
    found = results.get(signal_id)
    return None if found is None else from_float(found.net_r).quantize(_THOUSANDTH)


def _line(trade: Trade, model_r: Decimal | None) -> TradeLine:
    return TradeLine(
        id=trade.pk,
        account_id=trade.account_id,
        venue=Venue(trade.venue),
        signal_id=trade.signal_id,
        symbol=trade.symbol,
        base=trade.signal.get("base", trade.symbol),
        decimals=int(trade.signal.get("decimals", 2)),
        side=trade.side,
        timeframe=trade.timeframe,
        state=TradeState(trade.state),
        how=trade.how,
        reason=trade.reason,
        sentence=trade.sentence,
        quantity=trade.filled or trade.max_quantity,
        entry_price=trade.entry_price,
        exit_price=trade.exit_price,
        realised=trade.realised,
        fees=trade.fees,
        funding=trade.funding,
        result_r=result_r(trade),
        model_r=model_r,
        decided_at=trade.decided_at,
        opened_at=trade.opened_at,
        closed_at=trade.closed_at,
        offer_until=trade.offer_until,
    )


def trades_of(
    user_id: UUID,
    *,
    account_id: UUID | None = None,
    state: str | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> tuple[list[TradeLine], datetime | None]:
    """Return (trades, the newest decided first; the cursor of the next page or None).

    One signal is decided for all accounts of somebody at one moment, and the cursor is a moment:
    a page goes on to the end of its last one, so it may hold a few more than `limit`.
    """
    rows = Trade.objects.for_user(user_id).order_by("-decided_at", "-id")
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    if state:
        rows = rows.filter(state=state)
    if before is not None:
        rows = rows.filter(decided_at__lt=before)
    limit = min(limit, MOST)
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return lines(found), None
    over, last = found.pop(), found[-1].decided_at
    if over.decided_at == last:
        found = [trade for trade in found if trade.decided_at != last]
        found += rows.filter(decided_at=last)
    has_more = rows.filter(decided_at__lt=last).exists()
    return lines(found), last if has_more else None


def count_since(user_id: UUID, since: datetime, account_id: UUID | None = None) -> int:
    """Return how many trades were decided at or after `since`."""
    rows = Trade.objects.for_user(user_id).filter(decided_at__gte=since)
    return rows.count() if account_id is None else rows.filter(account_id=account_id).count()


def lines_since(
    user_id: UUID, since: datetime, account_id: UUID | None = None, *, most: int
) -> Iterator[TradeLine]:
    """Yield at most `most` trades decided at or after `since`, the newest first, page by page."""
    before, n = None, 0
    while n < most:
        page, before = trades_of(user_id, account_id=account_id, before=before, limit=MOST)
        for line in page:
            if line.decided_at < since or n == most:
                return
            n += 1
            yield line
        if before is None:
            return


def positions_of(user_id: UUID, account_id: UUID | None = None) -> list[PositionView]:
    """Return what is open, the newest first."""
    rows = Trade.objects.for_user(user_id).filter(state__in=HELD, open_quantity__gt=0)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    trades = list(rows.order_by("-opened_at"))
    orders: dict[UUID, list[TradeOrder]] = defaultdict(list)
    for order in TradeOrder.objects.for_user(user_id).filter(trade__in=trades):
        orders[order.trade_id].append(order)
    now = timezone.now()
    return [_position(trade, orders[trade.pk], now) for trade in trades]


def _position(trade: Trade, orders: Sequence[TradeOrder], now: datetime) -> PositionView:
    proof, seconds = _proof(trade, orders, now)
    plan = trade.plan
    return PositionView(
        trade_id=trade.pk,
        account_id=trade.account_id,
        venue=Venue(trade.venue),
        signal_id=trade.signal_id,
        symbol=trade.symbol,
        base=trade.signal.get("base", trade.symbol),
        decimals=int(trade.signal.get("decimals", 2)),
        side=trade.side,
        quantity=trade.open_quantity,
        entry_price=trade.entry_price or Decimal(plan["entry_price"]),
        stop_price=trade.stop_price or Decimal(plan["stop"]),
        stop_level=trade.stop_level or "initial",
        r_distance=Decimal(plan["r_distance"]),
        targets=tuple(_targets(plan, orders)),
        proof=proof,
        proof_at=trade.stop_seen_at,
        proof_id=trade.stop_seen_id,
        seconds_left=seconds,
        realised=trade.realised,
        fees=trade.fees,
        funding=trade.funding,
        liquidation_price=Decimal(plan["liquidation_price"]),
        leverage=int(plan["leverage"]),
        opened_at=trade.opened_at,
        expires_at=to_datetime(int(plan["expires_ms"])),
        note=trade.note,
    )


def _proof(
    trade: Trade, orders: Sequence[TradeOrder], now: datetime
) -> tuple[StopProof, float | None]:
    """Return how the stop stands, and the seconds until the position is closed for lack of one.

    *Verified* needs an order that the exchange has shown, that covers all of it and that nobody
    is taking away: the absence of bad news proves nothing.
    """
    stops = [order for order in orders if Leg(order.leg).is_protection]
    is_firing = any(order.state == OrderState.TRIGGERED.value for order in stops)
    if trade.state == TradeState.CLOSING.value or is_firing:
        return StopProof.FLATTENING, None
    resting = [order for order in stops if order.state == OrderState.WORKING.value]
    if trade.naked_since is not None or not any(_covers(order, trade) for order in resting):
        if trade.naked_since is None:
            return StopProof.UNCONFIRMED, None
        left = CONFIRM_S - (now - trade.naked_since).total_seconds()
        return StopProof.UNCONFIRMED, max(0.0, left)
    moving = len(resting) > 1 or any(order.seen_at is None for order in resting)
    return (StopProof.MOVING if moving else StopProof.VERIFIED), None


def _covers(order: TradeOrder, trade: Trade) -> bool:
    """Say whether an order, seen at the exchange, would close all that is open of ours."""
    if order.seen_at is None or order.not_found or order.cancel_asked_at is not None:
        return False
    quantity = order.request.get("quantity")
    is_whole = quantity is not None and Decimal(quantity) >= trade.open_quantity
    return bool(order.request.get("close_position")) or is_whole


_TARGET_STATES: Final = {
    OrderState.FILLED.value: "filled",
    OrderState.CANCELLED.value: "cancelled",
    OrderState.EXPIRED.value: "cancelled",
    OrderState.REJECTED.value: "cancelled",
    OrderState.WORKING.value: "working",
}


def _targets(plan: dict[str, Any], orders: Iterable[TradeOrder]) -> Iterable[dict[str, Any]]:
    newest = {order.leg: order for order in sorted(orders, key=lambda one: one.attempt)}
    for number, target in enumerate(plan["targets"], start=1):
        order = newest.get(f"tp{number}")
        state = "waiting" if order is None else _TARGET_STATES.get(order.state, "waiting")
        yield {**target, "state": state}


def detail(user_id: UUID, trade_id: UUID) -> TradeDetail | None:
    """Return everything about one trade of somebody, or None."""
    trade = Trade.objects.for_user(user_id).filter(pk=trade_id).first()
    if trade is None:
        return None
    orders = list(TradeOrder.objects.for_user(user_id).filter(trade=trade))
    fills = list(Fill.objects.for_user(user_id).filter(trade=trade))
    journal = JournalEntry.objects.for_user(user_id).filter(trade_id=trade_id)
    is_open = trade.state in HELD and trade.open_quantity > 0
    now = timezone.now()
    return TradeDetail(
        line=lines([trade])[0],
        position=_position(trade, orders, now) if is_open else None,
        plan=dict(trade.plan),
        orders=tuple(_order(order) for order in orders),
        fills=tuple(_fill_lines(fills, {order.client_id: order for order in orders}, [trade])),
        journal=tuple(
            {
                "at": entry.at,
                "kind": entry.kind,
                "sentence": entry.sentence,
                "details": entry.details,
                "actor": entry.actor,
            }
            for entry in journal
        ),
    )


def _order(order: TradeOrder) -> dict[str, Any]:
    request = order.request
    return {
        "leg": order.leg,
        "attempt": order.attempt,
        "client_id": order.client_id,
        "kind": request.get("kind", ""),
        "side": request.get("side", ""),
        "price": request.get("trigger_price") or request.get("price"),
        "quantity": request.get("quantity"),
        "state": order.state,
        "filled": plain(order.filled),
        "average_price": None if order.average_price is None else plain(order.average_price),
        "exchange_id": order.exchange_id,
        "outcome": order.outcome,
        "code": order.code,
        "message": order.message,
        "sent_at": order.sent_at,
        "answered_at": order.answered_at,
        "seen_at": order.seen_at,
        "ended_at": order.ended_at,
    }


def fill_lines(
    user_id: UUID,
    *,
    account_id: UUID | None = None,
    since: datetime | None = None,
    limit: int = MOST,
) -> list[FillLine]:
    """Return fills, stops that were placed and signals that were passed over, the newest first."""
    since = since or timezone.now() - timedelta(days=1)
    fills = Fill.objects.for_user(user_id).select_related("account").filter(at__gte=since)
    orders = TradeOrder.objects.for_user(user_id).filter(prepared_at__gte=since - timedelta(days=9))
    trades = Trade.objects.for_user(user_id)
    if account_id is not None:
        fills = fills.filter(account_id=account_id)
        orders = orders.filter(trade__account_id=account_id)
        trades = trades.filter(account_id=account_id)
    chosen = list(fills.order_by("-at", "-id")[:limit])
    by_client = {order.client_id: order for order in orders}
    wanted = {fill.trade_id for fill in chosen if fill.trade_id} | {
        order.trade_id for order in by_client.values()
    }
    held = list(trades.filter(pk__in=wanted))
    passed = trades.filter(
        state__in=[TradeState.SKIPPED.value, TradeState.NOT_ENTERED.value], updated_at__gte=since
    )
    found = _fill_lines(chosen, by_client, held)
    names = {trade.pk: trade for trade in held}
    found += [
        _placed(order, names[order.trade_id])
        for order in by_client.values()
        if order.leg == Leg.STOP.value and order.seen_at and order.seen_at >= since
    ]
    found += [_passed(trade) for trade in passed[:limit]]
    return sorted(found, key=lambda line: line.at, reverse=True)[:limit]


def _fill_lines(
    fills: Iterable[Fill], orders: dict[str, TradeOrder], trades: Iterable[Trade]
) -> list[FillLine]:
    names = {trade.pk: trade for trade in trades}
    found = []
    for fill in fills:
        trade = names.get(fill.trade_id) if fill.trade_id else None
        asked = _asked(orders.get(fill.client_id))
        found.append(
            FillLine(
                at=fill.at,
                trade_id=fill.trade_id or UUID(int=0),
                venue=Venue(trade.venue if trade else fill.account.venue),
                symbol=fill.symbol,
                base=trade.signal.get("base", fill.symbol) if trade else fill.symbol,
                decimals=int(trade.signal.get("decimals", 2)) if trade else 2,
                side=trade.side if trade else "",
                leg=fill.leg,
                event=_event(fill),
                asked=asked,
                filled=fill.price,
                quantity=fill.quantity,
                slippage_bps=_slippage(fill, asked),
                fee=fill.fee_usdt,
                fee_paid=_paid(fill),
                result_r=in_r(fill.realised - fill.fee_usdt, trade.risk_amount)
                if trade and fill.leg != Leg.ENTRY.value and fill.fee_usdt is not None
                else None,
                exchange_id=fill.exchange_order_id,
            )
        )
    return found


def _paid(fill: Fill) -> str:
    """Return a fee as it was paid, in a coin that had to be converted; else nothing."""
    if fill.fee_asset in STABLE:
        return ""
    return f"{plain(fill.fee.normalize())} {fill.fee_asset}"


def _event(fill: Fill) -> str:
    reasons = {
        "autoclose": _("Liquidated by the exchange"),
        "adl": _("Reduced by the exchange (auto-deleveraging)"),
        "settlement": _("Settled by the exchange (delisting)"),
        "manual": _("Filled by hand at the exchange"),
    }
    return reasons.get(fill.reason) or _(EVENTS[fill.leg])


def _asked(order: TradeOrder | None) -> Decimal | None:
    if order is None:
        return None
    text = order.request.get("trigger_price") or order.request.get("price")
    return None if text is None else Decimal(text)


def _slippage(fill: Fill, asked: Decimal | None) -> Decimal | None:
    """Return by how many basis points a fill was worse than asked (positive: worse)."""
    if not asked:
        return None
    sign = 1 if fill.order_side == "BUY" else -1
    return (sign * (fill.price - asked) / asked * 10_000).quantize(Decimal("0.1"))


def _placed(order: TradeOrder, trade: Trade) -> FillLine:
    assert order.seen_at is not None
    return FillLine(
        at=order.seen_at,
        trade_id=trade.pk,
        venue=Venue(trade.venue),
        symbol=trade.symbol,
        base=trade.signal.get("base", trade.symbol),
        decimals=int(trade.signal.get("decimals", 2)),
        side=trade.side,
        leg=order.leg,
        event=_("Stop rests at the exchange"),
        asked=_asked(order),
        filled=None,
        quantity=None,
        slippage_bps=None,
        fee=None,
        fee_paid="",
        result_r=None,
        exchange_id=order.exchange_id,
    )


def _passed(trade: Trade) -> FillLine:
    title = _("Skipped") if trade.state == TradeState.SKIPPED.value else _("Not entered")
    return FillLine(
        at=trade.closed_at or trade.updated_at,
        trade_id=trade.pk,
        venue=Venue(trade.venue),
        symbol=trade.symbol,
        base=trade.signal.get("base", trade.symbol),
        decimals=int(trade.signal.get("decimals", 2)),
        side=trade.side,
        leg="",
        event=f"{title}: {trade.sentence}",
        asked=None,
        filled=None,
        quantity=None,
        slippage_bps=None,
        fee=None,
        fee_paid="",
        result_r=None,
        exchange_id="",
    )
