"""Geometry of drawings that the server sends: numbers in, lines and boxes of an SVG out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 720
HEIGHT: Final = 240
_LEFT: Final = 52
_RIGHT: Final = 12
_TOP: Final = 12
_BOTTOM: Final = 26
MOST_POINTS: Final = 400


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: where, and the number that stands beside it."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Line:
    """One curve over an axis of order, with its band towards zero."""

    points: str
    """`x,y x,y …` for a polyline."""
    area: str
    """The same, closed along the zero line."""
    ticks: tuple[Tick, ...]
    zero: float
    last: tuple[float, float]
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, and the values it stands for."""

    x: float
    y: float
    width: float
    height: float
    value: float
    n: int
    middle: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A measured rate with its interval, over what was stated."""

    x: float
    y: float
    low: float
    high: float
    left: float
    """Of the box of what was stated."""
    box: float
    """Width of that box."""
    is_thin: bool
    told: dict[str, Any]


def line(points: Sequence[tuple[str, float]], height: int = HEIGHT) -> Line | None:
    """Return a curve of (time, value), thinned to what a screen can show; None below two points."""
    if len(points) < 2:
        return None
    step = max(1, -(-len(points) // MOST_POINTS))
    kept = [*points[::step], *([points[-1]] if (len(points) - 1) % step else [])]
    low = min(0.0, *(value for _, value in kept))
    high = max(0.0, *(value for _, value in kept))
    span = (high - low) or 1.0
    inner = height - _TOP - _BOTTOM

    def y(value: float) -> float:
        return round(_TOP + (high - value) / span * inner, 1)

    across = (WIDTH - _LEFT - _RIGHT) / (len(kept) - 1)
    placed = [(round(_LEFT + k * across, 1), y(value)) for k, (_, value) in enumerate(kept)]
    text = " ".join(f"{x},{at}" for x, at in placed)
    zero = y(0.0)
    return Line(
        points=text,
        area=f"{_LEFT},{zero} {text} {placed[-1][0]},{zero}",
        ticks=tuple(Tick(y(value), value) for value in ticks(low, high)),
        zero=zero,
        last=placed[-1],
        first_at=kept[0][0],
        last_at=kept[-1][0],
    )


def bars(counted: Sequence[tuple[float, int]], height: int = HEIGHT) -> tuple[Bar, ...]:
    """Return bars of (lower edge, count), equally wide."""
    if not counted:
        return ()
    most = max(n for _, n in counted)
    inner = height - _TOP - _BOTTOM
    width = (WIDTH - _LEFT - _RIGHT) / len(counted)
    out = []
    for k, (edge, n) in enumerate(counted):
        tall = inner * n / most
        x = _LEFT + k * width
        out.append(
            Bar(
                x=round(x + 1, 1),
                y=round(_TOP + inner - tall, 1),
                width=round(max(1.0, width - 2), 1),
                height=round(tall, 1),
                value=edge,
                n=n,
                middle=round(x + width / 2, 1),
            )
        )
    return tuple(out)


def reliability(buckets: Sequence[dict[str, Any]], size: int = 360) -> tuple[Dot, ...]:
    """Return one dot a bucket in a square of 0..1 both ways."""
    inner = size - _LEFT - _RIGHT

    def x(share: float) -> float:
        return round(_LEFT + share * inner, 1)

    def y(share: float) -> float:
        return round(_TOP + (1 - share) * (size - _TOP - _BOTTOM), 1)

    return tuple(
        Dot(
            x=x(bucket["stated"]),
            y=y(bucket["rate"]),
            low=y(bucket["interval"][0]),
            high=y(bucket["interval"][1]),
            left=x(bucket["from"]),
            box=round(x(bucket["to"]) - x(bucket["from"]), 1),
            is_thin=bucket["is_thin"],
            told=bucket,
        )
        for bucket in buckets
    )


def square_ticks(size: int = 360) -> tuple[tuple[float, float, int], ...]:
    """Return (x, y, per cent) of the grid of a reliability square."""
    inner = size - _LEFT - _RIGHT
    tall = size - _TOP - _BOTTOM
    shares = (0, 25, 50, 75, 100)
    return tuple(
        (round(_LEFT + k / 100 * inner, 1), round(_TOP + (1 - k / 100) * tall, 1), k)
        for k in shares
    )


def ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Return round values between two ends: steps of 1, 2 or 5 times a power of ten."""
    span = (high - low) or 1.0
    power = 1.0
    while power * 10 <= span / most:
        power *= 10
    while power > span / most:
        power /= 10
    step = next(s * power for s in (1, 2, 5, 10) if span / (s * power) <= most)
    first = -(-low // step)
    out, k = [], first
    while k * step <= high + 1e-9:
        out.append(round(k * step, 6))
        k += 1
    return tuple(out)
