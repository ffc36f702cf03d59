"""Which streams we listen to, and on which sockets.

Source: Binance, "Important WebSocket Change Notice" (routes since 2026-04-23): books live on
`/public`, everything else here on `/market`; a stream asked for on the wrong route is
acknowledged and never sends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_STREAMS: Final = 200
PUBLIC, MARKET = "public", "market"

ALL_MARKS: Final = "!markPrice@arr@1s"
ALL_FORCED: Final = "!forceOrder@arr"


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


def plan_sockets(symbols: Sequence[str], most: int = MOST_STREAMS) -> list[SocketPlan]:
    """Return sockets that carry every stream of `symbols`, at most `most` streams each."""
    market = [ALL_MARKS, ALL_FORCED, *(kline_stream(symbol) for symbol in symbols)]
    public = [book_stream(symbol) for symbol in symbols]
    plans = []
    for route, streams in ((MARKET, market), (PUBLIC, public)):
        for first in range(0, len(streams), most):
            plans.append(SocketPlan(route, tuple(streams[first : first + most])))
    return plans


def deadline_s(stream: str) -> float | None:
    """Return within how many real seconds a stream must first speak; None where silence is normal."""
    if stream == ALL_FORCED:
        return None
    return 10.0 if stream == ALL_MARKS else 30.0


def limit_s(stream: str) -> float | None:
    """Return after how many real seconds of silence a stream counts as dead; None: never."""
    if stream == ALL_FORCED:
        return None
    if stream == ALL_MARKS:
        return 10.0
    return 90.0 if "@kline_" in stream else 15.0
