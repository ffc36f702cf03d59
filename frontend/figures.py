"""Measured records for pages that sell: kept for a minute, and silent where n is small."""

from time import monotonic
from typing import Any, Final

from frontend.context import Measured
from signals import api

ENOUGH: Final = 100
"""With fewer settled signals no rate is stated: too few to tell."""
FRESH_S: Final = 60.0
_kept: dict[str, tuple[float, Measured]] = {}


def measured(origin: str) -> Measured:
    """Return the record of one origin; at most a minute old."""
    held = _kept.get(origin)
    if held is None or monotonic() - held[0] >= FRESH_S:
        held = _kept[origin] = (monotonic(), _read(api.track_record(origin)))
    return held[1]


def backtest() -> Measured | None:
    """Return the walk-forward record, which is never added to another; None without one."""
    found = measured("backtest")
    return found if found.n else None


def forget() -> None:
    """Drop what is kept, so that the next page reads anew."""
    _kept.clear()


def _read(record: dict[str, Any]) -> Measured:
    return Measured(
        origin=record["origin"],
        n=record["n"],
        is_enough=record["n"] >= ENOUGH,
        win_rate=record["win_rate"],
        interval=_pair(record["interval"]),
        mean_r=record["mean_r"],
        mean_r_interval=_pair(record["mean_r_interval"]),
    )


def _pair(ends: list[float] | None) -> tuple[float, float] | None:
    return None if ends is None else (ends[0], ends[1])
