"""What the rules look at, read from rows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from trading.contracts import TradeState
from trading.domain.fees import STABLE
from trading.domain.orders import Leg, OrderState
from trading.domain.sizing import TAKER
from trading.models import BotSettings, CashFlowRow, Fill, Trade, TradeOrder

OPEN = (TradeState.ENTERING.value, TradeState.OPEN.value, TradeState.CLOSING.value)
"""States in which a position stands or may come to stand."""
HELD = (*OPEN, TradeState.PARKED.value)
FILL_FLOWS = ("REALIZED_PNL", "COMMISSION")
OTHER_FLOWS = ("FUNDING_FEE", "INSURANCE_CLEAR")
TRANSFERS = (
    "TRANSFER",
    "INTERNAL_TRANSFER",
    "CROSS_COLLATERAL_TRANSFER",
    "STRATEGY_UMFUTURES_TRANSFER",
    "COIN_SWAP_DEPOSIT",
    "COIN_SWAP_WITHDRAW",
    "WELCOME_BONUS",
)
"""Money that came or went and is neither won nor lost."""


@dataclass(frozen=True, slots=True)
class Today:
    """Counts and sums since 00:00 UTC."""

    lost: Decimal
    n_entered: int
    withdrawn: Decimal
    """What was taken out of the account, less what was put in; never below zero."""

    def base(self, equity: Decimal) -> Decimal:
        """Return what a loss of today is measured by, of what the account is worth now.

        That is what the day began with, whatever was withdrawn since; deposits count from when
        they are there.
        """
        return equity + self.lost + self.withdrawn

    def percent(self, equity: Decimal | None) -> Decimal:
        """Return the loss in per cent of what it is measured by; 0 where something was won."""
        whole = self.base(equity or Decimal(0))
        if self.lost <= 0 or whole <= 0:
            return Decimal(0)
        return (self.lost / whole * 100).quantize(Decimal("0.01"))


def day_start(now: datetime) -> datetime:
    """Return 00:00 UTC of the day."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def today_of(row: BotSettings, now: datetime) -> Today:
    """Return what was lost and entered today, by what the exchange told.

    Its income list is read now and then, its fills come at once; both carry results and fees.
    Where they differ the worse one counts until they agree.
    """
    since = day_start(now)
    flows = CashFlowRow.objects.for_user(row.user_id).filter(
        account_id=row.account_id, at__gte=since
    )
    fills = Fill.objects.for_user(row.user_id).filter(account_id=row.account_id, at__gte=since)
    zero = Decimal(0)
    told = fills.aggregate(
        realised=Sum("realised"),
        fees=Sum("fee", filter=Q(fee_asset__in=STABLE)),
        converted=Sum("fee_converted"),
    )
    converted = told["converted"] or zero  # the income list has those in their own coin
    in_usdt = flows.filter(asset__in=STABLE)
    booked = in_usdt.filter(kind__in=FILL_FLOWS).aggregate(total=Sum("amount"))["total"] or zero
    other = in_usdt.filter(kind__in=OTHER_FLOWS).aggregate(total=Sum("amount"))["total"] or zero
    booked -= converted
    filled = (told["realised"] or zero) - (told["fees"] or zero) - converted
    entered = Trade.objects.for_user(row.user_id).filter(
        account_id=row.account_id, opened_at__gte=since
    )
    lost = -(min(booked, filled) + other + row.unrealised)
    return Today(lost, entered.count(), max(zero, -transferred(row, since, now)))


def transfers(row: BotSettings, since: datetime, until: datetime) -> QuerySet[CashFlowRow]:
    """Return what came into the account and left it after `since`, in the coin of its equity."""
    rows = CashFlowRow.objects.for_user(row.user_id).filter(account_id=row.account_id)
    return rows.filter(kind__in=TRANSFERS, asset="USDT", at__gt=since, at__lte=until)


def transferred(row: BotSettings, since: datetime, until: datetime) -> Decimal:
    """Return the sum of what came (above zero) or went."""
    total = transfers(row, since, until).aggregate(total=Sum("amount"))["total"]
    return Decimal(0) if total is None else total


def lost_percent(row: BotSettings, now: datetime) -> Decimal | None:
    """Return what was lost today in per cent of what the day began with; None: equity unknown."""
    return None if row.equity is None else today_of(row, now).percent(row.equity)


def held_trades(user_id: UUID, account_id: UUID) -> list[Trade]:
    """Return trades of an account of which something may stand at the exchange."""
    rows = Trade.objects.for_user(user_id).filter(account_id=account_id, state__in=HELD)
    return list(rows)


def open_risk(user_id: UUID, account_id: UUID, except_trade: UUID | None = None) -> Decimal:
    """Return the USDT at risk in what is open or being entered; a stop beyond the entry risks none."""
    total = Decimal(0)
    for trade in held_trades(user_id, account_id):
        if trade.pk != except_trade and trade.stop_level == "initial":
            total += trade.risk_amount
    return total


def promised_margin(user_id: UUID, account_id: UUID) -> Decimal:
    """Return the margin that planned entries will take and that does not rest at the exchange yet."""
    rows = Trade.objects.for_user(user_id).filter(
        account_id=account_id, state=TradeState.ENTERING.value, filled=0
    )
    resting = set(
        TradeOrder.objects.for_user(user_id)
        .filter(trade__in=rows, leg=Leg.ENTRY.value, state=OrderState.WORKING.value)
        .values_list("trade_id", flat=True)
    )
    total = Decimal(0)
    for trade in rows:
        if trade.pk not in resting and trade.plan:
            notional = Decimal(trade.plan["notional"])
            total += notional / int(trade.plan["leverage"]) + notional * TAKER
    return total
