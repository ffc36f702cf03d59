"""Stops that are refused, lost, forgotten, stuck, or fire: F-32 to F-38, F-44, F-63, F-65, F-66."""

from typing import Any

import pytest

from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, SYMBOL, D, Stage
from trading.models import Fill

STOP = "clientAlgoId=cs-s"
GUARD = "clientAlgoId=cs-g"
REFUSED = (-2021, -4045, -4120, -2019)
NAKED_FOUND = 21_000
"""A stop that went without a word is missed at the next look: 20 seconds, and the answer."""


def refuse(stage: Stage, match: str, code: int, count: int | None = 1) -> None:
    args = {"status": 400, "code": code, "msg": "refused", "executed": False}
    stage.fault("private", "status", match=match, method="POST", count=count, args=args)


def without_guard(stage: Stage) -> None:
    """Have an entry rest alone: this exchange takes no stop while flat (EX-08)."""
    refuse(stage, GUARD, -2022)
    stage.make_trade()
    stage.run(1_000)
    assert stage.resting() == ["entry"]


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", REFUSED)
def test_a_refused_guard_enters_nothing(stage: Stage, code: int) -> None:
    """F-32 before the entry."""
    refuse(stage, GUARD, code)
    stage.make_trade()
    stage.run(6_000)
    assert orders_of(stage.who.truth(), "entry") == []
    assert stage.trade().state in ("not_entered", "skipped")
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("code", REFUSED)
def test_a_refused_stop_closes_the_position(stage: Stage, code: int) -> None:
    """F-32: the guard covers it until the market order has closed it."""
    stage.enter()
    refuse(stage, STOP, code)
    stage.move(INSIDE)
    stage.run(10_000)
    assert stage.position() == 0
    assert stage.trade().reason in ("stop_refused", "stop_passed")
    assert stage.trade().sentence
    assert_invariants(stage, naked_ms=0, is_over=True)


def test_the_entry_leaves_behind_its_guard(stage: Stage) -> None:
    """EX-08: with the stop first there is no second without one, whatever happens to the next."""
    stage.enter()
    stage.fault("private", "drop", match=STOP, method="POST", count=3, args={"executed": False})
    stage.move(INSIDE)
    stage.run(30_000)
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert_invariants(stage, naked_ms=0)


# --- no answer ------------------------------------------------------------------------------------


def test_a_stop_whose_answer_is_lost_stays_the_only_one(stage: Stage) -> None:
    """F-33, placed."""
    without_guard(stage)
    stage.fault("private", "drop", match=STOP, method="POST", count=1, args={"executed": True})
    stage.move(INSIDE)
    stage.run(6_000)
    assert stage.resting().count("stop") == 1
    assert len(orders_of(stage.who.truth(), "stop")) == 1
    assert_invariants(stage)


@pytest.mark.parametrize("is_deaf", [False, True], ids=["stream", "no stream"])
def test_a_stop_that_never_arrived_is_sent_again_in_time(stage: Stage, is_deaf: bool) -> None:
    """F-33, not placed."""
    without_guard(stage)
    stage.fault("private", "drop", match=STOP, method="POST", count=1, args={"executed": False})
    stage.move(INSIDE)
    if is_deaf:
        stage.run(0)
        stage.deafen()
    stage.run(6_000)
    assert stage.resting().count("stop") == 1
    assert_invariants(stage)


def test_without_any_confirmed_stop_the_position_is_closed(stage: Stage) -> None:
    """F-33 for ever: five seconds, then a market order."""
    without_guard(stage)
    stage.fault("private", "drop", match=STOP, method="POST", args={"executed": False})
    stage.move(INSIDE)
    stage.run(8_000)
    assert stage.position() == 0
    assert stage.trade().reason == "stop_unconfirmed"
    stage.run(40_000)
    assert_invariants(stage, naked_ms=6_000, is_over=True)


def test_a_stop_that_was_accepted_and_is_not_there_does_not_count(stage: Stage) -> None:
    """EX-09: the answer alone is no stop; the order is lost at once and without a word."""
    without_guard(stage)
    stage.fault("matching", "lose_algo", match="cs-s", count=1, args={"after_ms": 1})
    stage.fault("user", "drop", match="ALGO_UPDATE")
    stage.move(INSIDE)
    stage.run(8_000)
    assert_invariants(stage, naked_ms=6_000)


# --- forgotten ------------------------------------------------------------------------------------


def test_a_stop_that_goes_without_a_word_is_missed_within_twenty_seconds(stage: Stage) -> None:
    """F-34: gone after 53 seconds."""
    stage.fault("matching", "lose_algo", match="cs-s", count=1, args={"after_ms": 53_000})
    stage.open()
    stage.run(80_000)
    assert stage.resting().count("stop") == 1
    assert stage.order("stop").attempt == 2
    assert_invariants(stage, naked_ms=NAKED_FOUND)


def test_a_price_beyond_a_stop_that_is_gone_is_noticed_at_once(stage: Stage) -> None:
    """F-34 and I2: the price is past the trigger, so nobody waits for the next look."""
    stage.fault("matching", "lose_algo", match="cs-s", count=1, args={"after_ms": 30_000})
    stage.open()
    stage.run(25_000)
    stage.fault("user", "drop", match="ALGO_UPDATE")
    stage.run(6_000)
    stage.move(58_900)
    stage.run(9_000)
    assert stage.position() == 0
    assert_invariants(stage, naked_ms=10_000, is_over=True)


def test_a_stop_that_comes_back_after_half_an_hour_is_cancelled(stage: Stage) -> None:
    """F-37: not found for 35 minutes proves nothing; when it returns, one of the two goes."""
    args = {"after_ms": 10_000, "ms": 35 * MINUTE}
    stage.fault("matching", "hide_algo", match="cs-s", count=1, args=args)
    stage.open()
    stage.run(40_000)
    stage.run(36 * MINUTE, step_ms=20_000)
    stage.run(20_000)
    assert stage.resting().count("stop") == 1
    assert stage.position() == D("0.1")
    assert_invariants(stage, naked_ms=NAKED_FOUND)


# --- at the trigger -------------------------------------------------------------------------------


def test_a_stop_stuck_while_it_fires_is_not_waited_for(stage: Stage) -> None:
    """F-35."""
    stage.fault("matching", "stuck", match="cs-s")
    stage.open()
    stage.move(59_050)
    stage.run(9_000)
    assert stage.position() != 0
    stage.run(4_000)
    assert stage.position() == 0
    assert stage.trade().reason == "stop_stuck"
    stage.run(90_000)
    assert_invariants(stage, naked_ms=12_000, is_over=True)


def test_a_stop_refused_as_it_fires_closes_at_once(stage: Stage) -> None:
    """F-36."""
    stage.fault("matching", "reject", match="cs-s")
    stage.open()
    stage.move(59_050)
    stage.run(2_000)
    assert stage.position() == 0
    assert stage.trade().reason == "stop_rejected"
    stage.run(10_000)
    assert_invariants(stage, naked_ms=2_000, is_over=True)


def test_without_the_conditional_service_nothing_is_entered(stage: Stage) -> None:
    """F-38 before the entry."""
    stage.fault("matching", "algo_down")
    stage.make_trade()
    stage.run(60_000)
    assert orders_of(stage.who.truth(), "entry") == []
    stage.venue.heal()
    stage.run(90_000)
    assert_invariants(stage)


def test_without_the_conditional_service_the_stop_is_kept_by_us(stage: Stage) -> None:
    """F-38 in a trade: the exchange triggers nothing, and we close at the stop's price."""
    stage.open()
    stage.fault("matching", "algo_down")
    stage.run(5_000)
    stage.move(59_050)
    stage.run(12_000)
    assert stage.position() == 0
    assert stage.trade().reason in ("stop_silent", "stop_passed", "stop")
    stage.venue.heal()
    stage.run(MINUTE)
    assert_invariants(stage, naked_ms=NAKED_FOUND, is_over=True)


def test_a_gap_through_the_stop_is_booked_at_the_real_price(stage: Stage) -> None:
    """F-63: eight per cent."""
    stage.open()
    stage.move(54_400)
    stage.run(10_000)
    row = Fill.objects.for_user(stage.user.pk).get(leg="stop")
    assert row.price < D(54_500)
    assert (stage.trade().state, stage.trade().reason) == ("closed", "stop")
    assert stage.trade().realised < D(-500)
    assert_invariants(stage, is_over=True)


# --- its fill -------------------------------------------------------------------------------------

TOLD: dict[str, dict[str, Any] | None] = {
    "before": None,
    "after": {"action": "hold", "args": {"ms": 2_000}},
    "never": {"action": "drop"},
}


@pytest.mark.parametrize("when", TOLD)
def test_what_a_fired_stop_became_is_booked_to_it(stage: Stage, when: str) -> None:
    """F-65: the fill comes under another order's id; the stop's own event before, after, never."""
    stage.open()
    fault = TOLD[when]
    if fault is not None:
        stage.fault("user", match="ALGO_UPDATE", **fault)
    stage.move(59_050)
    stage.run(15_000)
    row = Fill.objects.for_user(stage.user.pk).exclude(leg="entry").get()
    stop = stage.order("stop")
    assert row.leg == "stop"
    assert row.exchange_order_id not in ("", stop.exchange_id)
    assert stage.trade().reason == "stop"
    assert_invariants(stage, is_over=True)


def test_a_target_and_the_stop_in_one_moment_end_flat(stage: Stage) -> None:
    """F-44: never reversed, nothing left."""
    stage.open()
    stage.deafen()
    stage.move(61_150)
    stage.move(59_050)
    stage.run(30_000)
    assert stage.position() == 0
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("code", [-4118, -2022])
def test_a_close_refused_for_resting_targets_takes_them_away(stage: Stage, code: int) -> None:
    """F-39, F-66: the targets use the position up; they go, and the close goes again."""
    stage.open()
    refuse(stage, "newClientOrderId=cs-c", code, count=2)
    stage.ask_to_close()
    stage.run(10_000)
    assert stage.position() == 0
    assert stage.who.truth()["orders"] == []
    assert stage.journal().count("closed") == 1
    assert_invariants(stage, is_over=True)


def test_a_stop_refused_at_its_trigger_while_targets_rest_is_made_up_for(stage: Stage) -> None:
    """F-66: the stop is refused at its trigger, and the close that follows it, too."""
    stage.fault("matching", "reject", match="cs-s")
    stage.open()
    refuse(stage, "newClientOrderId=cs-c", -4118, count=1)
    stage.move(59_050)
    stage.run(15_000)
    assert stage.position() == 0
    assert stage.who.position(SYMBOL) == "0"
    assert_invariants(stage, is_over=True)
