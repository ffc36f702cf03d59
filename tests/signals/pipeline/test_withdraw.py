"""A signal that staff kept from being issued is followed as a setup that was turned down."""

from cryptosystems.kernel.timeframes import Timeframe
from signals.market.state import MarketState
from signals.pipeline.fold import Pipeline, open_signal
from signals.pipeline.outputs import Changed, ShadowSettled
from signals.services.publish import halted
from tests.signals.cases import rules
from tests.signals.pipeline.test_shadow import MINUTE, minute
from tests.support.setups import AT_MS, make_draft


def test_it_is_no_open_signal_any_more_and_its_outcome_goes_to_the_shadow_ledger() -> None:
    kept, stopped = make_draft(), make_draft(symbol="ETHUSDT")
    pipeline = Pipeline(
        MarketState(["BTCUSDT", "ETHUSDT"]), [rules(), rules("ETHUSDT")], origin="simulated"
    )
    for draft in (kept, stopped):
        pipeline.watch(open_signal(draft, pipeline.state.index), Timeframe(draft.setup.timeframe))
    pipeline.withdraw(halted(stopped), stopped.id)
    assert [signal.id for signal in pipeline.book.signals] == [kept.id]
    assert list(pipeline._open) == [kept.id]
    entry, stop = float(stopped.plan.reference), float(stopped.plan.stop)
    outputs = pipeline.settle_minute(
        AT_MS, minute(entry, entry + 1, entry - 1, entry).repeat(2, axis=1), AT_MS
    )
    outputs += pipeline.settle_minute(
        AT_MS + MINUTE,
        minute(entry, entry + 1, stop - 1, stop - 1).repeat(2, axis=1),
        AT_MS + MINUTE,
    )
    changes = [output.change for output in outputs if isinstance(output, Changed)]
    assert {change.id for change in changes} == {kept.id}
    (settled,) = [output for output in outputs if isinstance(output, ShadowSettled)]
    assert settled.setup.symbol == "ETHUSDT"
    assert settled.change.result == "lost"
