"""Analogs: alike paths are found, few of them say little, and only what has ended speaks."""

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.analogs import AHEAD, CASES, LEAST, PATH, REACH, Analogs, shape_of
from signals.features.catalogue import CATALOGUE
from signals.features.history import run_history
from signals.market.history import History
from tests.signals.cases import random_history

PLACE = CATALOGUE.names.index("analog")


def wave(k: int, rng: np.random.Generator, rising: bool) -> np.ndarray:
    """Return closes of one of two shapes, each with its own sequel: up after one, down after the
    other."""
    path = np.sin(np.linspace(0, np.pi * (2 if rising else 3), PATH + 1)) * 0.03
    sequel = path[-1] + np.linspace(0, 0.05 if rising else -0.05, AHEAD + 1)[1:]
    return np.concatenate([path, sequel])[:, None] + rng.normal(0, 0.001, (REACH, 1))


def test_a_path_is_answered_by_what_followed_its_likes() -> None:
    rng = np.random.default_rng(1)
    book = Analogs(1)
    for k in range(200):
        book.absorb(wave(k, rng, k % 2 == 0))
    for rising, sign in ((True, 1), (False, -1)):
        asked = wave(999, rng, rising)[: PATH + 1]
        answer = float(book.ask(asked, book.count)[0])
        _, sigma = shape_of(asked)
        whole = sign * 0.05 / (float(sigma[0]) * AHEAD**0.5)
        assert answer / whole > 0.5
        assert answer / whole < 100 / 150 + 0.05, "a hundred cases are believed by two thirds"


def test_few_cases_say_nothing_and_the_unlike_say_nothing_much() -> None:
    rng = np.random.default_rng(2)
    book = Analogs(1)
    for k in range(LEAST - 1):
        book.absorb(wave(k, rng, True))
    assert np.isnan(book.ask(wave(0, rng, True)[: PATH + 1], book.count)).all()
    book.absorb(wave(9, rng, True))
    told = book.ask(wave(0, rng, True)[: PATH + 1], book.count)
    unlike = book.ask(wave(0, rng, False)[: PATH + 1], book.count)
    assert abs(unlike[0]) < abs(told[0])


def test_the_memory_is_bounded_and_an_answer_can_be_given_again_as_it_was() -> None:
    rng = np.random.default_rng(3)
    book = Analogs(2)
    asked = rng.normal(0, 0.01, (PATH + 1, 2)).cumsum(axis=0)
    for _ in range(CASES + 40):
        book.absorb(rng.normal(0, 0.01, (REACH, 2)).cumsum(axis=0))
    before, count = book.ask(asked, book.count), book.count
    book.absorb(rng.normal(0, 0.01, (REACH, 2)).cumsum(axis=0))
    np.testing.assert_array_equal(book.ask(asked, count), before)
    assert not np.array_equal(book.ask(asked, book.count), before)


def test_a_hole_in_a_path_is_no_case_and_gets_no_answer() -> None:
    rng = np.random.default_rng(4)
    book = Analogs(2)
    for k in range(20):
        closes = np.hstack([wave(k, rng, True), wave(k, rng, True)])
        closes[5, 1] = np.nan
        book.absorb(closes)
    answer = book.ask(np.hstack([wave(0, rng, True)] * 2)[: PATH + 1], book.count)
    assert np.isfinite(answer[0])
    assert np.isnan(answer[1])


@pytest.mark.parametrize("cut", [150, 201, 240])
def test_only_cases_that_have_ended_speak(cut: int) -> None:
    whole = random_history(260, 2, Timeframe.H1, seed=5)
    candles = whole.candles.copy()
    candles[cut:, :4] *= np.linspace(1.0, 1.5, 260 - cut)[:, None, None]
    other = History(whole.symbols, Timeframe.H1, whole.open_ms, candles)
    first, second = (run_history(h, Timeframe.H1).X[:, :, PLACE] for h in (whole, other))
    np.testing.assert_array_equal(first[:cut], second[:cut])
    assert np.isfinite(first[cut - 1]).all()
