"""The nearest cases: they are alike, they lie before, and there are enough of them."""

import numpy as np
import pytest

from signals.analysis.analogs import HORIZON, LENGTH, nearest


def walk(steps: int, n: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.asarray(100 * np.exp(random.normal(0, 0.01, (steps, n)).cumsum(axis=0)))


def test_a_course_that_was_there_before_is_found_first() -> None:
    closes = walk(600, 3)
    last = 599
    # Symbol 2 went the same way once, at a tenth of the price, and then rose by 8 %.
    closes[300 : 300 + LENGTH, 2] = closes[last - LENGTH + 1 : last + 1, 0] / 10
    closes[300 + LENGTH - 1 + HORIZON, 2] = closes[300 + LENGTH - 1, 2] * 1.08
    found = nearest(closes, 0, last)
    assert found is not None
    best = found.cases[0]
    assert (best.symbol, best.at) == (2, 300 + LENGTH - 1)
    assert best.distance < 1e-6
    assert best.path[-1] == pytest.approx(1.08)
    assert best.move > 0
    assert found.n_searched >= 200


def test_every_case_ended_with_its_outcome_before_the_window_began() -> None:
    closes = walk(500, 2)
    found = nearest(closes, 0, 450)
    assert found is not None
    assert len(found.cases) == 12
    for case in found.cases:
        assert case.at + HORIZON < 450 - LENGTH + 1
    distances = [case.distance for case in found.cases]
    assert distances == sorted(distances)


def test_what_comes_later_changes_nothing() -> None:
    closes = walk(500, 2)
    before = nearest(closes, 1, 400)
    closes[401:] *= 7.0
    after = nearest(closes, 1, 400)
    assert before is not None and after is not None
    assert [(c.symbol, c.at, c.move) for c in before.cases] == [
        (c.symbol, c.at, c.move) for c in after.cases
    ]


def test_cases_of_one_symbol_do_not_overlap() -> None:
    closes = walk(500, 1)
    found = nearest(closes, 0, 499)
    assert found is not None
    places = sorted(case.at for case in found.cases)
    assert min(np.diff(places)) >= HORIZON


def test_too_few_cases_or_a_hole_in_the_window_give_nothing() -> None:
    assert nearest(walk(200, 1), 0, 199) is None  # 121 whole cases
    closes = walk(500, 2)
    closes[495, 0] = np.nan
    assert nearest(closes, 0, 499) is None
    assert nearest(closes, 1, 499) is not None
