"""The map as a chart sees it: the same notional, in rows as high as the chart's prices are wide."""

from decimal import Decimal

import numpy as np
import pytest

from cryptosystems.kernel.instruments import Bracket, InstrumentRules
from cryptosystems.kernel.timeframes import Timeframe
from signals.heatmap.grid import BIN, Heatmap, HeatmapView

ONE = np.array([True])


@pytest.fixture
def views() -> dict[Timeframe, HeatmapView]:
    """Views of one symbol at 100 after forty steps with trades on both sides."""
    rules = InstrumentRules(
        symbol="AUSDT",
        base_asset="A",
        tick_size=Decimal("0.01"),
        step_size=Decimal("0.001"),
        min_notional=Decimal(5),
        brackets=(Bracket(0.0, 1e6, 100, 0.005, 0.0),),
    )
    heatmap = Heatmap([rules])
    level = np.array([100.0])
    for minute in range(40):
        heatmap.update(
            ONE,
            minute * 60_000,
            level * 1.0005,
            level * 0.9995,
            level,
            level * 100,
            level * 5,
            np.array([0.5]),
        )
        for timeframe in (Timeframe.M15, Timeframe.H1, Timeframe.H4):
            heatmap.remember(timeframe, minute * 60_000)
    found = {tf: heatmap.view(0, tf) for tf in (Timeframe.M15, Timeframe.H1, Timeframe.H4)}
    return {tf: view for tf, view in found.items() if view is not None}


def test_longer_charts_see_a_wider_range_of_prices(views: dict[Timeframe, HeatmapView]) -> None:
    reach = {tf: view.step * view.cells.shape[1] for tf, view in views.items()}
    assert reach[Timeframe.M15] == pytest.approx(240 * BIN)
    assert reach[Timeframe.H1] == pytest.approx(360 * BIN)
    assert reach[Timeframe.H4] == pytest.approx(600 * BIN)
    for tf, view in views.items():
        assert view.low == pytest.approx(100 * np.exp(-reach[tf] / 2), rel=2 * BIN)


def test_rows_that_are_merged_keep_their_notional(views: dict[Timeframe, HeatmapView]) -> None:
    near, far = views[Timeframe.M15], views[Timeframe.H4]
    n_rows = round(near.cells.shape[1] * near.step / far.step)
    edge = (far.cells.shape[1] - n_rows) // 2
    inner = far.cells[-1, edge : edge + n_rows]
    assert near.cells[-1].sum() > 0
    assert inner.sum() == pytest.approx(near.cells[-1].sum(), rel=1e-5)
    now = far.long_now[edge : edge + inner.size] + far.short_now[edge : edge + inner.size]
    assert now.sum() == pytest.approx((near.long_now + near.short_now).sum(), rel=1e-5)
