"""May this trade be entered? Read in the transaction that claims its entry.

What cannot be read is a no: an entry waits for certainty, an exit never does.
"""

from datetime import datetime

from django.db import DatabaseError
from django.utils import timezone

from accounts import api as accounts
from accounts.contracts import UserView
from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.instruments import Side
from trading.contracts import AccountState, BotMode, StopMode, Venue
from trading.domain.denied import Denied
from trading.models import BotSettings, Trade, TradingAccount
from trading.risk.rules import REST, Candidate, Standing, first_denial
from trading.selectors.standing import HELD, today_of
from trading.services import stops
from trading.services.settings import limits_of, settings_of

UNREADABLE = Denied(
    "unreadable", "Limits and switches could not be read, so nothing is opened. It is tried again."
)


def entry_denial(trade: Trade, now: datetime) -> Denied | None:
    """Return why an entry must not leave now; None if it may."""
    try:
        row = settings_of(trade.user_id, trade.account_id)
        standing = _standing(trade, row, now)
        candidate = Candidate(
            trade.symbol,
            Side(trade.side),
            trade.timeframe,
            trade.confidence,
            trade.how == "by_hand",
        )
        return first_denial(candidate, standing, limits_of(row))
    except DatabaseError:
        return UNREADABLE


def _standing(trade: Trade, row: BotSettings, now: datetime) -> Standing:
    is_paper = trade.venue == Venue.PAPER.value
    # A replayed market lives in another year; what somebody may use goes by the wall clock.
    entitled = billing.entitlements_for(trade.user_id)
    user = accounts.user_by_id(trade.user_id)
    today = today_of(row, now)
    others = dict(
        Trade.objects.for_user(trade.user_id)
        .filter(account_id=trade.account_id, state__in=HELD)
        .exclude(pk=trade.pk)
        .values_list("pk", "symbol")
    )
    is_active = user is not None and user.is_active and user.deletion_due_at is None
    return Standing(
        now=now,
        account_state=AccountState(row.account.state),
        is_paper=is_paper,
        mode=BotMode(row.mode),
        is_automatic=row.is_automatic,
        is_entitled=is_active and entitled.allows(Feature.PAPER if is_paper else Feature.BOT),
        entitlement_sentence=str(entitled.sentence),
        switch=stops.mode_for(trade.user_id, trade.symbol, trade.model_version),
        rested_since=_rest_in_force(user, now),
        paused_until=row.paused_until,
        pause_code=row.pause_code,
        pause_sentence=row.pause_sentence,
        equity=row.equity,
        lost_today=today.lost,
        n_open=len(others),
        n_today=today.n_entered,
        open_symbols=frozenset(others.values()),
    )


def _rest_in_force(user: UserView | None, now: datetime) -> datetime | None:
    """Return since when entries rest, told in the market's time; None where they do not."""
    changed_at = user.security_changed_at if user else None
    if changed_at is None or timezone.now() - changed_at >= REST:
        return None
    return now - (timezone.now() - changed_at)


def stop_mode(account: TradingAccount, symbol: str, model_version: str) -> StopMode | None:
    """Return what a switch or the bot's mode forbids for what is already held.

    The mode *off* leaves stops resting and does nothing; it is not a switch. A trial or a
    subscription that ended closes the way in and nothing else.
    """
    try:
        return stops.mode_for(account.user_id, symbol, model_version)
    except DatabaseError:
        return StopMode.NO_ENTRIES
