"""Entries whose answer cannot be believed, comes late, or is a refusal: F-20 to F-31, F-42, F-43."""

from typing import Any

import pytest

from tests.faults.conftest import StageMaker
from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, D, Stage
from trading.models import TradeOrder

ENTRY = "newClientOrderId=cs-e"


def lose(action: str, executed: bool | None = None, **args: Any) -> dict[str, Any]:
    """Return a fault that strikes the entry's POST once."""
    told = {} if executed is None else {"executed": executed}
    return {"action": action, "args": {**args, **told}}


def strike(stage: Stage, fault: dict[str, Any]) -> None:
    stage.fault("private", fault["action"], match=ENTRY, method="POST", count=1, args=fault["args"])


LOST = {
    "hang up": ("drop", {}),
    "503 unknown error": ("status", {"status": 503, "code": -1000, "msg": "Unknown error"}),
    "503 unavailable": ("status", {"status": 503, "code": 0, "msg": "Service Unavailable."}),
    "-1008": ("status", {"status": 503, "code": -1008}),
    "-1007": ("status", {"status": 408, "code": -1007}),
    "-1006": ("status", {"status": 500, "code": -1006}),
    "-1001": ("status", {"status": 400, "code": -1001}),
    "502 page": ("html", {"status": 502}),
    "403 page": ("html", {"status": 403}),
    "-4116": ("status", {"status": 400, "code": -4116}),
    "-9999": ("status", {"status": 400, "code": -9999}),
}
"""F-20, F-22, F-23, F-24, F-25, F-27, F-31: replies that say nothing about the order."""

NOT_EXECUTED = ("hang up", "503 unknown error", "-1007", "502 page", "-9999")

# --- executed, and we were not told ---------------------------------------------------------------


def adopted(stage: Stage, fault: dict[str, Any]) -> None:
    """The entry rests; we find it by its id, and the position is covered."""
    strike(stage, fault)
    stage.make_trade()
    stage.run(1_500)
    assert stage.venue.struck() == 1
    assert stage.order("entry").state == "working"
    assert stage.order("entry").exchange_id
    stage.move(INSIDE)
    stage.run(4_000)
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert_invariants(stage)


@pytest.mark.parametrize("name", LOST)
def test_an_entry_that_was_executed_is_adopted_once(stage: Stage, name: str) -> None:
    """F-20, F-22 to F-25, F-27."""
    action, args = LOST[name]
    adopted(stage, lose(action, True, **args))


@pytest.mark.parametrize("action", ["empty", "half", "cut", "other_order", "html"])
def test_an_answer_without_sense_is_no_answer(stage: Stage, action: str) -> None:
    """F-26: no order without the exchange's id is ever stored."""
    adopted(stage, lose(action, True, status=200))
    rows = TradeOrder.objects.for_user(stage.user.pk).filter(state="working")
    assert not rows.filter(exchange_id__in=("", "None")).exists()


def filled_at_once(stage: Stage) -> None:
    """F-20 with the entry filled while nobody listens: the position is found and covered."""
    stage.deafen()
    strike(stage, lose("drop", True))
    stage.make_trade()
    stage.mark = D(INSIDE)
    stage.venue.price("BTCUSDT", INSIDE)
    stage.run(8_000)
    assert stage.trade().state == "open"
    assert "stop" in stage.resting()
    assert_invariants(stage)


def test_an_entry_that_fills_behind_our_back_is_covered_all_the_time(stage: Stage) -> None:
    filled_at_once(stage)


# --- not executed ---------------------------------------------------------------------------------


def given_up(stage: Stage, fault: dict[str, Any]) -> None:
    """Nothing arrived: it is unknown for twenty seconds, then cancelled, and never sent again."""
    strike(stage, fault)
    stage.make_trade()
    stage.run(18_000)
    assert stage.order("entry").state == "unknown"
    stage.run(12_000)
    assert (stage.trade().state, stage.trade().reason) == ("not_entered", "entry_lost")
    stage.run(MINUTE, step_ms=5_000)
    assert orders_of(stage.who.truth(), "entry") == []
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("name", NOT_EXECUTED)
def test_an_entry_that_was_not_executed_is_never_sent_again(stage: Stage, name: str) -> None:
    """F-21, F-22, F-24, F-31: the unknown code takes the same way."""
    action, args = LOST[name]
    given_up(stage, lose(action, False, **args))


def test_what_surely_did_not_leave_goes_again(stage: Stage) -> None:
    """F-27, F-51: a limit refuses before anything is worked; the same order goes later."""
    args = {"status": 429, "code": -1015, "retry_after": 3}
    strike(stage, lose("status", False, **args))
    stage.make_trade()
    stage.run(1_000)
    assert stage.order("entry").state == "prepared"
    stage.run(4_000)
    assert stage.order("entry").state == "working"
    assert stage.order("entry").attempt == 1
    assert_invariants(stage)


# --- late -----------------------------------------------------------------------------------------


def late_by_fifteen(stage: Stage) -> None:
    """F-30: the exchange works the order fifteen seconds after it said that it did not."""
    stage.deafen()
    strike(stage, lose("status", True, status=503, code=-1007, after_ms=15_000))
    stage.make_trade()
    stage.run(14_000)
    assert stage.order("entry").state == "unknown"
    stage.run(15_000)
    assert stage.order("entry").state == "working"
    stage.move(INSIDE)
    stage.run(30_000)
    assert stage.trade().state == "open"
    assert_invariants(stage)


def test_an_order_that_appears_after_fifteen_seconds_is_adopted(stage: Stage) -> None:
    late_by_fifteen(stage)


def test_a_reply_that_comes_after_its_fill_changes_nothing(make_stage: StageMaker) -> None:
    """F-28: eleven seconds of market time; we stop waiting, are told the fill, then the reply."""
    stage = make_stage(call_s=0.2)
    args = {"ms": 11_000, "when": "after"}
    stage.fault("private", "delay", match=ENTRY, method="POST", count=1, args=args)
    stage.make_trade()
    stage.run(0)
    stage.move(INSIDE)
    stage.run(4_000)
    assert stage.trade().state == "open"
    stage.run(9_000)
    assert not stage.lane.doer._running, "the reply has come"
    assert stage.order("entry").state == "filled"
    assert_invariants(stage)


def test_questions_without_answers_conclude_nothing(stage: Stage) -> None:
    """F-29: a minute in which nothing can be asked leaves it unknown."""
    strike(stage, lose("drop", False))
    stage.fault("private", "status", match="origClientOrderId", method="GET", args={"status": 503})
    stage.make_trade()
    stage.run(MINUTE)
    assert stage.order("entry").state == "unknown"
    assert stage.trade().state == "entering"
    stage.venue.heal()
    stage.run(40_000)
    assert stage.trade().reason == "entry_lost"
    assert_invariants(stage, is_over=True)


def test_a_position_that_shows_meanwhile_is_covered(stage: Stage) -> None:
    """F-29: the question fails, yet the position is seen: it gets its stop."""
    strike(stage, lose("drop", True))
    stage.fault("private", "status", match="origClientOrderId", method="GET", args={"status": 503})
    stage.make_trade()
    stage.run(500)
    stage.move(INSIDE)
    stage.run(6_000)
    assert "stop" in stage.resting()
    stage.venue.heal()
    stage.run(10_000)
    assert_invariants(stage)


# --- refused, partly filled -----------------------------------------------------------------------


@pytest.mark.parametrize("code", [-2019, -4164, -4131, -4400])
def test_a_refusal_is_clear_and_leaves_nothing(stage: Stage, code: int) -> None:
    """F-31."""
    strike(stage, lose("status", False, status=400, code=code, msg="no"))
    stage.make_trade()
    stage.run(6_000)
    assert (stage.trade().state, stage.trade().reason) == ("not_entered", "entry_refused")
    assert str(code) in stage.trade().sentence
    assert_invariants(stage, is_over=True)
