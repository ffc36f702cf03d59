"""One model of both sides: the mirror, the columns and what solves them."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from signals.features.base import GROUPS
from signals.features.catalogue import CATALOGUE
from signals.model.learner import (
    LINEAR_ONLY,
    ODD,
    REGIME,
    Moments,
    Weights,
    columns_of,
    mirrored,
    mirrored_edges,
    refine,
)
from signals.model.score import AdditiveScore
from signals.model.splits import quarters

SIZE = CATALOGUE.size


def rows(m: int = 400, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1.2, (m, SIZE))
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


def score_of(theta: np.ndarray, edges: np.ndarray, side: int) -> AdditiveScore:
    nothing = np.zeros((1, len(GROUPS))), np.zeros(1)
    return Weights.of(theta, edges).score(side, 0.1, np.zeros(SIZE), *nothing)


@pytest.fixture
def theta() -> np.ndarray:
    """Weights of a learner: hinges of market-wide columns and pairs of even ones stay at nothing."""
    out = np.random.default_rng(2).normal(0, 0.1, (4 + REGIME.size, SIZE))
    out[1:3, LINEAR_ONLY] = 0.0
    out[4:, ~ODD] = 0.0
    return out.ravel()


def test_a_short_scores_as_a_long_does_in_the_mirror(theta: np.ndarray) -> None:
    X = rows()
    edges = mirrored_edges(X)
    short = np.ones(X.shape[0], dtype=bool)
    long_side, short_side = (score_of(theta, edges, side) for side in range(2))
    np.testing.assert_allclose(short_side.parts(X), long_side.parts(mirrored(X, short)), atol=1e-12)
    assert np.abs(short_side.parts(X) - long_side.parts(X)).max() > 0.1


def test_the_columns_are_the_score_they_become(theta: np.ndarray) -> None:
    X = rows()
    edges = mirrored_edges(X)
    for side in range(2):
        short = np.full(X.shape[0], side == 1)
        found = columns_of(mirrored(X, short), edges) @ theta
        expected = score_of(theta, edges, side).parts(X).sum(axis=1)
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_slope_follows_how_the_market_moves(theta: np.ndarray) -> None:
    place = CATALOGUE.names.index("mom_16")
    score = score_of(theta, np.zeros((2, SIZE)), 0)
    X = np.zeros((2, SIZE))
    X[:, place] = 1.0
    X[1, REGIME[0]] = 2.0
    calm, wild = score.parts(X)[:, place]
    assert wild - calm == pytest.approx(2.0 * score.pairs[place, 0])


def test_sums_of_parts_are_sums_of_the_whole_and_solve_a_ridge() -> None:
    rng = np.random.default_rng(3)
    columns, weight = rng.normal(0, 1, (500, 6)), rng.random(500) + 0.5
    win = (rng.random(500) < 0.5 + 0.1 * np.tanh(columns[:, 0])).astype(float)
    whole = Moments.of(columns, win, weight)
    split = Moments.of(columns[:200], win[:200], weight[:200]) + Moments.of(
        columns[200:], win[200:], weight[200:]
    )
    found = split.ridge(500, (0.01, 1.0))
    for c, theta in whole.ridge(500, (0.01, 1.0)).items():
        np.testing.assert_allclose(found[c], theta, atol=1e-10)
    w = weight / weight.mean()
    centred = columns - np.average(columns, axis=0, weights=w)
    rate = np.average(win, weights=w)
    left = rate * (1 - rate) * (centred * w[:, None]).T @ centred + np.eye(6) / 0.01
    np.testing.assert_allclose(
        found[0.01], np.linalg.solve(left, centred.T @ (w * (win - rate))), atol=1e-8
    )


def test_refined_weights_are_those_of_the_shrunk_logistic() -> None:
    rng = np.random.default_rng(4)
    columns, weight = rng.normal(0, 1, (2_000, 5)), np.ones(2_000)
    chance = 1 / (1 + np.exp(-(0.8 * columns[:, 0] - 0.5 * columns[:, 1])))
    win = (rng.random(2_000) < chance).astype(float)
    start = Moments.of(columns, win, weight).ridge(2_000, (0.05,))[0.05]
    found = refine(start, columns, win, weight, 0.05)
    expected = LogisticRegression(C=0.05, tol=1e-8, max_iter=500).fit(columns, win).coef_[0]
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.abs(start - expected).max() > np.abs(found - expected).max()


def test_quarters_meet_and_end_with_the_calendar_s() -> None:
    def ms(year: int, month: int, day: int) -> int:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)

    windows = list(quarters(ms(2023, 11, 7), ms(2024, 8, 1)))
    edges = [ms(2023, 11, 7), ms(2024, 1, 1), ms(2024, 4, 1), ms(2024, 7, 1), ms(2024, 8, 1)]
    assert [(w.test_from_ms, w.test_to_ms) for w in windows] == list(pairwise(edges))
