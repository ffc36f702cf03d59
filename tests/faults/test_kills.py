"""SIGKILL at every point on the way in, in a process that really dies: F-02 to F-10, F-13.

What the next process finds are rows and the exchange. The same rules make it whole again.
"""

from collections.abc import Callable

import pytest

from tests.faults.invariants import assert_invariants
from tests.faults.process import dies_at
from tests.faults.stage import ABOVE, INSIDE, MINUTE, SYMBOL, Stage

pytestmark = pytest.mark.django_db(transaction=True)

Market = Callable[[Stage], None]


def fills(stage: Stage) -> None:
    stage.move(INSIDE)


def fills_partly(stage: Stage) -> None:
    """Some of it, at two looks of the exchange; then the book closes again."""
    if not stage.position() and "entry" in stage.resting():
        stage.venue.book(SYMBOL, bids=[(60_050, 1)], asks=[(60_090, 0.018)])
        stage.venue.book(SYMBOL)


def stays_away(stage: Stage) -> None:
    stage.move(ABOVE)


ENTERING = [
    *(("K1", leg) for leg in ("guard", "entry", "stop", "tp1")),
    *(("K2", leg) for leg in ("guard", "entry", "stop", "tp2")),
    *(("K3", leg) for leg in ("entry", "tp3")),
    *(("K4", leg) for leg in ("guard", "entry", "stop", "tp1")),
    *(("K6", leg) for leg in ("guard", "stop")),
    *(("K7", leg) for leg in ("guard", "stop")),
    *((point, "") for point in ("K5", "K8", "K11")),
]
"""F-02 to F-10, F-13."""
BEFORE_A_FILL = [("K2", "guard"), ("K3", "entry"), ("K4", "entry"), ("K6", "guard")]
CASES = [
    *((point, leg, fills) for point, leg in ENTERING),
    *((point, leg, stays_away) for point, leg in BEFORE_A_FILL),
    *((p, leg, fills_partly) for p, leg in (*BEFORE_A_FILL[1:3], ("K6", "stop"), ("K11", ""))),
]


@pytest.mark.parametrize(
    ("point", "leg", "market"), CASES, ids=[f"{p}-{leg}-{m.__name__}" for p, leg, m in CASES]
)
def test_a_kill_on_the_way_in(stage: Stage, point: str, leg: str, market: Market) -> None:
    """F-02 to F-10, F-13: one entry, covered all the time, and everything found again."""

    def live(other: Stage) -> None:
        other.run(1_000)
        market(other)
        other.run(4_000)

    stage.make_trade()
    assert dies_at(stage, f"{point}:{leg}", live)
    market(stage)  # the market goes on while we are dead
    stage.venue.advance(3_000)
    stage.begin()
    stage.run(20_000)
    market(stage)
    stage.run(25_000)
    assert_invariants(stage, naked_ms=0)
    has_been_lost = stage.trade().reason == "entry_lost"
    assert has_been_lost == ((point, leg) == ("K2", "entry"))
    if stage.position():
        assert stage.resting()[-4:] == ["stop", "tp1", "tp2", "tp3"]
        stage.move(58_900)
    stage.run(3 * MINUTE, step_ms=2_000)
    is_partly = market is fills_partly  # the rest may fill in the moment in which the stop fires
    assert_invariants(stage, naked_ms=2_500 if is_partly else 0, is_over=True)


@pytest.mark.parametrize("executed", [True, False], ids=["executed", "not executed"])
def test_a_kill_while_the_entry_is_on_its_way(stage: Stage, executed: bool) -> None:
    """F-04, F-05: no reply was read, and the order arrived, or did not."""
    args = {"executed": executed}
    stage.fault("private", "drop", match="newClientOrderId=cs-e", count=1, args=args)
    stage.make_trade()
    assert dies_at(stage, "K3:entry", lambda other: other.run(3_000))
    stage.begin()
    stage.run(10_000)
    assert ("entry" in stage.resting()) is executed
    stage.run(30_000)
    assert (stage.trade().reason == "entry_lost") is not executed
    assert_invariants(stage, naked_ms=0)
