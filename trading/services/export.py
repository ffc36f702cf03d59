"""A file of somebody's trades: how far it goes back, how often one is taken, and the log of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import api as accounts
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform import throttles
from trading.contracts import TradeLine
from trading.selectors import trades

LONGEST: Final = timedelta(days=366)
MOST: Final = 50_000
"""Trades in one file."""


@dataclass(frozen=True, slots=True)
class TradeFile:
    """How many trades there are, and the trades, which are read while they are sent."""

    n: int
    lines: Iterator[TradeLine]


def open_file(
    user_id: UUID, *, account_id: UUID | None = None, now: datetime | None = None
) -> TradeFile:
    """Return the trades of the last 366 days, the newest first. One's own data: no plan is needed.

    Raises
    ------
    InvalidInput
        If the file would be too long.
    Throttled
        If the person has taken as many files this hour as one may.
    """
    now = now or timezone.now()
    since = now - LONGEST
    n = trades.count_since(user_id, since, account_id)
    if n > MOST:
        raise InvalidInput(
            f"These are {n:,} trades; a file holds at most {MOST:,}. Ask for one account."
        )
    # Last, so that only a file that is really sent takes one of the hour's.
    throttles.spend(f"export:{user_id}", settings.EXPORTS_AN_HOUR, window_s=throttles.HOUR_S)
    with transaction.atomic():
        accounts.audit(
            "trades_exported",
            subject_id=user_id,
            actor_id=user_id,
            actor_kind="user",
            details={"rows": n, "account": str(account_id) if account_id else None},
        )
    return TradeFile(n, trades.lines_since(user_id, since, account_id, most=n))
