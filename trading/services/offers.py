"""Trades that wait for a yes. No answer means no trade."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.bell import ring
from trading.contracts import TradeState
from trading.models import Trade
from trading.services.journal import note


def approve(user_id: UUID, trade_id: UUID, now: datetime | None = None) -> Trade:
    """Say yes to an offered trade; saying it twice is saying it once.

    Raises
    ------
    InvalidInput
        If there is no such offer, or its time is over.
    """
    now = now or timezone.now()
    with transaction.atomic():
        trade = _offer(user_id, trade_id)
        if trade.approved_at is not None:
            return trade
        if trade.state != TradeState.OFFERED.value:
            raise InvalidInput(_("This trade does not wait for an answer any more."))
        if trade.offer_until is not None and now >= trade.offer_until:
            raise InvalidInput(_("The time to answer was over; nothing was sent."))
        trade.approved_at = trade.updated_at = now
        trade.save(update_fields=["approved_at", "updated_at"])
        note(trade, "approved", _("You said yes."), now=now, actor="user")
        ring(user_id)
    return trade


def decline(user_id: UUID, trade_id: UUID, now: datetime | None = None) -> Trade:
    """Say no to an offered trade."""
    now = now or timezone.now()
    with transaction.atomic():
        trade = _offer(user_id, trade_id)
        if trade.state != TradeState.OFFERED.value or trade.approved_at is not None:
            raise InvalidInput(_("This trade does not wait for an answer any more."))
        trade.state, trade.reason = TradeState.SKIPPED.value, "declined"
        trade.sentence = _("You said no.")
        trade.closed_at = trade.updated_at = now
        trade.save(update_fields=["state", "reason", "sentence", "closed_at", "updated_at"])
        note(trade, "declined", trade.sentence, now=now, actor="user")
        ring(user_id)
    return trade


def _offer(user_id: UUID, trade_id: UUID) -> Trade:
    trade = Trade.objects.for_user(user_id).select_for_update().filter(pk=trade_id).first()
    if trade is None:
        raise InvalidInput(_("There is no such trade."))
    return trade
