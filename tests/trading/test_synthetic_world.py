"""The synthetic market is like a real one where it matters, and always the same from a seed.

Bands are the quartiles measured on real perpetuals, widened by half; the world is short so
that the test is, which is why the bands of tails are wide.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import Side, liquidation_price
from tests.support.servers import START_MS
from trading.simulator.effects import PRESETS, Effects
from trading.simulator.funding import funding_rate
from trading.simulator.kernel import O_PREMIUM, O_RET
from trading.simulator.world import SyntheticWorld

FloatArray = NDArray[np.float64]
N, DAYS = 8, 20


def make(
    effects: str = "demo", *, n: int = 3, hours: float = 6.0, **options: object
) -> SyntheticWorld:
    span = int(hours * 3_600_000)
    return SyntheticWorld(
        n=n, seed=7, effects=PRESETS[effects](), start_ms=START_MS - span, now_ms=START_MS,
        **options,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def world() -> Iterator[SyntheticWorld]:
    yield make("mild", n=N, hours=24 * DAYS)


@pytest.fixture(scope="module")
def returns(world: SyntheticWorld) -> FloatArray:
    """Log returns of every minute, (n, minutes)."""
    closes = np.stack([world.tape.rows(i)[:, 3] for i in range(world.n)]).astype(float)
    return np.diff(np.log(closes), axis=1)


def over(returns: FloatArray, minutes: int) -> FloatArray:
    whole = returns.shape[1] // minutes * minutes
    return returns[:, :whole].reshape(returns.shape[0], -1, minutes).sum(axis=2)


def kurtosis(x: FloatArray) -> FloatArray:
    z = x - x.mean(axis=1, keepdims=True)
    return (z**4).mean(axis=1) / (z**2).mean(axis=1) ** 2 - 3.0


def correlation(x: FloatArray, lag: int) -> FloatArray:
    z = x - x.mean(axis=1, keepdims=True)
    return (z[:, lag:] * z[:, :-lag]).mean(axis=1) / (z**2).mean(axis=1)


def test_tails_are_fat_and_thin_out_with_the_horizon(returns: FloatArray) -> None:
    one, five, sixty = (float(np.median(kurtosis(over(returns, k)))) for k in (1, 5, 60))
    assert one > five > sixty > 0.5
    assert 5 < one < 330


def test_a_minute_says_next_to_nothing_about_the_next(returns: FloatArray) -> None:
    assert (np.abs(correlation(returns, 1)) < 0.07).all()


def test_quiet_follows_quiet_for_hours(returns: FloatArray) -> None:
    for lag, least in ((1, 0.12), (10, 0.08), (60, 0.05)):
        assert np.median(correlation(np.abs(returns), lag)) > least


def test_the_tail_index_is_that_of_real_markets(returns: FloatArray) -> None:
    tail = np.sort(np.abs(returns), axis=1)[:, -returns.shape[1] // 100 :]
    hill = 1.0 / np.log(tail[:, 1:] / tail[:, :1]).mean(axis=1)
    assert 2.3 < float(np.median(hill)) < 4.8


def test_alts_follow_bitcoin_with_a_beta_above_one(returns: FloatArray) -> None:
    hourly = over(returns, 60)
    lead = hourly[0]
    beta = [np.cov(hourly[i], lead)[0, 1] / lead.var() for i in range(1, N)]
    linked = [np.corrcoef(hourly[i], lead)[0, 1] for i in range(1, N)]
    assert 0.9 < np.median(beta) < 1.5
    assert 0.4 < np.median(linked) < 0.85


def test_alts_lag_bitcoin_by_one_step_and_only_where_it_is_planted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, steps = SyntheticWorld._account, []

    def watch(self: SyntheticWorld, segments: FloatArray, minute_ms: int) -> list[int]:
        steps.append(segments[:, :, O_RET].copy())
        return account(self, segments, minute_ms)

    monkeypatch.setattr(SyntheticWorld, "_account", watch)

    def lagged(effects: str) -> float:
        steps.clear()
        make(effects, n=6, hours=48)
        moves = np.concatenate(steps, axis=1)
        follow = [np.corrcoef(moves[i, 1:], moves[0, :-1])[0, 1] for i in range(1, 6)]
        return float(np.median(follow))

    assert 0.05 < lagged("demo") < 0.2
    assert abs(lagged("none")) < 0.03


def test_the_us_session_is_busier_than_the_asian_night(returns: FloatArray) -> None:
    minutes = START_MS // 60_000 - returns.shape[1] + np.arange(returns.shape[1])
    hour = (minutes // 60) % 24
    busy = np.abs(returns)[:, (hour >= 13) & (hour < 18)].mean()
    calm = np.abs(returns)[:, (hour >= 3) & (hour < 11)].mean()
    assert busy / calm > 1.1


def test_the_null_is_a_martingale_by_its_variance_ratio() -> None:
    world = make("none", n=8, hours=24 * 10)
    closes = np.stack([world.tape.rows(i)[:, 3] for i in range(8)]).astype(float)
    moves = np.diff(np.log(closes), axis=1)
    ratio = over(moves, 30).var(axis=1) / (30 * moves.var(axis=1))
    assert 0.9 < float(np.median(ratio)) < 1.1
    assert world.effects == Effects.none()


def test_what_is_held_long_equals_what_is_held_short_equals_open_interest(
    world: SyntheticWorld,
) -> None:
    long, short = world.open_sides()
    interest = world._outs[:, 0, 6]
    np.testing.assert_allclose(long, short, rtol=1e-9)
    np.testing.assert_allclose(long, interest, rtol=1e-9)


def test_funding_is_the_published_formula_over_the_premiums_that_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Recomputed on its own, from every premium sample of a whole interval."""
    samples: list[FloatArray] = []
    account = SyntheticWorld._account

    def watch(self: SyntheticWorld, segments: FloatArray, minute_ms: int) -> list[int]:
        samples.extend(segments[:, s, O_PREMIUM].copy() for s in range(segments.shape[1]))
        return account(self, segments, minute_ms)

    monkeypatch.setattr(SyntheticWorld, "_account", watch)
    world = make(n=4, hours=11 + 8)  # from midnight on: both intervals are whole
    settled = {at: rate for at, rate, _ in world.funding_history(0)}
    eight, sixteen = START_MS - 11 * 3_600_000, START_MS - 3 * 3_600_000
    assert set(settled) == {eight, sixteen}
    for place, hours, cap in ((0, 8, 0.003), (3, 4, 0.02)):
        told = [(at, rate) for at, rate, _ in world.funding_history(place)]
        n = hours * 240
        for at, rate in told:
            last = (at - world.start_ms) // 15_000
            taken = [samples[k][place] for k in range(last - n, last)]
            weights = range(1, n + 1)
            average = sum(w * p for w, p in zip(weights, taken, strict=True)) / sum(weights)
            clamped = max(-0.0005, min(0.0005, 0.0001 - average))
            expected = max(-cap, min(cap, (average + clamped) / (8 / hours)))
            assert rate == pytest.approx(expected, abs=5.1e-9)
        assert len(told) == 16 // hours


def test_the_formula_clamps_and_caps() -> None:
    hours, cap = np.full(3, 8.0), np.full(3, 0.003)
    premium = np.array([0.0, 0.002, -0.01])
    np.testing.assert_allclose(funding_rate(premium, hours, cap), [0.0001, 0.0015, -0.003])


def test_holders_are_liquidated_where_the_formula_says(world: SyntheticWorld) -> None:
    """A ten-times long opened now stands in the truth near the kernel's own liquidation price."""
    rules = world.rules[0]
    price = float(world.columns.price[0])
    exact = liquidation_price(rules.brackets, Side.LONG, price, 0.1, 10.0)
    truth = world.truth(0)
    prices, long = np.array(truth["price"]), np.array(truth["long"])
    near = np.abs(prices / exact - 1) < 0.02
    assert long[near].sum() > 0
    assert long[prices > price * 1.001].sum() == 0, "no long is liquidated above the price"
    assert np.array(truth["short"])[prices < price * 0.999].sum() == 0


def test_the_same_seed_makes_the_same_tape_however_it_is_cut() -> None:
    whole = make(hours=6)
    grown = make(hours=6)
    parts = SyntheticWorld(
        n=3, seed=7, effects=PRESETS["demo"](), start_ms=START_MS - 6 * 3_600_000,
        now_ms=START_MS - 2 * 3_600_000,
    )  # fmt: skip
    for at_ms in range(START_MS - 2 * 3_600_000, START_MS + 1, 7_000):
        parts.advance(at_ms)
    parts.advance(START_MS)
    for i in range(3):
        assert np.array_equal(whole.tape.rows(i), grown.tape.rows(i))
        assert np.array_equal(whole.tape.rows(i), parts.tape.rows(i))


def test_a_restart_goes_on_with_the_same_tape(tmp_path: Path) -> None:
    first = make(hours=3, data_dir=tmp_path)
    first.checkpoint()
    first.advance(START_MS + 10 * 60_000)
    kept = [first.tape.rows(i).copy() for i in range(3)]
    later = START_MS + 30 * 60_000
    again = SyntheticWorld(
        n=3, seed=7, effects=PRESETS["demo"](), start_ms=later - 3_600_000, now_ms=later,
        data_dir=tmp_path,
    )  # fmt: skip
    first.advance(later)
    assert again.info()["restored"] and again.start_ms == first.start_ms
    for i in range(3):
        assert np.array_equal(again.tape.rows(i)[: kept[i].shape[0]], kept[i])
        assert np.array_equal(again.tape.rows(i), first.tape.rows(i))
    assert again.funding_history(0) == first.funding_history(0)


def test_books_lean_the_way_the_pressure_goes(world: SyntheticWorld) -> None:
    from trading.simulator.book import make_book

    tilts, sums = [], []
    for i in range(world.n):
        bids, asks = make_book(world.columns, i, world.scales[i], 1)
        bid, ask = sum(s for _, s in bids[:20]), sum(s for _, s in asks[:20])
        tilts.append(float(world.columns.imbalance[i]))
        sums.append((bid - ask) / (bid + ask))
    assert np.corrcoef(tilts, sums)[0, 1] > 0.5
