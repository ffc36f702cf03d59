"""After a trade has closed: breakers, the ladder, and word to the person."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from cryptosystems.platform.bell import ring
from trading.contracts import BotMode, TradeState
from trading.models import BotSettings, Trade
from trading.selectors.ladder import BREACH
from trading.selectors.standing import day_start, today_of
from trading.services import letters
from trading.services.journal import note

DAY: Final = timedelta(days=1)
BY_HAND: Final = ("drawdown",)
"""Pauses that have no end but the person's."""


def trade_closed(trade: Trade, now: datetime) -> None:
    """Weigh the breakers of the account; call it in the transaction that closes a trade."""
    row = BotSettings.objects.for_user(trade.user_id).filter(account_id=trade.account_id).first()
    if row is None:
        return
    check_breakers(row, now)
    if trade.how == "bot":
        _check_streak(row, trade, now)
    ring(trade.user_id)


def check_breakers(row: BotSettings, now: datetime) -> bool:
    """Pause entries whose limits are reached; say whether positions are to be closed as well.

    Called when a trade closes and whenever the equity was read: fees and funding alone can reach
    a limit.
    """
    if row.equity is None:
        return False
    _raise_peak(row)
    lost = today_of(row, now).lost
    limit = (row.equity + lost) * row.daily_loss_percent / 100
    if lost > 0 and lost >= limit and not _is_paused(row, "daily_loss", now):
        until = day_start(now) + DAY
        sentence = _(
            "Today's loss of %(lost)s USDT has reached your limit of %(limit)s USDT. New entries "
            "open again at 00:00 UTC; stops and targets stay."
        ) % {"lost": f"{lost:.2f}", "limit": f"{limit:.2f}"}
        _pause(row, "daily_loss", sentence, until, now)
        return row.on_daily_loss == "flatten"
    peak = row.peak_equity or row.equity
    fallen = (peak - row.equity) / peak * 100 if peak > 0 else Decimal(0)
    if fallen >= row.drawdown_percent and not _is_paused(row, "drawdown", now):
        sentence = _(
            "The account stands %(fallen)s %% below its highest value, %(peak)s USDT; your limit "
            "is %(limit)s %%. New entries wait until you resume."
        ) % {
            "fallen": f"{fallen:.1f}",
            "peak": f"{peak:.2f}",
            "limit": f"{row.drawdown_percent}",
        }
        _pause(row, "drawdown", sentence, None, now)
    return False


def _raise_peak(row: BotSettings) -> None:
    assert row.equity is not None
    if row.peak_equity is None or row.equity > row.peak_equity:
        row.peak_equity = row.equity
        row.save(update_fields=["peak_equity"])


def _check_streak(row: BotSettings, trade: Trade, now: datetime) -> None:
    most = row.pause_after_stops
    if not most:
        return
    closed = (
        Trade.objects.for_user(row.user_id)
        .filter(account_id=row.account_id, how="bot", state=TradeState.CLOSED.value)
        .order_by("-closed_at")[:most]
    )
    results = [one.realised - one.fees + one.funding for one in closed]
    if len(results) == most and all(result < 0 for result in results):
        until = now + DAY
        sentence = _(
            "%(count)s trades in a row have lost. New entries pause for a day; you may resume "
            "earlier."
        ) % {"count": most}
        if not _is_paused(row, "losing_streak", now):
            _pause(row, "losing_streak", sentence, until, now)


def _is_paused(row: BotSettings, code: str, now: datetime) -> bool:
    if row.pause_code != code:
        return False
    return row.paused_until is None or now < row.paused_until


def _pause(
    row: BotSettings, code: str, sentence: str, until: datetime | None, now: datetime
) -> None:
    row.pause_code, row.pause_sentence, row.paused_until = code, sentence, until
    row.save(update_fields=["pause_code", "pause_sentence", "paused_until"])
    details = {"code": code, "until": until.isoformat() if until else None}
    note(row.account, "paused", sentence, now=now, details=details)
    if code in ("daily_loss", "drawdown"):
        breach(row, sentence, now)
    letters.write_to(row.user_id, "paused", account=row.account.label, sentence=sentence)
    ring(row.user_id)


def breach(row: BotSettings, sentence: str, now: datetime) -> None:
    """Note what takes the ladder one step down."""
    note(row.account, BREACH, sentence, now=now)


def resume(row: BotSettings, now: datetime) -> None:
    """End a pause by the person's hand; the drawdown is measured from here on."""
    if not row.pause_code:
        return
    if row.pause_code == "drawdown":
        row.peak_equity = row.equity
    row.pause_code, row.pause_sentence, row.paused_until = "", "", None
    row.save(update_fields=["peak_equity", "pause_code", "pause_sentence", "paused_until"])
    note(row.account, "resumed", _("You resumed new entries."), now=now, actor="user")
    ring(row.user_id)


def is_trading(row: BotSettings) -> bool:
    """Say whether a bot takes entries by itself."""
    return row.is_automatic and row.mode == BotMode.TRADING.value
