"""Numbers and places of the calculators' answers."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from django import template

from frontend.templatetags.formats import date_time
from frontend.tools import words
from frontend.tools.answer import Mark

register = template.Library()

_LANES: Final = (44, 102, 16, 130)
"""Where the name of a mark stands, by its row; its price stands below."""


@register.filter
def amount(value: Decimal, places: int = 2) -> str:
    """Return an exact amount."""
    return words.fixed(value, int(places))


@register.filter
def share_of(value: Decimal) -> str:
    """Return a rate as a percentage."""
    return words.percent(value)


@register.filter
def lane_y(mark: Mark, below: int = 0) -> int:
    """Return the height at which a mark's name stands, or its price `below` it."""
    return _LANES[mark.lane] + int(below)


@register.filter
def moment(at: datetime) -> str:
    """Return day and time, UTC."""
    return date_time(at.isoformat())


@register.filter
def words_of(text: str) -> list[str]:
    """Return the words of a text, to walk over in a template."""
    return text.split()
