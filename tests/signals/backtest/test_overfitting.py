"""What choosing among many does to a result, and what is left of it."""

import numpy as np
import pytest

from signals.backtest.overfitting import (
    daily,
    deflated_sharpe,
    overfitting,
    probability_of_overfitting,
    sharpe,
)
from signals.backtest.scores import expected_error, weekly_interval

DAY = 86_400_000


def test_among_ways_without_skill_the_best_of_the_past_is_a_coin_toss() -> None:
    rng = np.random.default_rng(1)
    found = [probability_of_overfitting(rng.normal(0, 1, (400, 20)), 10) for _ in range(20)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.12)


def test_a_way_that_really_is_better_stays_the_best() -> None:
    series = np.random.default_rng(2).normal(0, 1, (400, 20))
    series[:, 3] += 0.4
    assert probability_of_overfitting(series, 10) < 0.02


def test_the_best_of_many_has_to_clear_what_chance_would_have_shown() -> None:
    rng = np.random.default_rng(3)
    series = rng.normal(0, 1, (500, 200))
    ratios = sharpe(series)
    best = int(ratios.argmax())
    assert deflated_sharpe(series[:, best], 0.0, 2) > 0.95, "alone it would look like skill"
    assert deflated_sharpe(series[:, best], float(ratios.std()), 200) < 0.9
    assert deflated_sharpe(series[:, best] + 0.3, float(ratios.std()), 200) > 0.99


def test_a_day_without_a_decision_is_a_day_at_nothing() -> None:
    net, at_ms = np.array([1.0, 3.0, -1.0]), np.array([0, DAY // 2, 2 * DAY])
    np.testing.assert_allclose(daily(net, at_ms, np.arange(4)), [2.0, 0.0, -1.0, 0.0])


def test_a_short_span_tells_nothing() -> None:
    few = (np.ones(3), np.arange(3) * DAY)
    assert overfitting({"a": few, "b": few, "c": few}, "a") == {}


def test_weeks_are_resampled_whole() -> None:
    """Rows of one week that say the same are one bet: the interval does not shrink with them."""
    rng = np.random.default_rng(4)
    weekly = rng.normal(0, 1, 40)
    at_ms = np.arange(40) * 7 * DAY
    once = weekly_interval(weekly, np.ones(40), at_ms)
    often = weekly_interval(np.repeat(weekly, 50), np.ones(2_000), np.repeat(at_ms, 50))
    np.testing.assert_allclose(once, often)
    assert once[0] < weekly.mean() < once[1]


def test_the_calibration_error_is_the_mean_distance_of_stated_and_came() -> None:
    p = np.repeat([0.4, 0.6], 500)
    win = np.concatenate([np.ones(500) * (np.arange(500) % 2), np.arange(500) % 2])
    assert expected_error(p, win, 2) == pytest.approx(0.1)
