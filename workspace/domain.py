"""What may be kept, and when an alert goes off. Pure: no rows, no clock."""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from cryptosystems.kernel.errors import InvalidInput
from workspace.contracts import AlertKind, Observation

MOST_DRAWINGS: Final = 100
MOST_LAYOUTS: Final = 20
MOST_LISTS: Final = 10
MOST_WATCHED: Final = 300
MOST_ALERTS: Final = 50
"""Alerts of one person that wait; those that have gone off do not count."""
DRAWING_KINDS: Final = ("line", "ray", "box", "fib", "ruler")
PANELS: Final = ("markets", "chart", "dock", "signal", "feed")
HIDABLE: Final = ("markets", "dock", "signal", "feed")
SLOTS: Final = ("left", "top", "bottom", "side", "foot")
LAYERS: Final = ("heat", "profile", "signal", "liq", "draw", "marks")
TIMEFRAMES: Final = ("1m", "5m", "15m", "1h", "4h", "1d")
SIZES: Final = {"left": (240, 560), "right": (280, 640), "dock": (120, 640), "foot": (120, 640)}
CHARTS: Final = (1, 2, 4)
TABS: Final = ("factors", "gates", "book", "funding", "corr", "analogs", "profile")
SYMBOL: Final = re.compile(r"^[A-Z0-9]{2,32}$")
_ID: Final = re.compile(r"^[a-z0-9-]{1,24}$")
_FIRST_S, _LAST_S = 1_000_000_000, 10_000_000_000


def symbol_of(value: Any) -> str:
    """Return a symbol, or refuse it."""
    if not isinstance(value, str) or not SYMBOL.fullmatch(value):
        raise InvalidInput(f"symbol is a name such as BTCUSDT; got {str(value)[:20]!r}")
    return value


def name_of(value: Any, most: int = 40) -> str:
    """Return a name of one line, or refuse it."""
    if not isinstance(value, str):
        raise InvalidInput(f"name is a text of 1 to {most} characters")
    text = " ".join(value.split())
    if not 1 <= len(text) <= most or not text.isprintable():
        raise InvalidInput(f"name is a text of 1 to {most} characters; got {len(text)}")
    return text


def drawings_of(value: Any) -> list[dict[str, Any]]:
    """Return drawings with nothing in them but what a chart draws.

    Raises
    ------
    InvalidInput
        With the first thing that is not usable.
    """
    if not isinstance(value, list) or len(value) > MOST_DRAWINGS:
        raise InvalidInput(f"items is a list of at most {MOST_DRAWINGS} drawings")
    found = [_drawing(item) for item in value]
    if len({item["id"] for item in found}) != len(found):
        raise InvalidInput("each drawing has an id of its own")
    return found


def _drawing(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict) or set(item) != {"id", "kind", "points"}:
        raise InvalidInput("a drawing has id, kind and points")
    if not isinstance(item["id"], str) or not _ID.fullmatch(item["id"]):
        raise InvalidInput("the id of a drawing is 1 to 24 of a to z, 0 to 9 and -")
    if item["kind"] not in DRAWING_KINDS:
        raise InvalidInput(f"the kind of a drawing is one of {', '.join(DRAWING_KINDS)}")
    points = item["points"]
    if not isinstance(points, list) or len(points) != 2:
        raise InvalidInput("a drawing has two points")
    return {"id": item["id"], "kind": item["kind"], "points": [_point(point) for point in points]}


def _point(point: Any) -> list[float]:
    if not isinstance(point, list) or len(point) != 2 or not all(map(_is_number, point)):
        raise InvalidInput("a point is [seconds since 1970, price]")
    at, price = point
    if not _FIRST_S <= at <= _LAST_S or not 0 < price < 1e15:
        raise InvalidInput("a point is [seconds since 1970, price above 0]")
    return [at, price]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def layout_of(value: Any) -> dict[str, Any]:
    """Return a layout with every part checked; what is left out stays as the page has it."""
    if not isinstance(value, dict):
        raise InvalidInput("body is one JSON object")
    readers: Mapping[str, Any] = {
        "slots": _slots,
        "sizes": _sizes,
        "hidden": lambda v: _some_of(v, HIDABLE, "hidden"),
        "layers": lambda v: _some_of(v, LAYERS, "layers"),
        "charts": _charts,
        "symbol": symbol_of,
        "timeframe": lambda v: _one(v, TIMEFRAMES, "timeframe"),
        "tab": lambda v: _one(v, TABS, "tab"),
    }
    strange = sorted(set(value) - set(readers))
    if strange:
        known = ", ".join(readers)
        raise InvalidInput(f"a layout knows {known}; got {str(strange[0])[:40]!r}")
    return {name: readers[name](inner) for name, inner in value.items()}


def _slots(value: Any) -> dict[str, str]:
    if (
        not isinstance(value, dict)
        or set(value) != set(PANELS)
        or not all(isinstance(slot, str) for slot in value.values())
        or set(value.values()) != set(SLOTS)
    ):
        raise InvalidInput(
            f"slots puts each of {', '.join(PANELS)} into one of {', '.join(SLOTS)}, one each"
        )
    return dict(value)


def _sizes(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not set(value) <= set(SIZES):
        raise InvalidInput(f"sizes knows {', '.join(SIZES)}")
    for name, pixels in value.items():
        low, high = SIZES[name]
        if not _is_number(pixels) or not low <= pixels <= high:
            raise InvalidInput(f"the size {name} is {low} to {high} pixels")
    return {name: round(pixels) for name, pixels in value.items()}


def _some_of(value: Any, allowed: Sequence[str], what: str) -> list[str]:
    if not isinstance(value, list) or any(one not in allowed for one in value):
        raise InvalidInput(f"{what} is a list of {', '.join(allowed)}")
    return sorted(set(value))


def _one(value: Any, allowed: Sequence[str], what: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInput(f"{what} is one of {', '.join(allowed)}")
    return value


def _charts(value: Any) -> list[dict[str, str]]:
    """Return the charts beside the first: symbol and timeframe of each."""
    if not isinstance(value, list) or len(value) + 1 not in CHARTS:
        raise InvalidInput("charts lists those beside the first: none, one or three")
    for chart in value:
        if not isinstance(chart, dict) or set(chart) != {"symbol", "timeframe"}:
            raise InvalidInput("a chart has symbol and timeframe")
    return [
        {
            "symbol": symbol_of(chart["symbol"]),
            "timeframe": _one(chart["timeframe"], TIMEFRAMES, "timeframe"),
        }
        for chart in value
    ]


def lists_of(value: Any) -> list[tuple[str, list[str]]]:
    """Return watch-lists: names with their symbols, each once, in the order given."""
    if not isinstance(value, list) or len(value) > MOST_LISTS:
        raise InvalidInput(f"lists holds at most {MOST_LISTS} watch-lists")
    found = []
    for item in value:
        if not isinstance(item, dict) or set(item) != {"name", "symbols"}:
            raise InvalidInput("a watch-list has name and symbols")
        symbols = item["symbols"]
        if not isinstance(symbols, list) or len(symbols) > MOST_WATCHED:
            raise InvalidInput(f"symbols is a list of at most {MOST_WATCHED}")
        found.append((name_of(item["name"]), list(dict.fromkeys(map(symbol_of, symbols)))))
    if len({name for name, _ in found}) != len(found):
        raise InvalidInput("each watch-list has a name of its own")
    return found


def level_of(kind: AlertKind, value: Any) -> Decimal | None:
    """Return the level an alert waits at: a price, a rate, or none for a signal."""
    if kind is AlertKind.SIGNAL:
        if value is not None:
            raise InvalidInput("an alert for a signal has no level")
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", value):
        raise InvalidInput("level is a number as text, such as 61200.5 or -0.0001")
    level = Decimal(value)
    if kind in (AlertKind.PRICE_ABOVE, AlertKind.PRICE_BELOW):
        if level <= 0:
            raise InvalidInput(f"a price is above 0, got {value}")
    elif abs(level) > 1:
        raise InvalidInput(f"a funding rate is a share, such as 0.0001; got {value}")
    return level


def fires(kind: AlertKind, level: Decimal | None, seen: Observation) -> Decimal | None:
    """Return the value at which an alert on a price or a rate goes off, or None.

    A price that touched the level between two looks counts: the extremes since the last look are
    asked, not only the price now.
    """
    if level is None:
        return None
    if kind is AlertKind.PRICE_ABOVE:
        top = max((p for p in (seen.high, seen.price) if p is not None), default=None)
        return top if top is not None and top >= level else None
    if kind is AlertKind.PRICE_BELOW:
        bottom = min((p for p in (seen.low, seen.price) if p is not None), default=None)
        return bottom if bottom is not None and bottom <= level else None
    rate = seen.funding_rate
    if rate is None:
        return None
    reached = rate >= level if kind is AlertKind.FUNDING_ABOVE else rate <= level
    return rate if reached else None
