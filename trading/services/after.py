"""After a trade has closed: breakers, the ladder, and word to the person."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cryptosystems.kernel.errors import NotAllowed
from cryptosystems.platform.bell import ring
from trading.contracts import TradeState
from trading.domain.orders import Leg, OrderState
from trading.models import BotSettings, JournalEntry, Trade, TradeOrder
from trading.selectors.ladder import BREACH
from trading.selectors.standing import day_start, today_of, transferred, transfers
from trading.services import letters
from trading.services.journal import note

DAY: Final = timedelta(days=1)
TRANSFER_EDGE: Final = timedelta(seconds=5)
"""A transfer and a reading that lie nearer together cannot be put in order."""
_SMALLEST: Final = Decimal("1e-8")
PAUSED: Final = "paused"
"""Kind of the journal line that says a limit was reached."""


def trade_closed(trade: Trade, now: datetime) -> None:
    """Weigh the breakers of the account; call it in the transaction that closes a trade."""
    row = BotSettings.objects.for_user(trade.user_id).filter(account_id=trade.account_id).first()
    if row is None:
        return
    check_breakers(row, now)
    if trade.how == "bot":
        _check_streak(row, now)
    if trade.reason == "stop_lost" and _was_taken_away(trade):
        breach(row, _("A stop was cancelled at the exchange by hand, so we closed."), now)
    ring(trade.user_id)


def check_breakers(row: BotSettings, now: datetime) -> bool:
    """Pause entries whose limits are reached; say whether positions are to be closed as well.

    Called when a trade closes and whenever the equity was read: fees and funding alone can reach
    a limit. The answer holds until the day is over, so that a close that was missed once (a
    restart, a trade that closed meanwhile) is asked for at the next look.
    """
    if row.equity is None:
        return False
    _raise_peak(row)
    _check_drawdown(row, now)
    return _check_day(row, now) and row.on_daily_loss == "flatten"


def _check_day(row: BotSettings, now: datetime) -> bool:
    """Say whether the day's limit is reached; the first time a day it is written down."""
    lost, limit = _day(row, now)
    if lost <= 0 or lost < limit:
        return False
    if not _is_said(row, "daily_loss", day_start(now)):
        sentence = _(
            "Today's loss of %(lost)s USDT has reached your limit of %(limit)s USDT. New entries "
            "open again at 00:00 UTC; stops and targets stay."
        ) % {"lost": f"{lost:.2f}", "limit": f"{limit:.2f}"}
        _pause(row, "daily_loss", sentence, day_start(now) + DAY, now)
    return True


def _day(row: BotSettings, now: datetime) -> tuple[Decimal, Decimal]:
    """Return today's loss and its limit."""
    assert row.equity is not None
    today = today_of(row, now)
    return today.lost, today.base(row.equity) * row.daily_loss_percent / 100


def _fallen(row: BotSettings) -> Decimal:
    """Return how far the account stands below its highest value, in per cent of that."""
    assert row.equity is not None
    peak = row.peak_equity or row.equity
    return (peak - row.equity) / peak * 100 if peak > 0 else Decimal(0)


def seems_reached(row: BotSettings, now: datetime) -> bool:
    """Say whether a limit looks reached that was not yet: a withdrawal looks like that, too."""
    if row.equity is None:
        return False
    lost, limit = _day(row, now)
    is_new_day = lost > 0 and lost >= limit and not _is_said(row, "daily_loss", day_start(now))
    return is_new_day or (row.pause_code != "drawdown" and _fallen(row) >= row.drawdown_percent)


def take_transfers(row: BotSettings, now: datetime) -> bool:
    """Let money that came or went since the last reading change no drawdown (EX-24).

    The highest value is moved along with it, so that the account stands as far below it as it
    would without. False where something moved so lately that nobody can say whether the reading
    has it already: the next one will tell.
    """
    if row.equity is None or row.peak_equity is None or row.equity_at is None:
        return True
    if transfers(row, now - TRANSFER_EDGE, now + DAY).exists():
        return False
    moved = transferred(row, row.equity_at, now)
    if moved:
        before = row.equity - moved
        row.peak_equity = (
            (row.peak_equity * row.equity / before).quantize(_SMALLEST)
            if before > 0 and row.equity > 0
            else max(Decimal(0), row.equity)  # there was nothing before, or nothing is left
        )
    return True


def _check_drawdown(row: BotSettings, now: datetime) -> None:
    fallen, peak = _fallen(row), row.peak_equity or row.equity
    if fallen < row.drawdown_percent or row.pause_code == "drawdown":
        return
    sentence = _(
        "The account stands %(fallen)s %% below its highest value, %(peak)s USDT; your limit "
        "is %(limit)s %%. New entries wait until you resume."
    ) % {
        "fallen": f"{fallen:.1f}",
        "peak": f"{peak:.2f}",
        "limit": f"{row.drawdown_percent}",
    }
    _pause(row, "drawdown", sentence, None, now)


def _raise_peak(row: BotSettings) -> None:
    assert row.equity is not None
    if row.peak_equity is None or row.equity > row.peak_equity:
        row.peak_equity = row.equity
        row.save(update_fields=["peak_equity"])


def _check_streak(row: BotSettings, now: datetime) -> None:
    most = row.pause_after_stops
    if not most:
        return
    closed = Trade.objects.for_user(row.user_id).filter(
        account_id=row.account_id, how="bot", state=TradeState.CLOSED.value
    )
    paused_at = _said(row, "losing_streak").values_list("at", flat=True).first()
    if paused_at is not None:  # what led to a pause is not counted towards the next one
        closed = closed.filter(closed_at__gt=paused_at)
    newest = closed.order_by("-closed_at")[:most]
    results = [one.realised - one.fees + one.funding for one in newest]
    if len(results) == most and all(result < 0 for result in results):
        sentence = _(
            "%(count)s trades in a row have lost. New entries pause for a day; you may resume "
            "earlier."
        ) % {"count": most}
        _pause(row, "losing_streak", sentence, now + DAY, now)


def _said(row: BotSettings, code: str) -> QuerySet[JournalEntry]:
    """Return the lines that said a limit was reached, the newest first."""
    lines = JournalEntry.objects.for_user(row.user_id).filter(
        account_id=row.account_id, kind=PAUSED, details__code=code
    )
    return lines.order_by("-at")


def _is_said(row: BotSettings, code: str, since: datetime) -> bool:
    return _said(row, code).filter(at__gte=since).exists()


def _was_taken_away(trade: Trade) -> bool:
    """Say whether a stop that rested was cancelled, and not by us: a person did that.

    One that the exchange no longer knows (`not_found`) was lost, and is nobody's doing.
    """
    stops = TradeOrder.objects.for_user(trade.user_id).filter(
        trade_id=trade.pk,
        leg=Leg.STOP.value,
        state=OrderState.CANCELLED.value,
        seen_at__isnull=False,
        cancel_asked_at__isnull=True,
        not_found=0,
    )
    return stops.exists()


def _pause(
    row: BotSettings, code: str, sentence: str, until: datetime | None, now: datetime
) -> None:
    """Write down that a limit is reached; of two pauses the one that lasts longer holds."""
    if _ends_before(row, until, now):
        row.pause_code, row.pause_sentence, row.paused_until = code, sentence, until
        row.save(update_fields=["pause_code", "pause_sentence", "paused_until"])
    details = {"code": code, "until": until.isoformat() if until else None}
    note(row.account, PAUSED, sentence, now=now, details=details)
    if code in ("daily_loss", "drawdown"):
        breach(row, sentence, now)
    letters.write_to(row.user_id, "paused", account=row.account.label, sentence=sentence)
    ring(row.user_id)


def _ends_before(row: BotSettings, until: datetime | None, now: datetime) -> bool:
    """Say whether the pause in force, if any, is over before `until` (None: without end)."""
    if not row.pause_code:
        return True
    if row.paused_until is None:
        return False
    return row.paused_until <= now or until is None or row.paused_until < until


def breach(row: BotSettings, sentence: str, now: datetime) -> None:
    """Note what takes the ladder one step down."""
    note(row.account, BREACH, sentence, now=now)


def resume(row: BotSettings, now: datetime) -> None:
    """End a pause by the person's hand; the drawdown is measured from here on.

    Raises
    ------
    NotAllowed
        While the limit of the day holds: nobody talks themselves out of it.
    """
    if not row.pause_code:
        return
    is_over = row.paused_until is not None and row.paused_until <= now
    if row.pause_code == "daily_loss" and not is_over:
        raise NotAllowed(
            _("The limit of the day holds until 00:00 UTC. Entries open again by themselves.")
        )
    if row.pause_code == "drawdown":
        row.peak_equity = row.equity
    row.pause_code, row.pause_sentence, row.paused_until = _of_the_day(row, now)
    row.save(update_fields=["peak_equity", "pause_code", "pause_sentence", "paused_until"])
    note(row.account, "resumed", _("You resumed new entries."), now=now, actor="user")
    ring(row.user_id)


def _of_the_day(row: BotSettings, now: datetime) -> tuple[str, str, datetime | None]:
    """Return the pause that stays when another one ends: the day's, even if the price came back."""
    line = _said(row, "daily_loss").filter(at__gte=day_start(now)).first()
    return ("", "", None) if line is None else ("daily_loss", line.sentence, day_start(now) + DAY)
