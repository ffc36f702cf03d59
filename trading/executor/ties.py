"""What the executor takes from the services of the room, in one place."""

from datetime import datetime
from typing import Any

from django.conf import settings

from trading.contracts import StopMode
from trading.models import JournalEntry, Trade, TradingAccount


def note(
    about: Trade | TradingAccount,
    kind: str,
    sentence: str,
    *,
    actor: str = "executor",
    details: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Write one line of the journal."""
    is_trade = isinstance(about, Trade)
    JournalEntry.objects.add_for(
        about.user_id,
        account_id=about.account_id if isinstance(about, Trade) else about.pk,
        trade_id=about.pk if is_trade else None,
        at=now,
        kind=kind,
        sentence=sentence,
        details=details or {},
        actor=actor,
        release=getattr(settings, "RELEASE", ""),
    )


def entry_denial(trade: Trade, now: datetime) -> Any:
    return None


def choose_for_bots(signal: Any, now: datetime) -> list[Any]:
    return []


def stop_mode(account: TradingAccount, symbol: str, model_version: str) -> StopMode | None:
    return None


def trade_closed(trade: Trade, now: datetime) -> None:
    return None


def tell_key_lost(account: TradingAccount, now: datetime) -> None:
    return None


def make_plan(row: Trade, account: Any, rules: Any, quote: Any, now_ms: int) -> Any:
    raise NotImplementedError
