"""Last, so that nobody waits: what the engine missed while it was dead, two minutes later."""

from typing import Final

import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS
from tests.journeys.conftest import N_SYMBOLS, Product
from tests.support.waiting import wait_until

HOUR_MS: Final = 60 * MINUTE_MS


def test_a_killed_engine_leaves_no_candle_out_and_none_twice(
    product: Product, killed_in: dict[str, int]
) -> None:
    minute = killed_in.get("minute")
    if minute is None:  # this file was run alone: it only looks at what another test left
        pytest.skip("no engine was killed: run tests/journeys/test_product.py too")
    # Two minutes past the crash: one the engine missed while it was down, one it followed live.
    wait_until(lambda: product.last_minute() >= minute + 2 * MINUTE_MS, 180.0, every_s=0.5)

    until = product.last_minute()
    since = until - 2 * HOUR_MS
    symbols = [name for (name,) in product.stored("SELECT symbol FROM signals_instrument")]
    assert len(symbols) == N_SYMBOLS
    for symbol in symbols:
        told = product.exchange(
            "/fapi/v1/klines", symbol=symbol, interval="1m", startTime=since, endTime=until
        )
        kept = product.stored(
            "SELECT open_ms, open, high, low, close, volume, quote_volume, n_trades,"
            " taker_buy_volume FROM signals_candle WHERE symbol = ? AND timeframe = '1m'"
            " AND open_ms BETWEEN ? AND ? ORDER BY open_ms",
            symbol,
            since,
            until,
        )
        assert len(told) == 121
        assert kept == [
            (row[0], *(float(row[i]) for i in (1, 2, 3, 4, 5, 7, 8, 9))) for row in told
        ]
        [(count, first, last)] = product.stored(
            "SELECT count(*), min(open_ms), max(open_ms) FROM signals_candle"
            " WHERE symbol = ? AND timeframe = '1m' AND open_ms <= ?",
            symbol,
            until,
        )
        assert count == (last - first) // MINUTE_MS + 1
