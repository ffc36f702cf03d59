"""What is planted is found, where nothing is nothing is said, and who knows the future is caught."""

from functools import partial

import pytest

from signals.backtest.leaks import leaking_factors, too_good
from signals.backtest.planted import World, candles_of, features_of
from signals.services.truth import examine, summary


def test_planted_effects_are_found_and_become_signals_that_win() -> None:
    told = summary(examine(World(0.35, 2, steps=1_300, symbols=12), blocks=1))
    assert told["auc"] > 0.56
    assert told["brier_skill"] > 0.01
    assert told["issued"] >= 20
    assert told["win_rate"] > 0.55
    assert told["net_r"] > 0.05
    assert 1.8 <= told["planned_reward_risk"] <= 2.5


def test_on_a_martingale_the_base_rate_is_stated_and_almost_nothing_is_issued() -> None:
    told = summary(examine(World(0.0, 1, steps=1_300, symbols=12), blocks=1))
    assert told["stated_mean"] == pytest.approx(told["base_mean"], abs=0.015)
    assert told["stated_sd"] <= 0.02
    assert told["issued_share"] < 0.01


def test_a_planted_leak_is_found_by_changing_the_future() -> None:
    history = candles_of(World(0.0, 1, steps=260, symbols=3))
    assert leaking_factors(history, features_of, 200) == []
    assert leaking_factors(history, partial(features_of, leak=0.5), 200) == ["mom_4"]


def test_figures_that_are_too_good_are_called_so() -> None:
    assert too_good(0.67, 0.0)
    assert too_good(0.55, 0.03)
    assert not too_good(0.55, 0.01)
    assert not too_good(None, None)
