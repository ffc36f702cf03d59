"""Moments in the reader's own time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template

from frontend.templatetags.formats import MISSING

register = template.Library()


@register.filter
def in_zone(at: datetime | None, zone: str = "UTC") -> str:
    """Return “25 Nov 2026, 10:42 CET”: a moment in a zone, with the zone's short name."""
    if at is None:
        return MISSING
    local = at.astimezone(ZoneInfo(zone or "UTC"))
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}"
