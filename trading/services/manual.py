"""What somebody does by hand: close a trade, close everything, begin paper anew."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import api as accounts
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform.bell import ring
from trading.contracts import BotMode, TradeState
from trading.models import BotSettings, PaperBook, Trade
from trading.selectors.standing import HELD
from trading.services import after
from trading.services.journal import note
from trading.services.settings import paper_account, settings_of

WAITING = (TradeState.CHOSEN.value, TradeState.OFFERED.value)


def close_trade(user_id: UUID, trade_id: UUID, now: datetime | None = None) -> Trade:
    """Ask for a trade to be closed at market; the lane does it, and goes on until it is flat.

    Nobody ever loses this: it needs no subscription.
    """
    now = now or timezone.now()
    with transaction.atomic():
        trade = Trade.objects.for_user(user_id).select_for_update().filter(pk=trade_id).first()
        if trade is None:
            raise InvalidInput(_("There is no such trade."))
        if TradeState(trade.state).is_final:
            raise InvalidInput(_("This trade has ended."))
        ask_to_close(trade, now)
        ring(user_id)
    return trade


def flatten(user_id: UUID, account_id: UUID, now: datetime | None = None) -> int:
    """Close everything of ours on an account and switch its bot off; return how many trades.

    What waits to be entered is dropped, entries that rest are cancelled, positions are closed.
    """
    now = now or timezone.now()
    with transaction.atomic():
        row = settings_of(user_id, account_id)
        row.mode, row.is_automatic, row.changed_at = BotMode.EXITS_ONLY.value, False, now
        row.save(update_fields=["mode", "is_automatic", "changed_at"])
        held = (
            Trade.objects.for_user(user_id)
            .select_for_update()
            .filter(account_id=account_id, state__in=(*HELD, *WAITING))
        )
        trades = list(held)
        for trade in trades:
            ask_to_close(trade, now)
        sentence = _("You flattened the account: everything of ours is being closed.")
        note(row.account, "flatten", sentence, now=now, actor="user", details={"n": len(trades)})
        accounts.audit(
            "trading_flatten",
            subject_id=user_id,
            actor_id=user_id,
            actor_kind="user",
            details={"account": str(account_id), "n": len(trades)},
        )
        ring(user_id)
    return len(trades)


def ask_to_close(trade: Trade, now: datetime) -> None:
    """Drop what waits to be entered; of the rest ask the executor, once. Inside a transaction."""
    if trade.state in WAITING:
        trade.state, trade.reason = TradeState.SKIPPED.value, "by_hand"
        trade.sentence, trade.closed_at = _("You closed it before it was entered."), now
        trade.updated_at = now
        trade.save(update_fields=["state", "reason", "sentence", "closed_at", "updated_at"])
    elif trade.close_asked_at is None:
        trade.close_asked_at = trade.updated_at = now
        trade.save(update_fields=["close_asked_at", "updated_at"])
        note(trade, "close_asked", _("You asked to close it."), now=now, actor="user")


def resume(user_id: UUID, account_id: UUID, now: datetime | None = None) -> BotSettings:
    """End a pause by hand."""
    now = now or timezone.now()
    with transaction.atomic():
        row = settings_of(user_id, account_id)
        after.resume(row, now)
    return row


def reset_paper(user_id: UUID, now: datetime | None = None) -> None:
    """Begin the paper account anew with its first balance; old trades stay as they are.

    Raises
    ------
    NotAllowed
        While a paper trade is open.
    """
    now = now or timezone.now()
    account = paper_account(user_id, now)
    with transaction.atomic():
        mine = Trade.objects.for_user(user_id).filter(account=account)
        if mine.filter(state__in=(*HELD, *WAITING)).exists():
            raise NotAllowed(_("Close the open paper trades first."))
        book = PaperBook.objects.for_user(user_id).select_for_update().get(account=account)
        book.book, book.version, book.updated_at = {}, book.version + 1, now
        book.save(update_fields=["book", "version", "updated_at"])
        row = settings_of(user_id, account.pk)
        row.equity = row.peak_equity = None
        row.save(update_fields=["equity", "peak_equity"])
        note(account, "paper_reset", _("You began the paper account anew."), now=now, actor="user")
        ring(user_id)
