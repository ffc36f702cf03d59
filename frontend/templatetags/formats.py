"""Numbers, units and times for the first paint: the twin of `static/frontend/js/format.js`.

What the server renders and what the page writes later must be the same text, or the first update
flickers. One table of cases tests both (`tests/frontend/format_cases.json`). Rounding is that of
`Number.prototype.toFixed`: half up, on the exact value of the binary float.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Final

from django import template
from django.utils.translation import gettext, gettext_noop

Known = float | int | str | Decimal
Number = Known | None

register = template.Library()

MINUS: Final = "\u2212"
MISSING: Final = "\u2014"
_THIN: Final = "\u2009"
_EN_DASH: Final = "\u2013"
_MONTHS: Final = (
    gettext_noop("Jan"),
    gettext_noop("Feb"),
    gettext_noop("Mar"),
    gettext_noop("Apr"),
    gettext_noop("May"),
    gettext_noop("Jun"),
    gettext_noop("Jul"),
    gettext_noop("Aug"),
    gettext_noop("Sep"),
    gettext_noop("Oct"),
    gettext_noop("Nov"),
    gettext_noop("Dec"),
)
_ORIGINS: Final = {
    "live": gettext_noop("live"),
    "simulated": gettext_noop("on the simulated market"),
    "replay": gettext_noop("in replay"),
    "backtest": gettext_noop("in the walk-forward back-test"),
}
_STATES: Final = {
    "waiting": gettext_noop("waiting"),
    "in_zone": gettext_noop("open, in entry zone"),
    "filled": gettext_noop("open"),
    "tp1": gettext_noop("open, TP1 hit"),
    "tp2": gettext_noop("open, TP2 hit"),
    "won": gettext_noop("won"),
    "lost": gettext_noop("stopped"),
    "breakeven": gettext_noop("closed at entry"),
    "timed_out": gettext_noop("time limit"),
    "not_entered": gettext_noop("expired, not entered"),
    "void": gettext_noop("void"),
}

_LEVELS: Final = {"Entry": gettext_noop("Entry"), "Stop": gettext_noop("Stop")}


def _number(x: Number) -> float | None:
    if x is None or x == "":
        return None
    try:
        value = float(x)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _digits(size: float, decimals: int) -> str:
    """Return a size (>= 0) with `decimals` places, half up, as `toFixed` gives it."""
    exponent = Decimal(1).scaleb(-decimals)
    return f"{Decimal(size).quantize(exponent, rounding=ROUND_HALF_UP):f}"


@register.filter
def fixed(x: Number, decimals: int = 0) -> str:
    """Return fixed decimals, thousands by comma, a true minus; zero has no sign."""
    value = _number(x)
    if value is None:
        return MISSING
    text = _digits(abs(value), int(decimals))
    whole, _, part = text.partition(".")
    sign = MINUS if value < 0 and float(text) != 0 else ""
    return sign + re.sub(r"\B(?=(\d{3})+(?!\d))", ",", whole) + (f".{part}" if part else "")


@register.filter
def price(x: Number, decimals: int = 2) -> str:
    """Return a price at its tick: always the same number of decimals."""
    return fixed(x, decimals)


def signed(x: Number, decimals: int, unit: str = "") -> str:
    """Return a plus or a true minus; zero has neither."""
    value = _number(x)
    if value is None:
        return MISSING
    plus = "+" if value > 0 and float(_digits(value, decimals)) != 0 else ""
    return plus + fixed(value, decimals) + unit


@register.filter
def change(fraction: Number, decimals: int = 2) -> str:
    """Return a change given as a fraction: +1.84%."""
    value = _number(fraction)
    return MISSING if value is None else signed(value * 100, int(decimals), "%")


@register.filter
def percent(fraction: Number, decimals: int = 0) -> str:
    """Return a share or probability given as a fraction: 58%."""
    value = _number(fraction)
    return MISSING if value is None else fixed(value * 100, int(decimals)) + "%"


@register.filter(name="range")
def interval(ends: Sequence[Number] | None, decimals: int = 0) -> str:
    """Return the ends of an interval of fractions: 53–63."""
    low, high = (_number(ends[0]), _number(ends[1])) if ends else (None, None)
    if low is None or high is None:
        return MISSING
    return f"{fixed(low * 100, int(decimals))}{_EN_DASH}{fixed(high * 100, int(decimals))}"


@register.filter
def funding(fraction: Number) -> str:
    """Return a funding rate given as a fraction: four decimals of a per cent."""
    value = _number(fraction)
    return MISSING if value is None else fixed(value * 100, 4) + "%"


@register.filter(name="R")
def multiple(x: Number, decimals: int = 1) -> str:
    """Return a result in multiples of the risk: +1.9 R."""
    return signed(x, int(decimals), f"{_THIN}R")


@register.filter
def points(x: Number) -> str:
    """Return percentage points: +5.1."""
    return signed(x, 1)


@register.filter
def bps(x: Number) -> str:
    """Return basis points: 6.5 bp."""
    return MISSING if _number(x) is None else f"{fixed(x, 1)} bp"


@register.filter
def usd(x: Number) -> str:
    """Return dollars in short: $46.0M, $7.84B."""
    value = _number(x)
    if value is None:
        return MISSING
    size = abs(value)
    sign = MINUS if value < 0 and float(_digits(size, 0)) != 0 else ""
    for limit, letter, decimals in ((1e9, "B", 2), (1e6, "M", 1), (1e3, "K", 0)):
        if size >= limit:
            return f"{sign}${_digits(size / limit, decimals)}{letter}"
    return f"{sign}${_digits(size, 0)}"


@register.filter
def age(seconds: Number) -> str:
    """Return an age: 0.4 s, 48 s, 4 min, 3 h, 2 d."""
    value = _number(seconds)
    if value is None:
        return MISSING
    s = max(0.0, value)
    for limit, unit, per, decimals in (
        (9.95, "s", 1, 1),
        (99.5, "s", 1, 0),
        (5970, "min", 60, 0),
        (172800, "h", 3600, 0),
    ):
        if s < limit:
            return f"{_digits(s / per, decimals)} {unit}"
    return f"{_digits(s / 86400, 0)} d"


@register.filter
def duration(ms: Number) -> str:
    """Return a duration given in milliseconds: 0.42 ms, 12.3 ms, 140 ms, 2.1 s."""
    value = _number(ms)
    if value is None:
        return MISSING
    x = max(0.0, value)
    for limit, decimals in ((9.995, 2), (99.95, 1), (999.5, 0)):
        if x < limit:
            return f"{_digits(x, decimals)} ms"
    return f"{_digits(x / 1000, 1)} s"


def left(ms: float) -> str:
    """Return the time left: 1:42:07, or 42:07 below an hour."""
    s = max(0, int(ms // 1000))
    rest = f"{s // 60 % 60:02d}:{s % 60:02d}"
    return f"{s // 3600}:{rest}" if s >= 3600 else f"{s // 60}:{s % 60:02d}"


def _at(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def hm(ms: float) -> str:
    """Return hour and minute, UTC."""
    return f"{_at(ms):%H:%M}"


def moment(ms: float) -> str:
    """Return day and time, saying that it is UTC: 17 Nov 2026, 15:57 UTC."""
    at = _at(ms)
    return f"{at.day} {gettext(_MONTHS[at.month - 1])} {at.year}, {at:%H:%M} UTC"


def _ms(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp() * 1000


@register.filter
def clock(iso: str | None) -> str:
    """Return hour and minute of an ISO time, UTC."""
    return MISSING if not iso else hm(_ms(iso))


@register.filter
def seconds(iso: str | None) -> str:
    """Return hour, minute and second of an ISO time, UTC."""
    return "" if not iso else f"{_at(_ms(iso)):%H:%M:%S}"


@register.filter
def until(iso: str | None, now: str | None) -> str:
    """Return the time left from one ISO time to another."""
    return MISSING if not iso or not now else left(_ms(iso) - _ms(now))


@register.filter
def date_time(iso: str | None) -> str:
    """Return day and time of an ISO time, UTC."""
    return MISSING if not iso else moment(_ms(iso))


@register.filter
def count(n: Number) -> str:
    """Return a count: 1,984."""
    return fixed(n, 0)


@register.filter
def tone(x: Number) -> str:
    """Return the class of a signed number: up, down or none."""
    value = _number(x)
    return "" if not value else "up" if value > 0 else "down"


@register.filter
def origin_words(origin: str) -> str:
    """Say where a figure comes from."""
    return gettext(_ORIGINS[origin]) if origin in _ORIGINS else origin


@register.filter
def state_words(state: str) -> str:
    """Say where a signal stands."""
    return gettext(_STATES[state]) if state in _STATES else state


@register.filter
def side_words(side: str) -> str:
    """Say a side in the middle of a sentence."""
    return gettext("long") if side == "long" else gettext("short")


@register.filter
def level_words(level: str) -> str:
    """Say which level of a plan it is: the entry, the stop, or a target by its number."""
    return gettext(_LEVELS[level]) if level in _LEVELS else level
