"""What the model learns is what the track record counts."""

from itertools import pairwise
from uuid import uuid4

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals import barriers
from signals.market.history import History, Series
from signals.model.labels import Labels, make_labels, uniqueness
from signals.model.splits import purged, walk_forward
from signals.settlement.rules import Change, OpenSignal, SettlementBook
from tests.signals.cases import random_history

M15 = Timeframe.M15
STEPS = 70


@pytest.fixture(scope="module")
def minutes() -> History:
    held = random_history(STEPS * 15, 3, seed=13, sigma=0.002)
    paid_ms = held.open_ms[::180]
    rates = np.random.default_rng(1).normal(2e-4, 5e-4, (paid_ms.size, 3))
    return History(
        held.symbols, held.timeframe, held.open_ms, held.candles, None, Series(paid_ms, rates)
    )


@pytest.fixture(scope="module")
def candles(minutes: History) -> History:
    return minutes.resample(M15)


@pytest.fixture(scope="module")
def atr(candles: History) -> np.ndarray:
    """One symbol with narrow plans, one with usual ones, one with plans that seldom end."""
    return np.array([0.4, 0.9, 3.0]) * candles.candles[:, 3] * 0.01


def settled(
    minutes: History, candles: History, atr: np.ndarray, side: int, at: int, row: int
) -> Change:
    """Settle the plan of a label on 1m candles, with a zone that holds the next open alone."""
    sign = (1, -1)[side]
    entry, risk = float(candles.candles[at + 1, 0, row]), float(1.5 * atr[at, row])
    issued = int(candles.open_ms[at]) + M15.duration_ms
    first, second, third = (entry + sign * r * risk for r in barriers.TARGETS_R)
    book = SettlementBook()
    book.add(
        OpenSignal(
            id=uuid4(), row=row, sign=sign, zone_low=entry, zone_high=entry, reference=entry,
            stop=entry - sign * risk, targets=(first, second, third), issued_ms=issued,
            valid_until_ms=issued + 6 * M15.duration_ms,
            expires_ms=issued + 48 * M15.duration_ms,
        )
    )  # fmt: skip
    for at_ms, rate in zip(minutes.funding.at_ms, minutes.funding.values[:, row], strict=True):
        book.add_funding(row, int(at_ms), float(rate))
    changes: list[Change] = []
    for step in np.nonzero(minutes.open_ms >= issued)[0]:
        changes += book.step(int(minutes.open_ms[step]), minutes.candles[step])
        if not len(book):
            break
    return changes[-1]


def test_labels_equal_settlement_on_the_same_minutes(
    minutes: History, candles: History, atr: np.ndarray
) -> None:
    labels = make_labels(candles, atr, minutes)
    compared, ways = 0, set()
    for at in range(STEPS - barriers.HORIZON):
        for row in range(3):
            for side in range(2):
                change = settled(minutes, candles, atr, side, at, row)
                assert labels.gross_r[side, at, row] == pytest.approx(change.gross_r)
                assert labels.net_r[side, at, row] == pytest.approx(change.net_r)
                assert labels.n_hit[side, at, row] == change.n_hit
                assert labels.win[side, at, row] == (change.net_r > 0)
                assert 0 <= labels.end_ms[side, at, row] - change.at_ms < M15.duration_ms
                compared, _ = compared + 1, ways.add((change.result, change.n_hit))
    assert compared == (STEPS - barriers.HORIZON) * 6
    assert len(ways) >= 5, "the market went all the ways there are"


def test_a_label_needs_its_whole_path_and_an_atr(candles: History, atr: np.ndarray) -> None:
    usable = STEPS - barriers.HORIZON
    holed = candles.candles.copy()
    holed[55, :, 1] = np.nan
    thin = atr.copy()
    thin[3, 2] = np.nan
    labels = make_labels(History(candles.symbols, M15, candles.open_ms, holed), thin)
    known = ~np.isnan(labels.win[0])
    assert known[:usable, 0].all()
    assert not known[usable:].any()
    assert not known[55 - barriers.HORIZON : usable, 1].any(), "a hole within its life"
    assert known[: 55 - barriers.HORIZON, 1].all()
    assert np.nonzero(~known[:usable, 2])[0].tolist() == [3]


def test_without_minutes_a_candle_with_both_ends_counts_as_stopped() -> None:
    steps = barriers.HORIZON + 2
    values = np.tile(
        np.array([100.0, 100.5, 99.5, 100.0, 1, 100, 0.5, 1])[None, :, None], (steps, 1, 1)
    )
    values[2, 1:3, 0] = (120.0, 80.0)
    flat = History(("XUSDT",), M15, np.arange(steps) * M15.duration_ms, values)
    labels = make_labels(flat, np.full((steps, 1), 4.0))
    np.testing.assert_array_equal(labels.win[:, 0, 0], [0.0, 0.0])
    np.testing.assert_allclose(labels.gross_r[:, 0, 0], [-1.0, -1.0])


def test_funding_due_within_its_life_is_charged_to_a_label(
    candles: History, atr: np.ndarray
) -> None:
    free = History(candles.symbols, M15, candles.open_ms, candles.candles)
    with_cost, without = make_labels(candles, atr), make_labels(free, atr)
    difference = without.net_r - with_cost.net_r
    usable = STEPS - barriers.HORIZON
    assert np.nanmax(np.abs(difference)) > 0
    np.testing.assert_allclose(with_cost.gross_r, without.gross_r)
    lives = with_cost.end_ms[:, :usable] - candles.open_ms[:usable, None] - M15.duration_ms
    long_lived = lives > 195 * MINUTE_MS  # payments come every three hours
    assert long_lived.sum() > 20
    assert (np.abs(difference[:, :usable][long_lived]) > 0).all()


def test_a_fair_coin_loses_its_costs() -> None:
    """On a random walk the ladder wins half of the time and gives zero R before costs."""
    history = random_history(6_000, 4, M15, seed=17, sigma=0.01)
    labels = make_labels(history, 0.01 * history.candles[:, 3])
    known = ~np.isnan(labels.win)
    assert np.nanmean(labels.gross_r) == pytest.approx(0.0, abs=0.08)
    assert labels.win[known].mean() == pytest.approx(0.5, abs=0.04)
    assert np.nanmean(labels.net_r) < np.nanmean(labels.gross_r) - 0.05


def test_uniqueness_is_the_share_of_the_time_a_label_is_decided_in() -> None:
    # Three labels of one symbol: 0-1, 1-2 and 5-5; one of another: 0-1.
    weights = uniqueness(np.array([0, 1, 5, 0]), np.array([1, 2, 5, 1]), np.array([0, 0, 0, 1]), 8)
    np.testing.assert_allclose(weights, [1.0, 0.5, 1.0, 1.0])


def test_a_label_s_own_end_does_not_change_its_weight() -> None:
    """Losers end sooner: weighed by their own lives they would teach a rate that is too low."""
    at, column = np.arange(40), np.zeros(40, dtype=np.int64)
    early, late = np.full(40, 6), np.full(40, 6)
    late[20] = 30
    first, second = (uniqueness(at, at + life, column, 80) for life in (early, late))
    assert first[20] == second[20]


def test_only_what_was_decided_before_the_test_may_teach() -> None:
    at, end = np.array([0, 5, 9, 9, 3]), np.array([4, 9, 10, 12, 0])
    np.testing.assert_array_equal(purged(at, end, 10), [True, True, False, False, False])


def test_walk_forward_windows_touch_and_never_look_back() -> None:
    windows = list(walk_forward(0, 1_000, 4, 0.6))
    assert [w.test_from_ms for w in windows] == [600, 700, 800, 900]
    assert all(a.test_to_ms == b.test_from_ms for a, b in pairwise(windows))
    assert all(w.learn_from_ms == 0 and w.test_to_ms > w.test_from_ms for w in windows)
    assert windows[-1].test_to_ms == 1_000
    aligned = list(walk_forward(0, 1_000, 3, 0.5, align_ms=60))
    assert [(w.test_from_ms, w.test_to_ms) for w in aligned] == [
        (480, 660),
        (660, 780),
        (780, 1_000),
    ]


def test_another_future_changes_no_label_that_had_ended(candles: History, atr: np.ndarray) -> None:
    long = random_history(400, 3, M15, seed=30, sigma=0.006)
    thick = np.full((400, 3), 0.6)
    cut = 300
    changed = long.candles.copy()
    changed[cut:] = random_history(400, 3, M15, seed=31).candles[cut:]
    before: Labels = make_labels(long, thick)
    after = make_labels(History(long.symbols, M15, long.open_ms, changed), thick)
    ended = (before.end_ms > 0) & (before.end_ms <= long.open_ms[cut])
    whole = ended & ~np.isnan(before.win)
    assert whole.sum() > 500
    np.testing.assert_array_equal(before.net_r[whole], after.net_r[whole])
