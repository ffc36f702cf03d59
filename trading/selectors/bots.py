"""A bot and what its limits mean, the way to automation, and my fills against the model."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from trading.contracts import (
    BotMode,
    BotView,
    ComparisonView,
    ExecutorStatus,
    StopMode,
    TradeState,
)
from trading.domain.fees import in_r
from trading.domain.orders import Leg, OrderState
from trading.models import BotSettings, ExecutorWord, Fill, Trade, TradeOrder
from trading.selectors.accounts import account_view
from trading.selectors.ladder import automation_held, rung_of
from trading.selectors.standing import HELD, today_of
from trading.selectors.trades import result_r

SILENT_S: Final = 15.0
_R: Final = Decimal("0.001")


def bot_view(
    row: BotSettings,
    limits: Mapping[str, Any],
    switch: StopMode | None,
    start_equity: Decimal,
    now: datetime | None = None,
) -> BotView:
    """Return how a bot stands; `start_equity` is what a paper account holds before its first trade."""
    now = now or timezone.now()
    today = today_of(row, now)
    equity = row.equity if row.equity is not None or row.account.venue != "paper" else start_equity
    rung = rung_of(row.user_id, row.account_id)
    lost = max(Decimal(0), today.lost)
    limit = None if equity is None else today.base(equity) * row.daily_loss_percent / 100
    n_open = (
        Trade.objects.for_user(row.user_id)
        .filter(account_id=row.account_id, state__in=HELD)
        .count()
    )
    return BotView(
        account=account_view(row.account),
        mode=BotMode(row.mode),
        is_automatic=row.is_automatic,
        limits=dict(limits),
        risk_cap_percent=rung.cap_percent,
        cap_sentence=rung.sentence,
        equity=equity,
        lost_today=lost,
        lost_today_percent=today.percent(equity),
        to_halt=None if limit is None else max(Decimal(0), limit - lost),
        n_open=n_open,
        pauses=tuple(_pauses(row, switch, now)),
        changed_at=row.changed_at,
        automation_opens=automation_held(row.user_id, row.account.venue)[1],
    )


def _pauses(row: BotSettings, switch: StopMode | None, now: datetime) -> Iterable[str]:
    if switch is not None:
        yield {
            StopMode.NO_ENTRIES: _("A kill switch is thrown: nothing new is opened."),
            StopMode.CLOSE_ONLY: _(
                "A kill switch is thrown: nothing new is opened, and waiting entries are cancelled."
            ),
            StopMode.FLATTEN: _("A kill switch is thrown: everything of ours is being closed."),
        }[switch]
    if row.pause_code and (row.paused_until is None or now < row.paused_until):
        yield row.pause_sentence
    if row.account.state != "connected":
        yield row.account.sentence or _("The account is not connected.")


def comparison(user_id: UUID, account_id: UUID, results: Mapping[UUID, Any]) -> ComparisonView:
    """Return my closed trades of one account against the model, summed in R."""
    trades = [
        trade
        for trade in _closed(user_id, account_id)
        if trade.signal_id in results and trade.risk_amount > 0 and trade.entry_price is not None
    ]
    slipped = _slipped(user_id, trades)
    zero = Decimal(0)
    mine = model = delay = slippage = fees = funding = zero
    for trade in trades:
        result = results[trade.signal_id]
        mine += result_r(trade) or zero
        model += Decimal(repr(result.net_r))
        delay += _delay(trade, Decimal(repr(result.entry)))
        slippage += slipped.get(trade.pk, zero) / trade.risk_amount
        assumed = Decimal(repr(result.gross_r - result.net_r))
        fees += assumed - trade.fees / trade.risk_amount
        funding += trade.funding / trade.risk_amount
    named = delay + slippage + fees + funding
    missed = (
        Trade.objects.for_user(user_id)
        .filter(account_id=account_id, signal_id__in=list(results))
        .filter(state__in=[TradeState.SKIPPED.value, TradeState.NOT_ENTERED.value])
        .count()
    )
    return ComparisonView(
        n_trades=len(trades),
        mine_r=mine.quantize(_R),
        model_r=model.quantize(_R),
        delay_r=delay.quantize(_R),
        slippage_r=slippage.quantize(_R),
        fees_r=fees.quantize(_R),
        funding_r=funding.quantize(_R),
        missed=missed,
        other_r=(mine - model - named).quantize(_R),
    )


def signals_of(user_id: UUID, account_id: UUID) -> list[UUID]:
    """Return the signals that this account closed or passed over, the newest 500."""
    states = [TradeState.CLOSED.value, TradeState.SKIPPED.value, TradeState.NOT_ENTERED.value]
    rows = Trade.objects.for_user(user_id).filter(account_id=account_id, state__in=states)
    return list(rows.order_by("-decided_at").values_list("signal_id", flat=True)[:500])


def _closed(user_id: UUID, account_id: UUID) -> list[Trade]:
    rows = Trade.objects.for_user(user_id).filter(
        account_id=account_id, state=TradeState.CLOSED.value
    )
    return list(rows.order_by("-closed_at")[:500])


def _delay(trade: Trade, model_entry: Decimal) -> Decimal:
    """Return what entering at another price than the model cost, in R (negative: worse)."""
    assert trade.entry_price is not None
    sign = 1 if trade.side == "long" else -1
    distance = Decimal(trade.plan["r_distance"])
    return sign * (model_entry - trade.entry_price) / distance


def _slipped(user_id: UUID, trades: Iterable[Trade]) -> dict[UUID, Decimal]:
    """Return what exits cost beyond the price they were asked at, USDT by trade."""
    held = list(trades)
    asked = {
        order.client_id: Decimal(order.request["trigger_price"])
        for order in TradeOrder.objects.for_user(user_id).filter(trade__in=held)
        if order.request.get("trigger_price")
    }
    found: dict[UUID, Decimal] = {}
    for fill in Fill.objects.for_user(user_id).filter(trade__in=held):
        if fill.trade_id is None or fill.leg == Leg.ENTRY.value or fill.client_id not in asked:
            continue
        sign = 1 if fill.order_side == "SELL" else -1
        cost = sign * (fill.price - asked[fill.client_id]) * fill.quantity
        found[fill.trade_id] = found.get(fill.trade_id, Decimal(0)) + cost
    return found


def paper_results(user_id: UUID) -> tuple[Decimal, ...]:
    """Return the net R of every followed paper trade that has ended, the oldest first."""
    rows = (
        Trade.objects.for_user(user_id)
        .filter(venue="paper", how="by_hand", state=TradeState.CLOSED.value)
        .order_by("closed_at")
    )
    found = (in_r(t.realised - t.fees + t.funding, t.risk_amount) for t in rows)
    return tuple(result for result in found if result is not None)


def executor_status(now: datetime | None = None) -> ExecutorStatus:
    """Return how execution stands, by what its processes last said and by rows."""
    now = now or timezone.now()
    words = list(ExecutorWord.objects.order_by("-said_at")[:20])
    alive = [word for word in words if (now - word.said_at).total_seconds() < SILENT_S]
    newest = words[0] if words else None
    orders = TradeOrder.objects.across_tenants("status of execution").filter(
        state=OrderState.UNKNOWN.value
    )
    oldest = orders.order_by("sent_at").values_list("sent_at", flat=True).first()
    trades = Trade.objects.across_tenants("status of execution").filter(state__in=HELD)
    counts = trades.aggregate(
        open=Count("pk"), naked=Count("pk", filter=Q(naked_since__isnull=False))
    )
    longest = (
        trades.filter(naked_since__isnull=False)
        .order_by("naked_since")
        .values_list("naked_since", flat=True)
        .first()
    )
    figures = newest.figures if newest else {}
    return ExecutorStatus(
        is_running=bool(alive),
        release=newest.release if newest else "",
        n_lanes=sum(int(word.figures.get("lanes", 0)) for word in alive),
        n_open=counts["open"],
        n_unknown=orders.count(),
        oldest_unknown_s=_age(oldest, now),
        n_naked=counts["naked"],
        longest_naked_s=_age(longest, now),
        n_mismatched=sum(int(word.figures.get("n_mismatched", 0)) for word in alive),
        away=next((str(word.figures["away"]) for word in alive if word.figures.get("away")), ""),
        clock_offset_ms=figures.get("clock_offset_ms"),
        weight_used=figures.get("weight_used"),
        said_at=newest.said_at if newest else None,
    )


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())
