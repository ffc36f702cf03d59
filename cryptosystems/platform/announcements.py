"""Sentences that staff put on every page for a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from cryptosystems.platform.models import Announcement

MOST_SHOWN: Final = 3
_WEIGHT: Final = {"bad": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class AnnouncementView:
    """One sentence and how it is drawn."""

    text: str
    level: str
    """info, warn or bad."""
    ends_at: datetime


def current(now: datetime | None = None) -> tuple[AnnouncementView, ...]:
    """Return what is to be shown now, the gravest first, then the newest; three at most."""
    now = now or timezone.now()
    rows = Announcement.objects.filter(starts_at__lte=now, ends_at__gt=now)
    found = sorted(rows.order_by("-starts_at")[:50], key=lambda row: _WEIGHT.get(row.level, 9))
    return tuple(AnnouncementView(row.text, row.level, row.ends_at) for row in found[:MOST_SHOWN])
