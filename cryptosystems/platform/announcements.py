"""Sentences that staff put on every page for a time.

Every page reads them, so they are kept in the process for a few seconds.
"""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

from django.utils import timezone

from cryptosystems.platform.models import Announcement

MOST_SHOWN: Final = 3
FRESH_S: Final = 20.0
"""How long a new announcement may take to be seen everywhere."""
_MOST_KEPT: Final = 50
_WEIGHT: Final = {"bad": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class AnnouncementView:
    """One sentence and how it is drawn."""

    text: str
    level: str
    """info, warn or bad."""
    starts_at: datetime
    ends_at: datetime


_kept: dict[str, tuple[float, tuple[AnnouncementView, ...]]] = {}


def current(now: datetime | None = None) -> tuple[AnnouncementView, ...]:
    """Return what is to be shown now, the gravest first, then the newest; three at most."""
    now = now or timezone.now()
    return tuple(one for one in _read(now) if one.starts_at <= now < one.ends_at)[:MOST_SHOWN]


def forget() -> None:
    """Drop what is kept, so that the next page reads anew."""
    _kept.clear()


def _read(now: datetime) -> tuple[AnnouncementView, ...]:
    held = _kept.get("all")
    if held is None or monotonic() - held[0] >= FRESH_S:
        rows = Announcement.objects.filter(ends_at__gt=now).order_by("-starts_at")[:_MOST_KEPT]
        found = sorted(rows, key=lambda row: _WEIGHT.get(row.level, len(_WEIGHT)))
        views = (AnnouncementView(row.text, row.level, row.starts_at, row.ends_at) for row in found)
        held = _kept["all"] = (monotonic(), tuple(views))
    return held[1]
