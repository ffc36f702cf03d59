"""Closed candles: stored once, never changed, a marked gap replaced by the real thing."""

import numpy as np
import pytest

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.models import Candle
from signals.store.candles import newest_open_ms, prune_candles, read_candles, store_candles
from tests.support.setups import AT_MS

pytestmark = pytest.mark.django_db

MINUTE = 60_000
FIRST = (100.0, 101.0, 99.0, 100.5, 10.0, 1_000.0, 6.0, 40.0)
OTHER = (100.0, 109.0, 99.0, 108.0, 99.0, 9_900.0, 60.0, 90.0)
GAP = (float("nan"),) * 8


def store(*rows: tuple[int, tuple[float, ...]]) -> None:
    store_candles(
        Origin.SIMULATED,
        Timeframe.M1,
        [("BTCUSDT", AT_MS + minute * MINUTE, values) for minute, values in rows],
    )


def held() -> list[tuple[float, ...]]:
    _, values = read_candles(Origin.SIMULATED, Timeframe.M1, "BTCUSDT", 100)
    return [tuple(row) for row in values.tolist()]


def test_a_candle_that_comes_three_times_is_one_row() -> None:
    store((0, FIRST), (0, FIRST))
    store((0, FIRST))
    assert held() == [FIRST]


def test_a_closed_candle_is_immutable() -> None:
    store((0, FIRST))
    store((0, OTHER))
    assert held() == [FIRST]


def test_a_gap_gives_way_to_the_real_candle_and_never_the_other_way_round() -> None:
    store((0, GAP), (1, FIRST))
    assert Candle.objects.filter(is_gap=True).count() == 1
    assert np.isnan(held()[0]).all()
    store((0, OTHER), (1, GAP))
    assert held() == [OTHER, FIRST]


def test_origins_have_candles_of_their_own() -> None:
    store((0, FIRST))
    store_candles(Origin.LIVE, Timeframe.M1, [("BTCUSDT", AT_MS, OTHER)])
    assert held() == [FIRST]


def test_the_newest_is_known_by_symbol_and_old_ones_can_go() -> None:
    store((0, FIRST), (1, FIRST), (2, OTHER))
    known = newest_open_ms(Origin.SIMULATED, Timeframe.M1, ["BTCUSDT", "ETHUSDT"])
    assert known == {"BTCUSDT": AT_MS + 2 * MINUTE}
    assert prune_candles(Origin.SIMULATED, Timeframe.M1, AT_MS + 2 * MINUTE) == 2
    assert held() == [OTHER]
