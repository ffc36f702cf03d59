"""Chances, their intervals, per-asset weights, and the scores they are judged by."""

import numpy as np
import pytest

from signals.model.adapt import fit_assets
from signals.model.calibration import fit_platt, logistic, venn_abers
from signals.model.evaluate import (
    auc,
    brier,
    calibration_error,
    day_bootstrap,
    log_loss,
    report,
    wilson,
)
from signals.model.score import AdditiveScore, design, quantile_edges
from tests.signals.cases import DAY_MS


def outcomes(logit: np.ndarray, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random(logit.size) < logistic(logit)).astype(float)


def test_platt_finds_the_slope_and_offset_that_made_the_outcomes() -> None:
    logit = np.random.default_rng(2).normal(0, 1, 40_000)
    found = fit_platt(logit, outcomes(0.5 * logit - 0.7))
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.offset == pytest.approx(-0.7, abs=0.03)


def test_confidence_is_earned_few_independent_outcomes_leave_the_base_rate() -> None:
    logit = np.random.default_rng(2).normal(0, 1, 5_000)
    win = outcomes(3 * logit + 1)
    sure = fit_platt(logit, win, rate=0.4)
    careful = fit_platt(logit, win, rate=0.4, n_effective=2.0)
    assert sure.slope > 2.5
    assert careful.slope < 0.5 * sure.slope
    assert abs(careful(np.zeros(1))[0] - 0.4) < abs(sure(np.zeros(1))[0] - 0.4)
    nothing = fit_platt(logit[:0], win[:0], rate=0.4)
    assert nothing(np.array([-3.0, 0.0, 3.0])) == pytest.approx([0.4] * 3)


def test_beyond_what_the_sample_has_seen_nothing_more_is_claimed() -> None:
    logit = np.random.default_rng(2).normal(0, 1, 5_000)
    found = fit_platt(logit, outcomes(logit))
    assert found(np.array([9.0])) == found(np.array([30.0])) == found(np.array([found.highest]))


def test_a_score_that_points_the_wrong_way_is_muted_not_turned() -> None:
    logit = np.random.default_rng(2).normal(0, 1, 5_000)
    found = fit_platt(logit, outcomes(-2 * logit))
    assert found.slope == pytest.approx(0.0, abs=1e-6)


def test_the_venn_abers_interval_holds_the_rate_and_narrows_with_evidence() -> None:
    grid = np.linspace(-1.5, 1.5, 7)
    widths = []
    for size in (200, 5_000):
        logit = np.random.default_rng(size).normal(0, 1, size)
        low, high = venn_abers(logit, outcomes(logit, seed=size), grid)
        assert (low <= high).all()
        assert (np.diff(low) >= 0).all()
        assert (np.diff(high) >= 0).all()
        widths.append(float((high - low).mean()))
        near = np.abs((low + high) / 2 - logistic(grid))
        assert near.max() < 0.25
    assert widths[1] < widths[0]


def pooled(seed: int, flipped: int = -1) -> tuple[np.ndarray, ...]:
    """Return group contributions, wins and assets; for `flipped` the second group misleads."""
    rng = np.random.default_rng(seed)
    n_assets, each = 20, 1_200
    contributions = rng.normal(0, (0.25, 0.25, 0.001), (n_assets * each, 3))
    assets = np.repeat(np.arange(n_assets), each)
    true = contributions.copy()
    true[assets == flipped, 1] *= -1
    return contributions, outcomes(true.sum(axis=1), seed + 50), assets


def fitted(seed: int, flipped: int = -1) -> tuple[np.ndarray, ...]:
    contributions, win, assets = pooled(seed, flipped)
    delta, bias = fit_assets(contributions, 0.0, win, np.ones(win.size), assets, 21)
    return contributions, win, assets, delta, bias


def test_where_assets_do_not_differ_adaptation_vanishes() -> None:
    _, _, _, delta, bias = fitted(3)
    assert np.abs(delta).mean() < 0.15
    assert np.abs(bias).max() < 0.1
    assert (delta[:, 2] == 0).all(), "a group that says nothing is not adapted"
    assert (delta[20] == 0).all(), "an asset without rows gets the market's weights"


def test_an_asset_where_a_group_misleads_has_it_muted_and_is_the_better_for_it() -> None:
    _, _, assets, delta, bias = fitted(4, flipped=7)
    assert delta[7, 1] < -0.7
    assert delta[:, 1].min() >= -1.0, "muted, never turned"
    others = np.delete(np.arange(20), 7)
    assert np.abs(delta[others, 1]).mean() < 0.5
    fresh, win, _ = pooled(5, flipped=7)
    mine = assets == 7
    plain = fresh[mine].sum(axis=1)
    adapted = bias[7] + (fresh[mine] * (1 + delta[7])).sum(axis=1)
    assert log_loss(logistic(adapted), win[mine]) < log_loss(logistic(plain), win[mine]) - 0.005


def test_a_part_is_a_slope_two_hinges_or_what_missing_means() -> None:
    score = AdditiveScore(
        intercept=0.1,
        linear=np.array([1.0]),
        high=np.array([0.5]),
        low=np.array([2.0]),
        missing=np.array([-0.3]),
        edges=np.array([[-1.0], [1.0]]),
        mean=np.array([0.2]),
        groups=np.array([0]),
        asset_group=np.array([[0.5]]),
        asset_bias=np.array([0.05]),
    )
    X = np.array([[0.5], [2.0], [-2.0], [np.nan]])
    expected = np.array([0.5, 2.0 + 0.5, -2.0 + 2.0, -0.3]) - 0.2
    np.testing.assert_allclose(score.parts(X)[:, 0], expected)
    logit, base, parts = score.score(X, np.array([-1, 0, 0, -1]))
    np.testing.assert_allclose(base, [0.1, 0.15, 0.15, 0.1])
    np.testing.assert_allclose(parts[:, 0], expected * np.array([1, 1.5, 1.5, 1]))
    np.testing.assert_allclose(logit, base + parts[:, 0])


def test_the_design_of_the_learner_is_the_score_it_becomes() -> None:
    rng = np.random.default_rng(6)
    X = rng.normal(0, 1, (300, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    edges = quantile_edges(X)
    weights = rng.normal(0, 1, 16)
    linear, high, low, missing = weights.reshape(4, 4)
    score = AdditiveScore(
        0.0, linear, high, low, missing, edges, np.zeros(4), np.zeros(4, dtype=np.int64),
        np.zeros((1, 1)), np.zeros(1),
    )  # fmt: skip
    np.testing.assert_allclose(design(X, edges) @ weights, score.parts(X).sum(axis=1))


def test_auc_is_the_chance_that_a_win_scores_above_a_loss() -> None:
    rng = np.random.default_rng(7)
    score = rng.integers(0, 6, 60).astype(float)
    win = (rng.random(60) < 0.4).astype(float)
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0 for a in score[win > 0] for b in score[win == 0]
    ]
    assert auc(score, win) == pytest.approx(sum(pairs) / len(pairs))
    assert np.isnan(auc(score, np.ones(60)))


def test_scores_of_chances_are_what_their_names_say() -> None:
    p, win = np.array([0.8, 0.4]), np.array([1.0, 0.0])
    assert brier(p, win) == pytest.approx((0.2**2 + 0.4**2) / 2)
    assert log_loss(p, win) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)


def test_calibration_error_is_near_zero_for_true_chances_and_not_for_bold_ones() -> None:
    rng = np.random.default_rng(8)
    p = rng.uniform(0.3, 0.7, 20_000)
    win = (rng.random(p.size) < p).astype(float)
    assert calibration_error(p, win) < 0.012
    assert calibration_error(np.clip(0.5 + 2 * (p - 0.5), 0, 1), win) > 0.08


def test_wilsons_interval_on_published_cases() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3 (no continuity correction).
    for wins, n, low, high in [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:  # fmt: skip
        assert wilson(wins, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_days_that_move_together_widen_an_interval() -> None:
    rng = np.random.default_rng(9)
    days = np.repeat(np.arange(60), 40)
    together = rng.normal(0, 1, 60)[days]
    apart = rng.normal(0, 1, days.size)
    wide = np.diff(day_bootstrap(together, days * DAY_MS))
    narrow = np.diff(day_bootstrap(apart, days * DAY_MS))
    assert wide[0] > 4 * narrow[0]


def test_a_report_measures_skill_against_the_base_rate_of_the_time() -> None:
    rng = np.random.default_rng(10)
    p = rng.uniform(0.35, 0.65, 6_000)
    win = (rng.random(p.size) < p).astype(float)
    net = np.where(win > 0, 1.0, -1.0)
    at = np.arange(p.size) * 3_600_000
    held = report(p, np.full(p.size, 0.5), win, net, at)
    assert held["n"] == 6_000
    assert held["auc"] > 0.56
    assert held["brier_skill"] > 0.01
    assert held["top_5pct_mean_r_low"] <= held["top_5pct_mean_r"] <= held["top_5pct_mean_r_high"]
    assert report(p[:20], p[:20], win[:20], net[:20], at[:20]) == {"n": 20}
