"""Announcements of staff: read by every page, so kept in the process for a few seconds."""

from datetime import datetime
from time import monotonic
from typing import Final

from cryptosystems.platform.models import Announcement
from frontend.context import Notice

FRESH_S: Final = 20.0
MOST: Final = 3
_kept: dict[str, tuple[float, tuple[tuple[datetime, datetime, Notice], ...]]] = {}


def running(now: datetime) -> tuple[Notice, ...]:
    """Return what is announced now, newest first, at most three; a new one shows within 20 s."""
    held = _kept.get("all")
    if held is None or monotonic() - held[0] >= FRESH_S:
        rows = Announcement.objects.filter(ends_at__gt=now).order_by("-starts_at")[:50]
        found = tuple((row.starts_at, row.ends_at, Notice(row.text, row.level)) for row in rows)
        held = _kept["all"] = (monotonic(), found)
    return tuple(notice for start, end, notice in held[1] if start <= now < end)[:MOST]


def forget() -> None:
    """Drop what is kept, so that the next page reads anew."""
    _kept.clear()
