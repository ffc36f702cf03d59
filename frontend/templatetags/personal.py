"""Times and money as their reader wants them: own time zone, own way to write numbers.

Pages with market data speak UTC for everybody; these tags are for pages about a person.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.contracts import UserView
from frontend.templatetags.formats import MINUS, MISSING, moment

register = template.Library()

# Thousands and decimals by the name that a profile keeps.
MARKS: Final = {"point": (",", "."), "comma": (".", ","), "space": ("\u2009", ",")}
SIGNS: Final = {"usd": "$", "eur": "€", "gbp": "£"}


def zone_of(person: UserView | None) -> ZoneInfo:
    """Return the time zone of a person; UTC for a visitor."""
    return ZoneInfo(person.time_zone if person else "UTC")


def number(x: Decimal | int, decimals: int, person: UserView | None) -> str:
    """Return a number with its thousands and decimals written as this person reads them."""
    thousands, point = MARKS[person.number_format if person else "point"]
    text = f"{abs(x):,.{decimals}f}"
    written = text.replace(",", "T").replace(".", point).replace("T", thousands)
    return (MINUS if x < 0 else "") + written


def local(at: datetime, person: UserView | None) -> str:
    """Return day and time in the person's zone, which is named: 17 Nov 2026, 16:57 CET."""
    there = at.astimezone(zone_of(person))
    shifted = there.replace(tzinfo=UTC).timestamp() * 1000
    return moment(shifted).removesuffix("UTC") + (there.tzname() or "UTC")


@register.simple_tag
def money(amount: Decimal | None, currency: str, person: UserView | None = None) -> str:
    """Return an exact amount: $59.99, or 59.99 CHF where a currency has no sign here."""
    if amount is None:
        return MISSING
    text = number(abs(amount), 2, person)
    sign = SIGNS.get(currency.lower())
    less = MINUS if amount < 0 else ""
    return f"{less}{sign}{text}" if sign else f"{less}{text} {currency.upper()}"


@register.simple_tag
def when(at: datetime | None, person: UserView | None = None) -> SafeString | str:
    """Return a moment in the person's zone, with UTC in the tooltip."""
    if at is None:
        return MISSING
    utc = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        moment(utc.timestamp() * 1000),
        local(at, person),
    )


@register.simple_tag
def day(at: datetime | None, person: UserView | None = None) -> SafeString | str:
    """Return a day in the person's zone, with the exact moment in UTC in the tooltip."""
    if at is None:
        return MISSING
    utc = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        moment(utc.timestamp() * 1000),
        local(at, person).split(",")[0],
    )
