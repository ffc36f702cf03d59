"""The chart of the front door, drawn on the server: real candles and one signal's levels.

It is part of the page's HTML, so it is there before any script and costs no further request.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

WIDTH: Final = 1160
HEIGHT: Final = 330
_TOP: Final = 14
_BOTTOM: Final = 28
_RIGHT: Final = 132
N_CANDLES: Final = 96
_LEAST: Final = 12
"""Fewer candles are no chart."""
_LABEL: Final = 13
"""Lines nearer than this share a place: the later label is left out."""

Candle = Sequence[float]
"""Opening time in seconds, open, high, low, close."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One candle in the drawing's own units."""

    x: float
    middle: float
    width: float
    top: float
    bottom: float
    body: float
    body_height: float
    is_up: bool


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the drawing."""

    y: float
    kind: str
    """up, down, zone or ink: the class of its line."""
    name: str
    """TP1 to TP3, Stop, Entry or now; empty where another label stands too near."""
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A drawing of WIDTH × HEIGHT, and the sentence that says the same."""

    bars: tuple[Bar, ...]
    levels: tuple[Level, ...]
    zone: tuple[float, float] | None
    """Upper edge and height of the entry zone."""
    begins: float
    """Where the signal's levels start: the candle of its issue."""
    ends: float
    since_s: float
    until_s: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """Return how wide the signal's levels reach."""
        return round(self.ends - self.begins, 1)

    @property
    def label_x(self) -> float:
        """Return where the words beside the lines begin."""
        return self.ends + 6

    @property
    def since(self) -> str:
        """Return when the first candle opened."""
        return _iso(self.since_s)

    @property
    def until(self) -> str:
        """Return when the last candle opened."""
        return _iso(self.until_s)


def draw(
    candles: Sequence[Candle],
    signal: dict[str, Any] | None,
    price: float | None,
    texts: dict[str, str],
    issued_s: float | None = None,
) -> Preview | None:
    """Return the drawing; None where too little is stored to draw.

    `texts` has the words beside the lines by their name, in the market's own decimals.
    """
    shown = candles[-N_CANDLES:]
    if len(shown) < _LEAST:
        return None
    values = [float(c[k]) for c in shown for k in (2, 3)] + ([] if price is None else [price])
    values += [value for _, _, value in _lines(signal)]
    low, high = min(values), max(values)
    span = (high - low) or high * 0.001
    low, high = low - span * 0.04, high + span * 0.04

    def y(value: float) -> float:
        return round(_TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM), 1)

    ends = WIDTH - _RIGHT
    step = ends / len(shown)
    levels = [] if price is None else [("now", "ink", price)]
    levels += _lines(signal)
    return Preview(
        bars=tuple(_bar(c, k, step, y) for k, c in enumerate(shown)),
        levels=tuple(_placed(levels, texts, y)),
        zone=_zone(signal, y),
        begins=_begins(shown, issued_s, step),
        ends=ends,
        since_s=shown[0][0],
        until_s=shown[-1][0],
        low=min(float(c[3]) for c in shown),
        high=max(float(c[2]) for c in shown),
    )


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def _lines(signal: dict[str, Any] | None) -> list[tuple[str, str, float]]:
    if signal is None:
        return []
    low, high = float(signal["entry"]["low"]), float(signal["entry"]["high"])
    found = [("Stop", "down", float(signal["stop"])), ("Entry", "zone", (low + high) / 2)]
    return found + [
        (f"TP{number}", "up", float(target["price"]))
        for number, target in enumerate(signal["targets"], 1)
    ]


def _bar(candle: Candle, k: int, step: float, y: Any) -> Bar:
    _, first, high, low, last = (float(value) for value in candle[:5])
    top, bottom = y(max(first, last)), y(min(first, last))
    return Bar(
        x=round(k * step + step * 0.15, 1),
        middle=round(k * step + step / 2, 1),
        width=round(step * 0.7, 1),
        top=y(high),
        bottom=y(low),
        body=top,
        body_height=round(max(1.0, bottom - top), 1),
        is_up=last >= first,
    )


def _placed(
    levels: Sequence[tuple[str, str, float]], texts: dict[str, str], y: Any
) -> Iterator[Level]:
    """Yield the lines, and the labels that have room: price and stop come first."""
    taken: list[float] = []
    for name, kind, value in levels:
        at = y(value)
        has_room = all(abs(at - other) >= _LABEL for other in taken)
        if has_room:
            taken.append(at)
        yield Level(at, kind, name if has_room else "", texts.get(name, "") if has_room else "")


def _zone(signal: dict[str, Any] | None, y: Any) -> tuple[float, float] | None:
    if signal is None:
        return None
    top, bottom = y(float(signal["entry"]["high"])), y(float(signal["entry"]["low"]))
    return top, round(max(2.0, bottom - top), 1)


def _begins(shown: Sequence[Candle], issued_s: float | None, step: float) -> float:
    if issued_s is None:
        return 0.0
    before = sum(1 for candle in shown if candle[0] < issued_s)
    return round(min(max(before - 1, 0), len(shown) - 4) * step, 1)
