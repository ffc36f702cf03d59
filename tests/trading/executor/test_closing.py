"""Leaving a position, where sockets add nothing; the faults of it are `tests/faults/test_close`."""

from django.utils import timezone

from tests.trading.executor.stage import MINUTE, D, Stage, assert_invariants
from trading.contracts import StopMode
from trading.domain.venue import Outcome, OutcomeClass
from trading.services import stops


def refusal(code: int) -> Outcome:
    return Outcome(OutcomeClass.REJECTED, code=code, status=400, message="refused")


def test_the_stop_rests_until_the_close_is_done(stage: Stage) -> None:
    stage.open()
    stage.exchange.next("close", *[refusal(-1001)] * 3)
    stage.ask_to_close()
    stage.run(500)
    assert stage.exchange.position != 0
    assert "stop" in stage.exchange.resting()


def test_a_close_without_an_answer_leaves_what_the_person_added(stage: Stage) -> None:
    stage.open()
    stage.exchange.trade_by_hand("BUY", "0.05")
    stage.run(5_000)
    stage.exchange.next("close", "timeout")
    stage.ask_to_close()
    stage.run(30_000)
    assert stage.exchange.position == D("0.05")
    assert stage.trade().state == "closed"
    assert "position_is_larger" in stage.journal()


def test_the_time_of_the_signal_ends_the_trade(stage: Stage) -> None:
    stage.open(plan={"expires_ms": 1_700_000_000_000 + 5 * MINUTE})
    stage.run(6 * MINUTE)
    assert stage.trade().reason == "time"
    assert_invariants(stage, is_over=True)


def test_close_only_takes_the_entry_back(stage: Stage) -> None:
    stage.enter()
    user, now = str(stage.account.user_id), timezone.now()
    stops.throw("user", user, StopMode.CLOSE_ONLY, "tests throw it", by=None, now=now)
    stage.run(5_000)
    assert stage.trade().reason == "kill_switch"
    assert_invariants(stage, is_over=True)
