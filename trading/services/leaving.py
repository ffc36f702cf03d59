"""Somebody goes for good: what is open is closed first, by the executor, with a key that still works."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from trading.contracts import AccountState
from trading.models import BotSettings, Trade, TradingAccount
from trading.selectors.standing import HELD
from trading.services import manual


def end_of(user_id: UUID) -> bool:
    """Ask for everything of a person to be closed; say whether nothing is open any more.

    What hangs on a revoked account counts as over: no key of ours reaches it. A trade that stands
    parked waits for somebody of staff, and so does the deletion.
    """
    reachable = (
        TradingAccount.objects.for_user(user_id)
        .exclude(state=AccountState.REVOKED.value)
        .values_list("pk", flat=True)
    )
    with transaction.atomic():
        now = timezone.now()
        bots = BotSettings.objects.for_user(user_id).filter(is_automatic=True)
        bots.update(is_automatic=False, changed_at=now)
        waiting = Trade.objects.for_user(user_id).filter(account_id__in=list(reachable))
        for trade in waiting.filter(state__in=(*HELD, *manual.WAITING)).select_for_update():
            manual.ask_to_close(trade, now)
    return not waiting.filter(state__in=HELD).exists()
