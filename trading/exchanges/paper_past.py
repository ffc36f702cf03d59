"""What the market did while a paper account was not looked at, from candles of the exchange.

Within a candle the order of its extremes is not known: the one that hurts comes first, and a stop
that it reaches is filled there, at the candle's worst price. So a paper account never fares better
for our having been away. What happened in the candle that was already running is not seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trading.domain.venue import Quote
from trading.exchanges import wire
from trading.exchanges.client import FuturesClient
from trading.exchanges.outcomes import read_json
from trading.exchanges.port import ReadFailed

_MINUTE_MS: Final = 60_000
_INTERVALS: Final = (("1m", 1), ("5m", 5), ("15m", 15), ("1h", 60), ("4h", 240), ("1d", 1_440))
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle of trades and of the mark price; times ms, end not included."""

    open_ms: int
    end_ms: int
    high: Decimal
    low: Decimal
    close: Decimal
    mark_high: Decimal
    mark_low: Decimal
    mark_close: Decimal


@dataclass(frozen=True, slots=True)
class Settlement:
    """Funding that was settled."""

    at_ms: int
    rate: Decimal
    mark: Decimal | None


async def candles(client: FuturesClient, symbol: str, since_ms: int, now_ms: int) -> list[Candle]:
    """Return the ended candles that began at or after `since_ms`, the oldest first.

    Raises
    ------
    ReadFailed
        If the exchange did not tell.
    """
    minutes = max(1, (now_ms - since_ms) // _MINUTE_MS)
    interval, length = next(
        ((name, n) for name, n in _INTERVALS if minutes <= n * (_MOST - 2)), _INTERVALS[-1]
    )
    length_ms = length * _MINUTE_MS
    first = -(-since_ms // length_ms) * length_ms
    if first + length_ms > now_ms:
        return []
    params = {"symbol": symbol, "interval": interval, "startTime": first, "limit": _MOST}
    trades = await _rows(client, "fapiPublicGetKlines", params)
    marks = {row[0]: row for row in await _rows(client, "fapiPublicGetMarkPriceKlines", params)}
    found = []
    for row in trades:
        mark = marks.get(row[0])
        if mark is None or row[0] + length_ms > now_ms:
            continue
        numbers = [Decimal(str(row[i])) for i in (2, 3, 4)]
        mark_numbers = [Decimal(str(mark[i])) for i in (2, 3, 4)]
        found.append(Candle(row[0], row[0] + length_ms, *numbers, *mark_numbers))
    return found


async def settlements(client: FuturesClient, symbol: str, since_ms: int) -> list[Settlement]:
    """Return the funding settled after `since_ms`, the oldest first."""
    params = {"symbol": symbol, "startTime": since_ms + 1, "limit": _MOST}
    return [
        Settlement(
            wire.whole(row, "fundingTime"),
            wire.number(row, "fundingRate"),
            wire.some(row, "markPrice"),
        )
        for row in await _rows(client, "fapiPublicGetFundingRate", params)
    ]


async def _rows(client: FuturesClient, endpoint: str, params: dict[str, Any]) -> list[Any]:
    reply = await client.send(endpoint, params, weight=10, is_signed=False)
    body = read_json(reply.body)
    if reply.status != 200 or not isinstance(body, list):
        raise ReadFailed("the exchange did not tell the past", after_s=reply.retry_after_s)
    return body


def quotes_of(symbol: str, candle: Candle, is_long: bool, tick: Decimal) -> Iterator[Quote]:
    """Yield a candle as quotes: the extreme that hurts, the other one, the close."""
    low = (candle.low, candle.mark_low)
    high = (candle.high, candle.mark_high)
    last = (candle.close, candle.mark_close)
    for price, mark in (low, high, last) if is_long else (high, low, last):
        yield Quote(
            symbol=symbol,
            bid=price,
            ask=price + tick,
            last=price,
            mark=mark,
            high=price,
            low=price,
            at_ms=candle.end_ms - 1,
        )
