"""A file of signals for one person: who may, how long it may be, how often, and the log of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import api as accounts
from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform import throttles
from signals.selectors import export
from signals.selectors.visibility import sees_live

LONGEST: Final = timedelta(days=366)
MOST: Final = 50_000
"""Rows in one file."""


@dataclass(frozen=True, slots=True)
class SignalFile:
    """What was asked for, and its rows, which are read while they are sent."""

    wanted: export.Wanted
    n: int
    rows: Iterator[tuple[Any, ...]]


def open_file(
    user_id: UUID,
    *,
    origin: str,
    state: str | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
) -> SignalFile:
    """Return a file of signals; without times it holds the last 366 days.

    Raises
    ------
    NotAllowed
        If the person's state does not open exports.
    InvalidInput
        If the times do not fit, or the file would be too long.
    Throttled
        If the person has taken as many files this hour as one may.
    """
    now = now or timezone.now()
    billing.require(user_id, Feature.EXPORT, now)
    since, until = _span(since, until, now)
    wanted = export.Wanted(origin, since, until, state, symbol, timeframe)
    viewer = export.Viewer(sees_live(user_id, now), now)
    n = export.count(wanted, viewer)
    if n > MOST:
        raise InvalidInput(
            f"These are {n:,} signals; a file holds at most {MOST:,}. "
            "Ask for a shorter time, one symbol or one timeframe."
        )
    # Last, so that only a file that is really sent takes one of the hour's.
    throttles.spend(f"export:{user_id}", settings.EXPORTS_AN_HOUR, window_s=throttles.HOUR_S)
    with transaction.atomic():
        accounts.audit(
            "signals_exported",
            subject_id=user_id,
            actor_id=user_id,
            actor_kind="user",
            details={"rows": n},
        )
    return SignalFile(wanted, n, export.rows(wanted, viewer, n))


def _span(
    since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    until = now if until is None else until
    since = until - LONGEST if since is None else since
    if since >= until:
        raise InvalidInput(
            f"since ({since:%Y-%m-%d %H:%M} UTC) has to lie before until "
            f"({until:%Y-%m-%d %H:%M} UTC, which is now where it is left out)."
        )
    if until - since > LONGEST:
        raise InvalidInput(
            f"A file covers at most {LONGEST.days} days; these are "
            f"{-(-(until - since) // timedelta(days=1)):,}. Ask for them in parts."
        )
    return since, until
