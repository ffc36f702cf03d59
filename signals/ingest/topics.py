"""Which streams we listen to, and on which sockets.

Source: Binance, "Important WebSocket Change Notice" (routes since 2026-04-23): books live on
`/public`, everything else here on `/market`; a stream asked for on the wrong route is
acknowledged and never sends.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

MOST_STREAMS: Final = 200
PUBLIC, MARKET = "public", "market"

ALL_MARKS: Final = "!markPrice@arr@1s"
ALL_FORCED: Final = "!forceOrder@arr"
_FIRST_S: Final = 15.0
_BOOK_S: Final = 15.0
_KLINE_S: Final = 90.0
_MARKS_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class SocketPlan:
    """One socket: its route, and streams in the order they are asked for."""

    route: str
    streams: tuple[str, ...]


def kline_stream(symbol: str) -> str:
    return f"{symbol.lower()}@kline_1m"


def book_stream(symbol: str) -> str:
    return f"{symbol.lower()}@depth20@500ms"


def diff_stream(symbol: str) -> str:
    return f"{symbol.lower()}@depth@500ms"


def streams_of(symbols: Sequence[str], deep: Collection[str] = ()) -> dict[str, list[str]]:
    """Return the streams of each route; a symbol in `deep` is followed by diffs of its book."""
    return {
        MARKET: [ALL_MARKS, ALL_FORCED, *(kline_stream(symbol) for symbol in symbols)],
        PUBLIC: [diff_stream(s) if s in deep else book_stream(s) for s in symbols],
    }


def plan_sockets(
    symbols: Sequence[str], deep: Collection[str] = (), most: int = MOST_STREAMS
) -> list[SocketPlan]:
    """Return sockets that carry every stream of `symbols`, at most `most` streams each."""
    plans = []
    for route, streams in streams_of(symbols, deep).items():
        for first in range(0, len(streams), most):
            plans.append(SocketPlan(route, tuple(streams[first : first + most])))
    return plans


def deadline_s(stream: str) -> float | None:
    """Return within how many real seconds a stream must first speak; None where silence is normal."""
    if stream.endswith(ALL_FORCED):
        return None
    return _MARKS_S if stream == ALL_MARKS else _FIRST_S


def limit_s(stream: str) -> float | None:
    """Return after how many real seconds of silence a stream counts as stale; None: never."""
    if stream == ALL_FORCED:
        return None
    if stream == ALL_MARKS:
        return _MARKS_S
    return _KLINE_S if "@kline_" in stream else _BOOK_S
