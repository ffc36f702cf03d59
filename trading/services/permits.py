"""May this trade be entered? Read in the transaction that claims its entry.

What cannot be read is a no: an entry waits for certainty, an exit never does.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

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
from trading.services.keys import KEY_LOST
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
    return Standing(
        now=now,
        account_state=AccountState(row.account.state),
        is_paper=is_paper,
        mode=BotMode(row.mode),
        is_automatic=row.is_automatic,
        is_entitled=_stays(user) and entitled.allows(_feature(trade.venue)),
        entitlement_sentence=str(entitled.sentence),
        switch=stops.mode_for(trade.user_id, trade.symbol, trade.model_version),
        rested_since=_rest_in_force(user, now),
        paused_until=row.paused_until,
        pause_code=row.pause_code,
        pause_sentence=row.pause_sentence,
        equity=row.equity,
        lost_today=today.lost,
        day_base=today.base(row.equity or Decimal(0)),
        n_open=len(others),
        n_today=today.n_entered,
        open_symbols=frozenset(others.values()),
    )


def _stays(user: UserView | None) -> bool:
    return user is not None and user.is_active and user.deletion_due_at is None


def _feature(venue: str) -> Feature:
    return Feature.PAPER if venue == Venue.PAPER.value else Feature.BOT


def is_shut(user_id: UUID, account_id: UUID) -> bool:
    """Say whether the way in is closed to an account: what rests of an entry is taken back (F-60).

    Its trial or subscription ended, its person leaves or was suspended, or its key was withdrawn.
    What is held is managed to its end all the same.
    """
    try:
        rows = TradingAccount.objects.for_user(user_id).filter(pk=account_id)
        venue, state, code = rows.values_list("venue", "state", "code").get()
        if state == AccountState.SUSPENDED.value and code != KEY_LOST:
            return True
        entitled = billing.entitlements_for(user_id)
        return not (_stays(accounts.user_by_id(user_id)) and entitled.allows(_feature(venue)))
    except (DatabaseError, TradingAccount.DoesNotExist):
        return (
            False  # nothing new leaves meanwhile (`entry_denial`); what rests stays one more turn
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
