"""A database that goes away, fails at a commit, or is full: F-17, F-18, F-64."""

from typing import Any

import pytest

from tests.faults.conftest import StageMaker
from tests.faults.database import commit_fails_once, database_down, disk_full
from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, Stage
from trading.domain.orders import Leg
from trading.executor import hooks
from trading.executor.lane import Lane

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(make_stage: StageMaker) -> Stage:
    return make_stage(may_lack_rows=True)


# --- away for two minutes -------------------------------------------------------------------------


def closes_from_memory(stage: Stage) -> None:
    """F-17: the close that was running goes on; its fills are booked once rows are back."""
    stage.open()
    args = {"status": 400, "code": -4131, "executed": False}
    stage.fault("private", "status", match="cs-c", method="POST", count=1, args=args)
    stage.ask_to_close()
    stage.run(0)
    assert stage.trade().state == "closing"
    with database_down():
        stage.run(2 * MINUTE, step_ms=2_000)
        assert stage.position() == 0, "closed although no row could be written"
    stage.run(30_000)
    assert_invariants(stage, is_over=True)


def test_a_close_goes_on_without_the_database(stage: Stage) -> None:
    closes_from_memory(stage)


def test_without_memory_nothing_would_be_closed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sabotage of the close from memory."""

    async def nothing(lane: Lane) -> None:
        pass

    monkeypatch.setattr(Lane, "without_rows", nothing)
    with pytest.raises(AssertionError, match="closed although"):
        closes_from_memory(stage)


def test_the_stop_fires_without_the_database_and_is_booked_later(stage: Stage) -> None:
    """F-17: what rests at the exchange needs nothing of ours."""
    stage.open()
    with database_down():
        stage.run(MINUTE, step_ms=2_000)
        stage.move(59_050)
        stage.run(MINUTE, step_ms=2_000)
        assert stage.position() == 0
    stage.run(30_000)
    assert stage.trade().reason == "stop"
    assert_invariants(stage, is_over=True)


def test_nothing_is_entered_without_the_database(stage: Stage) -> None:
    """F-17: without a row nothing leaves; what is still valid is entered once rows are back."""
    stage.make_trade()
    with database_down():
        stage.run(MINUTE, step_ms=2_000)
        assert stage.resting() == []
    stage.run(5_000)
    assert stage.resting() == ["guard", "entry"]
    assert_invariants(stage)


def test_an_entry_that_fills_while_the_database_is_away_is_covered(stage: Stage) -> None:
    """F-17 between guard and stop: the guard covers it until rows are back."""
    stage.enter()
    with database_down():
        stage.move(INSIDE)
        stage.run(2 * MINUTE, step_ms=2_000)
        assert stage.resting() == ["guard"]
    stage.run(10_000)
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert_invariants(stage, naked_ms=0)


# --- at the commit --------------------------------------------------------------------------------


def loses_the_answer(stage: Stage, monkeypatch: pytest.MonkeyPatch, leg: Leg, is_done: bool) -> Any:
    """F-18: the exchange has accepted; that we know of it is what fails to be written."""
    with commit_fails_once(is_done) as armed:

        def reach(point: str, of: Leg | None = None) -> None:
            if point == "K4" and of is leg and not struck:
                armed.append(True)
                struck.append(point)

        struck: list[str] = []
        monkeypatch.setattr(hooks, "reach", reach)
        stage.make_trade()
        stage.run(2_000)
        stage.move(INSIDE)
        stage.run(30_000)
        assert struck and not armed
    assert len(orders_of(stage.who.truth(), leg.value)) == 1
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert_invariants(stage, naked_ms=0)


@pytest.mark.parametrize("is_done", [False, True], ids=["undone", "done unheard"])
@pytest.mark.parametrize(
    "leg", [Leg.GUARD, Leg.ENTRY, Leg.STOP, Leg.TP1], ids=lambda leg: leg.value
)
def test_an_answer_whose_commit_fails_is_found_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, leg: Leg, is_done: bool
) -> None:
    """F-18."""
    loses_the_answer(stage, monkeypatch, leg, is_done)


# --- full -----------------------------------------------------------------------------------------


def test_on_a_full_disk_nothing_leaves(stage: Stage) -> None:
    """F-64: no row, no order; it is said loudly, and goes on once there is room."""
    stage.make_trade()
    with disk_full():
        stage.run(30_000)
        truth = stage.who.truth()
        assert [*truth["orders"], *truth["algos"], *truth["ended"]] == []
        assert any("lane_without_rows" in line for line in stage.sinks.lines)
    stage.run(5_000)
    assert stage.resting() == ["guard", "entry"]
    assert_invariants(stage)


def test_on_a_full_disk_stops_rest_and_fire(stage: Stage) -> None:
    """F-64: the stop is the exchange's, and its fill is booked once there is room."""
    stage.open()
    with disk_full():
        stage.run(MINUTE, step_ms=2_000)
        assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
        stage.move(59_050)
        stage.run(5_000)
        assert stage.position() == 0
    stage.run(30_000)
    assert_invariants(stage, is_over=True)
