"""Turns and what lasts: funding against its days, imbalance by band, BTC's move, the session."""

from datetime import UTC, datetime

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.catalogue import CATALOGUE
from signals.features.engine import FeatureEngine
from signals.features.inputs import SideInputs
from signals.features.market_wide import beta
from tests.signals.cases import random_history

H1 = Timeframe.H1


def engine_after(steps: int, inputs: SideInputs) -> FeatureEngine:
    history = random_history(steps, 4, H1, seed=8)
    engine = FeatureEngine(H1, 4, 0)
    for step, open_ms in enumerate(history.open_ms.tolist()):
        engine.update(history.candles[step], inputs, np.ones(4, dtype=bool), open_ms)
    return engine


def reading(engine: FeatureEngine, name: str) -> np.ndarray:
    return engine.readings[:, CATALOGUE.names.index(name)]


def test_funding_turns_against_the_mean_of_three_days() -> None:
    inputs = SideInputs.unknown(4)
    inputs.funding_8h = np.array([3e-4, 1e-4, -1e-4, np.nan])
    inputs.funding_3d = np.full(4, 9e-4)
    found = reading(engine_after(3, inputs), "fund_turn")
    np.testing.assert_allclose(found, [2e-4, 0.0, -2e-4, np.nan], atol=1e-12)


def test_imbalance_lasts_only_where_now_and_ten_minutes_lean_one_way() -> None:
    inputs = SideInputs.unknown(4)
    inputs.imbalance[1] = [0.5, -0.2, 0.3, np.nan]
    inputs.imbalance_slow = np.array([0.2, -0.4, -0.1, 0.3])
    found = reading(engine_after(3, inputs), "obi_hold")
    np.testing.assert_allclose(found, [0.2, -0.2, 0.0, np.nan])


def test_near_is_weighed_against_far() -> None:
    inputs = SideInputs.unknown(4)
    inputs.imbalance[0], inputs.imbalance[2] = [0.5, 0.1, -0.3, 0.2], [0.2, 0.4, -0.3, np.nan]
    found = reading(engine_after(3, inputs), "obi_tilt")
    np.testing.assert_allclose(found, [0.3, -0.3, 0.0, np.nan], atol=1e-12)


def test_what_btc_s_move_has_not_knocked_on_to_yet() -> None:
    engine = engine_after(120, SideInputs.unknown(4))
    history = random_history(120, 4, H1, seed=8)
    close = np.log(history.candles[:, 3])
    moved = close[-1] - close[-5]
    expected = (beta(engine.frame) * moved[0] - moved) / (engine.sigma * 2)
    np.testing.assert_allclose(reading(engine, "btc_knock"), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("when", "open_"),
    [
        ("2024-01-03T14:00", 1.0),
        ("2024-01-03T21:30", 0.0),
        ("2024-01-03T12:59", 0.0),
        ("2024-01-06T15:00", 0.0),
    ],
)
def test_the_session_is_that_of_weekday_afternoons(when: str, open_: float) -> None:
    engine = FeatureEngine(H1, 2, 0)
    history = random_history(1, 2, H1, seed=8)
    now_ms = int(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp() * 1000)
    opened = H1.open_of(now_ms)
    engine.peek(history.candles[0], SideInputs.unknown(2), opened, now_ms)
    np.testing.assert_array_equal(reading(engine, "session"), [open_, open_])
