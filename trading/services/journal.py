"""The journal: what happened to a trade or an account, in order, never changed."""

from datetime import datetime
from typing import Any

from django.conf import settings

from trading.models import JournalEntry, Trade, TradingAccount


def note(
    about: Trade | TradingAccount,
    kind: str,
    sentence: str,
    *,
    now: datetime,
    actor: str = "executor",
    details: dict[str, Any] | None = None,
) -> JournalEntry:
    """Write one line, inside the transaction of what it tells. Never put a secret into it."""
    is_trade = isinstance(about, Trade)
    return JournalEntry.objects.add_for(
        about.user_id,
        account_id=about.account_id if isinstance(about, Trade) else about.pk,
        trade_id=about.pk if is_trade else None,
        at=now,
        kind=kind,
        sentence=sentence,
        details=details or {},
        actor=actor,
        release=settings.RELEASE,
    )
