"""Setups that a gate turned down are followed too: what was missed is as public as what was lost."""

import numpy as np
import pytest

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.builder.build import shadow_draft
from signals.engine.warm import open_shadows, open_signals
from signals.market.panel import CLOSE, HIGH, LOW, OPEN
from signals.market.state import MarketState
from signals.models import RejectedSetup
from signals.pipeline.fold import Pipeline, open_signal
from signals.pipeline.outputs import SetupKey, ShadowSettled
from signals.services.publish import publish, record_rejected, settle_rejected
from tests.signals.cases import rules
from tests.support.setups import AT_MS, make_draft, make_rejected

MINUTE = 60_000


def minute(open_: float, high: float, low: float, close: float) -> np.ndarray:
    candle = np.full((8, 1), 1.0)
    for place, value in ((OPEN, open_), (HIGH, high), (LOW, low), (CLOSE, close)):
        candle[place] = value
    return candle


def test_a_rejected_setup_is_settled_by_the_same_rule_as_a_signal() -> None:
    decision = make_rejected()
    setup = decision.setup
    pipeline = Pipeline(MarketState(["BTCUSDT"]), [rules()], origin="simulated")
    key = SetupKey(setup.symbol, setup.timeframe, setup.side, setup.at_ms)
    draft = shadow_draft(decision)
    pipeline.watch_shadow(open_signal(draft, pipeline.state.index), key)
    entry, stop = float(decision.plan.reference), float(decision.plan.stop)
    assert pipeline.settle_minute(AT_MS, minute(entry, entry + 1, entry - 1, entry), AT_MS) == []
    (settled,) = pipeline.settle_minute(
        AT_MS + MINUTE, minute(entry, entry + 1, stop - 1, stop - 1), AT_MS + MINUTE
    )
    assert isinstance(settled, ShadowSettled)
    assert settled.setup == key
    assert settled.change.result == "lost"
    assert settled.change.net_r is not None
    assert settled.change.net_r < -1.0
    assert len(pipeline.shadow) == 0
    assert len(pipeline.book) == 0, "a shadow is never a signal"


@pytest.mark.django_db
def test_its_outcome_is_kept_and_what_is_open_is_followed_after_a_restart() -> None:
    decision = make_rejected(spread_bps=6.0)
    record_rejected(decision)
    ((watched, key),) = open_shadows("simulated", {"BTCUSDT": 0})
    assert watched == open_signal(shadow_draft(decision), {"BTCUSDT": 0})
    assert watched.slippage == 0.0003, "half the spread it was issued at"
    pipeline = Pipeline(MarketState(["BTCUSDT"]), [rules()], origin="simulated")
    pipeline.watch_shadow(watched, key)
    entry, stop = float(decision.plan.reference), float(decision.plan.stop)
    pipeline.settle_minute(AT_MS, minute(entry, entry + 1, entry - 1, entry), AT_MS)
    (settled,) = pipeline.settle_minute(
        AT_MS + MINUTE, minute(entry, entry + 1, stop - 1, stop - 1), AT_MS + MINUTE
    )
    assert isinstance(settled, ShadowSettled)
    settle_rejected(Origin.SIMULATED, settled.setup, settled.change)
    row = RejectedSetup.objects.get()
    assert row.result == "lost"
    assert row.net_r == settled.change.net_r
    assert open_shadows("simulated", {"BTCUSDT": 0}) == []


@pytest.mark.django_db
def test_a_signal_costs_the_same_after_a_restart() -> None:
    draft = make_draft(spread_bps=6.0)
    publish(draft)
    ((watched, timeframe),) = open_signals("simulated", {"BTCUSDT": 0})
    assert timeframe is Timeframe.H1
    assert watched == open_signal(draft, {"BTCUSDT": 0})
    assert watched.slippage == 0.0003
