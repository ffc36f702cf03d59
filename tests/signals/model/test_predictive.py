"""What each factor was worth: found where it is planted, nothing on a martingale, no future."""

from dataclasses import replace

import numpy as np
import pytest

from signals.features.catalogue import CATALOGUE
from signals.model.predictive import HORIZONS, predictive_value
from signals.model.train import Lesson, train
from tests.signals.model.worlds import H1, half_way, lesson


def valued(held: Lesson) -> dict:  # type: ignore[type-arg]
    return predictive_value(held.features, held.labels, half_way(held))


def test_momentum_that_is_planted_leads_the_table_with_an_interval_above_nothing() -> None:
    told = valued(lesson(0.35, 2))
    rows = {row["name"]: row for row in told["factors"]}
    best = told["factors"][0]
    assert best["group"] in ("trend", "reversion")
    assert rows["mom_16"]["low"] > 0
    assert rows["mom_16"]["low"] < rows["mom_16"]["ic"] < rows["mom_16"]["high"]
    assert list(rows["mom_16"]["decay"]) == [str(h) for h in HORIZONS]
    strengths = [abs(row["ic"]) for row in told["factors"]]
    assert strengths == sorted(strengths, reverse=True)
    assert "obi_10" not in rows, "no history, no figure"


def test_on_a_martingale_the_intervals_hold_nothing() -> None:
    told = valued(lesson(0.0))
    directed = [row for row in told["factors"] if row["target"] == "direction"]
    holding = [row["low"] <= 0 <= row["high"] for row in directed]
    assert np.mean(holding) > 0.7
    assert max(abs(row["ic"]) for row in directed) < 0.12


def test_a_symbol_s_figure_lies_between_its_own_and_the_market_s() -> None:
    told = valued(lesson(0.35, 2))
    place = told["names"].index("mom_16")
    market = next(row["ic"] for row in told["factors"] if row["name"] == "mom_16")
    own = [values[place] for values in told["symbols"].values()]
    assert set(told["symbols"]) == set(lesson(0.35, 2).features.symbols)
    assert np.std(own) < 0.15
    assert np.mean(own) == pytest.approx(market, abs=0.05)


def test_another_future_changes_no_figure() -> None:
    held = lesson(0.35, 2)
    cut = half_way(held)
    later = held.features.open_ms + H1.duration_ms >= cut
    candles = held.features.history.candles.copy()
    candles[later] *= 3.0
    X = held.features.X.copy()
    X[later] = 4.0
    net_r = np.where(held.labels.end_ms >= cut, 9.0, held.labels.net_r)
    other = Lesson(
        replace(held.features, X=X, history=replace(held.features.history, candles=candles)),
        replace(held.labels, net_r=net_r),
    )
    assert valued(other) == valued(held)


def test_a_model_carries_the_table_of_its_factors() -> None:
    held = lesson(0.12)
    model = train({H1: held}, version="told", before_ms=half_way(held), tell_factors=True)
    assert model is not None
    rows = model.card["predictive_value"]["1h"]["factors"]
    assert {row["name"] for row in rows} <= set(CATALOGUE.names)
    assert len(rows) > 20
