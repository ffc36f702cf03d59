"""The words every room shares, told as examples."""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptosystems.kernel.clock import to_datetime, to_ms
from cryptosystems.kernel.decimals import (
    from_float,
    parse_decimal,
    plain,
    round_to_step,
    round_to_tick,
)
from cryptosystems.kernel.identifiers import GENESIS, canonical_json, chain_hash, deterministic_id
from cryptosystems.kernel.instruments import Bracket, Side, liquidation_price
from cryptosystems.kernel.retry import Backoff
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe

SMALL = (Bracket(0, 1e12, 125, 0.004, 0.0),)


def test_a_price_is_rounded_to_the_tick_in_the_asked_direction() -> None:
    tick = Decimal("0.10")
    assert round_to_tick(Decimal("100.17"), tick) == Decimal("100.20")
    assert round_to_tick(Decimal("100.17"), tick, "down") == Decimal("100.10")
    assert round_to_tick(Decimal("100.11"), tick, "up") == Decimal("100.20")


def test_a_quantity_is_never_rounded_up() -> None:
    assert round_to_step(Decimal("0.0199"), Decimal("0.001")) == Decimal("0.019")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e", "", "12,5"])
def test_what_is_not_a_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_decimal(text)


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_a_float_becomes_the_shortest_decimal_that_reads_back_as_it(value: float) -> None:
    assert float(plain(from_float(value))) == value


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_candles_of_a_timeframe_tile_the_time(timeframe: Timeframe) -> None:
    at_ms = 1_764_000_123_456
    open_ms = timeframe.open_of(at_ms)
    assert open_ms <= at_ms < timeframe.close_of(open_ms)
    assert timeframe.open_of(timeframe.close_of(open_ms)) == timeframe.close_of(open_ms)


def test_times_go_to_datetimes_and_back_and_a_naive_one_is_refused() -> None:
    at = datetime(2026, 11, 24, 12, 0, 0, 123_000, tzinfo=UTC)
    assert to_datetime(to_ms(at)) == at
    with pytest.raises(ValueError, match="time zone"):
        to_ms(at.replace(tzinfo=None))


def test_the_chain_binds_each_row_to_the_one_before() -> None:
    first = chain_hash(GENESIS, canonical_json({"b": 1, "a": 2}))
    assert first == chain_hash(GENESIS, canonical_json({"a": 2, "b": 1}))
    assert first != chain_hash(first, canonical_json({"a": 2, "b": 1}))


def test_nan_has_no_place_in_canonical_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"p": float("nan")})


def test_the_same_parts_give_the_same_id() -> None:
    assert deterministic_id("BTCUSDT", 1) == deterministic_id("BTCUSDT", 1)
    assert deterministic_id("BTCUSDT", 1) != deterministic_id("BTCUSDT", 2)


def test_liquidation_prices_agree_with_worked_examples() -> None:
    """Worked by hand from the exchange's published formula."""
    assert liquidation_price(SMALL, Side.LONG, 67_000, 1, 10) == pytest.approx(60_542.17, abs=0.01)
    assert liquidation_price(SMALL, Side.SHORT, 67_000, 0.5, 25) == pytest.approx(
        69_402.39, abs=0.01
    )


@given(st.floats(2, 100), st.floats(0.001, 10), st.sampled_from(list(Side)))
def test_more_leverage_brings_liquidation_nearer(
    leverage: float, quantity: float, side: Side
) -> None:
    near = liquidation_price(SMALL, side, 1000.0, quantity, leverage * 1.2)
    far = liquidation_price(SMALL, side, 1000.0, quantity, leverage)
    assert abs(near - 1000) < abs(far - 1000)


def test_pauses_grow_to_a_cap_and_are_spread() -> None:
    backoff = Backoff(first_s=1, cap_s=8, max_tries=3)
    random = Random(7)
    assert all(backoff.pause_s(attempt, random) <= 8 for attempt in range(40))
    assert len({backoff.pause_s(5, random) for _ in range(20)}) == 20
    assert not backoff.is_exhausted(2)
    assert backoff.is_exhausted(3)
