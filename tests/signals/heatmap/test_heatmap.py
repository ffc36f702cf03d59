"""Estimated liquidation levels: born with open interest, decaying, consumed when crossed."""

import numpy as np
import pytest

from cryptosystems.kernel.instruments import Side, liquidation_price
from cryptosystems.kernel.timeframes import Timeframe
from signals.heatmap import grid, levels
from signals.heatmap.grid import AT_RISK, BIN, N_BINS, TURNOVER, Heatmap
from signals.heatmap.levels import EDGES, N_CLASSES, class_weights
from tests.signals.cases import START_MS, rules

OI = 10_000.0


def step(
    heatmap: Heatmap,
    *,
    close: float = 100.0,
    high: float | None = None,
    low: float | None = None,
    interest: float = OI,
    volume: float = 0.0,
    share: float = 0.5,
    rows: tuple[int, ...] = (0,),
) -> None:
    n = heatmap.n
    picked = np.zeros(n, dtype=bool)
    picked[list(rows)] = True
    full = (
        np.full(n, value) for value in (high or close, low or close, close, interest, volume, share)
    )
    heatmap.update(picked, START_MS, *full)


def masses(heatmap: Heatmap, row: int = 0) -> np.ndarray:
    """Return (2, bins) of what is held, base quantity."""
    return heatmap.mass[row] * heatmap._scale[row][:, None]


def prices(heatmap: Heatmap, row: int = 0) -> np.ndarray:
    """Return the price of each place of the ring, nearest to the newest close."""
    here = int(np.floor(heatmap._log_price[row] / BIN))
    offset = (np.arange(N_BINS) - here + N_BINS // 2) % N_BINS - N_BINS // 2
    return np.exp((here + offset + 0.5) * BIN)


def started(**told: float) -> Heatmap:
    heatmap = Heatmap([rules()])
    step(heatmap, **told)
    return heatmap


def test_what_is_open_at_first_is_laid_down_whole_on_both_sides() -> None:
    heatmap = started()
    inside = class_weights(rules()).sum(axis=2)
    for side in range(2):
        share = 0.5 * inside[side, 0] + 0.5 * inside[side, 1]
        assert masses(heatmap)[side].sum() == pytest.approx(OI * AT_RISK * share)


def test_longs_lie_below_the_price_and_shorts_above() -> None:
    heatmap = started()
    price, (longs, shorts) = prices(heatmap), masses(heatmap)
    assert longs[price > 100.0 * (1 + BIN)].sum() == 0
    assert shorts[price < 100.0 * (1 - BIN)].sum() == 0
    assert longs.sum() > 0
    assert shorts.sum() > 0


@pytest.mark.parametrize("side", [0, 1], ids=["long", "short"])
@pytest.mark.parametrize("leverage", [5.0, 10.0, 25.0, 50.0])
def test_a_single_leverage_is_laid_at_its_exact_liquidation_price(
    monkeypatch: pytest.MonkeyPatch, leverage: float, side: int
) -> None:
    monkeypatch.setattr(levels, "LEVERAGES", (leverage,))
    monkeypatch.setattr(levels, "TAKER_MIX", (1.0,))
    monkeypatch.setattr(levels, "_JITTER", 1e-9)
    heatmap = started()
    exact = liquidation_price(
        rules().brackets, (Side.LONG, Side.SHORT)[side], 100.0, 20.0, leverage
    )
    mass, price = masses(heatmap)[side], prices(heatmap)
    distance = abs(exact / 100.0 - 1)
    place = int(np.searchsorted(EDGES, distance)) - 1
    low, high = EDGES[place], EDGES[place + 1]
    away = np.abs(price / 100.0 - 1)
    inside = (away >= low - 0.002) & (away <= high + 0.002)
    assert mass[inside].sum() == pytest.approx(mass.sum()), "all of it in the class of its distance"
    assert mass.sum() == pytest.approx(OI * AT_RISK)
    centre = (mass * price).sum() / mass.sum()
    assert abs(centre / exact - 1) < (high - low) / 2 + BIN


def test_leverage_the_symbol_does_not_offer_is_not_assumed() -> None:
    low, full = class_weights(rules(most=20)), class_weights(rules())
    nearest = abs(liquidation_price(rules().brackets, Side.LONG, 1.0, 2_000.0, 20.0) - 1)
    near = EDGES[1:] < nearest * 0.7
    assert low[0][:, near].sum() == pytest.approx(0.0, abs=1e-12)
    assert full[0][:, near].sum() > 0.1
    assert low.shape == (2, 2, N_CLASSES)


def test_makers_stand_farther_away_than_takers() -> None:
    weights = class_weights(rules())
    centre = np.sqrt(EDGES[1:] * EDGES[:-1])
    taker, maker = ((weights[0, role] * centre).sum() / weights[0, role].sum() for role in range(2))
    assert maker > taker


def test_new_interest_adds_mass_and_buying_takers_more_of_it_near_the_long_side() -> None:
    calm, grown = started(), started()
    step(calm)
    step(grown, interest=OI * 1.1)
    added = masses(grown) - masses(calm)
    assert (added >= -1e-12).all()
    assert added.sum() == pytest.approx(0.1 * masses(calm).sum(), rel=1e-6)
    bought, sold = started(), started()
    step(bought, interest=OI * 1.1, share=1.0)
    step(sold, interest=OI * 1.1, share=0.0)
    near = np.abs(prices(bought) / 100 - 1) < 0.03
    assert masses(bought)[0, near].sum() > masses(sold)[0, near].sum()
    assert masses(bought)[1, near].sum() < masses(sold)[1, near].sum()


def test_turnover_replaces_what_was_open_and_keeps_the_whole() -> None:
    heatmap = started()
    before = masses(heatmap).sum()
    volume = 1_000.0
    step(heatmap, close=103.0, low=103.0, high=103.0, volume=volume)
    opened = TURNOVER * volume
    kept = 1 - opened / OI
    crossed = masses(heatmap)[1, (prices(heatmap) < 103.0 * (1 - BIN))]
    assert crossed.sum() == 0
    longs = masses(heatmap)[0].sum()
    inside = class_weights(rules()).sum(axis=2)[0].mean()
    assert longs == pytest.approx((before / 2 * kept) + opened * AT_RISK * inside, rel=0.02)


def test_levels_halve_as_positions_close() -> None:
    heatmap = started()
    before = masses(heatmap).copy()
    step(heatmap, interest=OI * 0.9)
    np.testing.assert_allclose(masses(heatmap), before * (1 - 0.1 / 0.9), rtol=1e-9)


def test_what_the_price_crosses_is_consumed_and_what_it_does_not_reach_stays() -> None:
    heatmap = started()
    before, price = masses(heatmap).copy(), prices(heatmap)
    step(heatmap, close=99.0, low=95.0, high=100.0)
    after = masses(heatmap)
    crossed = (price > 95.1) & (price < 99.9)
    beyond = price < 94.9
    assert before[0, crossed].sum() > 0
    assert after[0, crossed].sum() == 0
    np.testing.assert_allclose(after[0, beyond], before[0, beyond])
    np.testing.assert_allclose(after[1], before[1])


def test_a_bin_crossed_in_part_loses_that_part() -> None:
    heatmap = started()
    here = int(np.floor(np.log(100.0) / BIN))
    place = (here - 40) % N_BINS
    before = masses(heatmap)[0, place]
    low = float(np.exp((here - 40 + 0.75) * BIN))
    step(heatmap, low=low)
    assert masses(heatmap)[0, place] == pytest.approx(0.75 * before)


def test_no_long_level_is_left_above_the_close_nor_short_below_it() -> None:
    rng = np.random.default_rng(3)
    heatmap, price = Heatmap([rules()]), 100.0
    for _ in range(300):
        new = price * float(np.exp(rng.normal(0, 0.004)))
        high, low = max(price, new) * 1.002, min(price, new) * 0.998
        step(heatmap, close=new, high=high, low=low, interest=OI * float(rng.uniform(0.9, 1.1)),
             volume=500.0)  # fmt: skip
        price = new
        at = prices(heatmap)
        longs, shorts = masses(heatmap)
        assert longs[at > price * (1 + 2 * BIN)].sum() == 0
        assert shorts[at < price * (1 - 2 * BIN)].sum() == 0
        assert (masses(heatmap) >= 0).all()
        assert masses(heatmap).sum() < 2 * OI * 1.1 * AT_RISK


def test_without_open_interest_there_is_no_map_and_no_guess() -> None:
    heatmap = Heatmap([rules(), rules("ETHUSDT")])
    step(heatmap, interest=float("nan"), rows=(0, 1))
    assert not heatmap.is_known(0)
    assert heatmap.view(0, Timeframe.M15) is None
    assert heatmap.clusters(0) == []
    step(heatmap, rows=(1,))
    seen = heatmap.features(np.full(2, 100.0), np.full(2, 1.0))
    assert np.isnan(seen.pull_up[0])
    assert np.isfinite(seen.pull_up[1])


def test_symbols_do_not_mix() -> None:
    both, alone = Heatmap([rules(), rules("ETHUSDT")]), Heatmap([rules("ETHUSDT")])
    for k in range(20):
        told = {"close": 100.0 + k, "high": 101.0 + k, "low": 99.0 + k, "volume": 10.0 * k}
        step(both, rows=(0, 1), **told)
        step(both, rows=(0,), close=50.0)
        step(alone, **told)
    np.testing.assert_allclose(masses(both, 1), masses(alone, 0))


def test_the_pull_grows_with_what_lies_near_and_the_nearest_heap_is_found() -> None:
    heatmap = started()
    here = int(np.floor(np.log(100.0) / BIN))
    heatmap.mass[:] = 0.05
    for offset, side in ((12, 1), (-30, 0)):
        heatmap.mass[0, side, (here + offset) % N_BINS] += 50.0
    heatmap._near_held = None
    seen = heatmap.features(np.array([100.0]), np.array([1.0]))
    assert seen.pull_up[0] > seen.pull_down[0] > 0
    assert seen.nearest_side[0] == 1
    expected = float(np.exp((here + 12.5) * BIN))
    assert seen.nearest_price[0] == pytest.approx(expected)
    assert seen.nearest_distance[0] == pytest.approx(expected - 100.0)
    found = {(round(c.distance / BIN), c.side) for c in heatmap.clusters(0)[:2]}
    assert {side for _, side in found} == {0, 1}
    nearest = min(heatmap.clusters(0), key=lambda c: abs(c.distance))
    assert nearest.price == pytest.approx(expected)
    assert nearest.notional == pytest.approx(seen.nearest_notional[0])


def test_the_view_is_a_grid_of_prices_and_times_round_the_price() -> None:
    heatmap = Heatmap([rules()])
    for k in range(5):
        step(heatmap, close=100.0 + k, interest=OI)
        heatmap.remember(Timeframe.M15, START_MS + k * 900_000)
        heatmap.remember(Timeframe.M15, START_MS + k * 900_000)  # told twice, kept once
    view = heatmap.view(0, Timeframe.M15)
    assert view is not None
    n_rows = grid._COLUMN_ROWS
    assert view.cells.shape == (5, n_rows)
    assert view.long_now.shape == view.short_now.shape == (n_rows,)
    np.testing.assert_array_equal(view.open_ms, START_MS + 900_000 * np.arange(5))
    top = view.low * np.exp(view.step * n_rows)
    assert view.low < 104.0 < top
    assert view.low * top == pytest.approx(104.0**2, rel=2 * BIN)
    assert view.cap > 0
    assert (view.cells >= 0).all()
    now = view.long_now + view.short_now
    np.testing.assert_allclose(view.cells[-1], now, rtol=0.02, atol=now.max() * 1e-3)
    assert heatmap.view(0, Timeframe.H4) is None


def test_a_restart_goes_on_with_the_same_map() -> None:
    heatmap = started(volume=100.0)
    revived = Heatmap([rules()])
    revived.load_state_dict(heatmap.state_dict())
    for target in (heatmap, revived):
        step(target, close=99.0, low=98.5, high=100.0, interest=OI * 1.02, volume=50.0)
    np.testing.assert_allclose(masses(revived), masses(heatmap), rtol=1e-5, atol=1e-9)
    assert revived.is_known(0)
    with pytest.raises(ValueError, match="expected"):
        Heatmap([rules(), rules("ETHUSDT")]).load_state_dict(heatmap.state_dict())


def test_scaling_down_for_a_long_time_loses_no_precision() -> None:
    heatmap = started()
    for _ in range(200):
        step(heatmap, volume=OI)
    assert heatmap._scale.min() >= 1e-7
    inside = class_weights(rules()).sum(axis=2).mean(axis=1)
    np.testing.assert_allclose(masses(heatmap).sum(axis=1), OI * AT_RISK * inside, rtol=0.3)
