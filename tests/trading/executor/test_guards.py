"""Sabotage: with a guard taken away, the test that leans on it goes red (TB-6)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.trading.executor import (
    test_closing,
    test_moves,
    test_stops,
    test_stream,
    test_unknown_entry,
)
from tests.trading.executor.stage import Death, Stage, make_trade
from trading.domain.venue import Outcome, OutcomeClass
from trading.executor import hooks
from trading.reconciliation.guards import Guard


def entering(test: Callable[..., None], *more: Any) -> Callable[[Stage, Death], None]:
    """Return a test of an entering trade as one of a stage."""

    def run(stage: Stage, death: Death) -> None:
        make_trade(stage.account)
        test(stage, *more)

    return run


def on_stage(test: Callable[..., None], *more: Any) -> Callable[[Stage, Death], None]:
    return lambda stage, death: test(stage, *more)


def killed(stage: Stage, death: Death) -> None:
    test_moves.test_a_kill_between_the_six_steps(stage, death, "K1", "stop")


UNKNOWN = Outcome(OutcomeClass.UNKNOWN, status=503, message="Unknown error")
LEANING: dict[Guard, Callable[[Stage, Death], None]] = {
    Guard.STOP_FIRST: entering(lambda stage: test_stops.enter_behind_the_guard(stage)),
    Guard.SEEN: on_stage(test_stops.test_the_entry_waits_until_the_guard_was_seen),
    Guard.CLOSE_UNPROTECTED: on_stage(
        test_stops.test_without_any_confirmed_stop_the_position_is_closed_after_five_seconds
    ),
    Guard.CLOSE_WITHOUT_END: on_stage(
        test_closing.test_targets_in_the_way_are_cancelled_and_the_close_repeated, -2022
    ),
    Guard.WATCH: on_stage(
        test_stops.test_a_stop_that_goes_without_a_word_is_missed_within_twenty_seconds
    ),
    Guard.EMPTY_IS_NOT_FLAT: on_stage(
        test_closing.test_an_account_that_shows_nothing_is_held_not_booked
    ),
    Guard.NO_ORPHANS: on_stage(
        test_closing.test_leftovers_are_cancelled_and_the_persons_orders_stay
    ),
    Guard.DEADLINE: on_stage(test_closing.test_what_was_filled_at_the_deadline_is_managed, "0.037"),
    Guard.TWENTY_SECONDS: entering(
        test_unknown_entry.test_an_order_that_appears_after_fifteen_seconds_is_adopted
    ),
    Guard.BRIDGE: killed,
    Guard.NEVER_AGAIN: entering(
        test_unknown_entry.test_what_was_not_executed_is_given_up_after_twenty_seconds, UNKNOWN
    ),
    Guard.SWITCHES: on_stage(test_closing.test_flatten_closes_what_is_open),
    Guard.RECONCILE_FIRST: on_stage(test_stream.test_nothing_is_entered_while_reconciling_fails),
    Guard.JOIN_CHILD: on_stage(test_stream.test_a_fired_stop_fills_under_another_id, "never"),
}
ELSEWHERE = {Guard.CLAIM_ONCE, Guard.LEASE}
"""Sabotaged beside their own tests, in `test_claims`."""


def test_every_guard_has_a_test_that_leans_on_it() -> None:
    assert set(LEANING) | ELSEWHERE == set(Guard)


@pytest.mark.parametrize("guard", LEANING, ids=lambda guard: guard.value)
def test_without_its_guard_a_test_goes_red(
    stage: Stage, death: Death, settings: Any, guard: Guard
) -> None:
    settings.EXECUTOR_TEST_HOOKS = True
    settings.EXECUTOR_GUARDS_OFF = (guard.value,)
    with pytest.raises((AssertionError, pytest.fail.Exception, IndexError)):
        LEANING[guard](stage, death)


def test_nothing_is_armed_outside_of_tests(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRASH_AT", "K4")
    monkeypatch.setenv("GUARDS_OFF", "seen")
    settings.EXECUTOR_TEST_HOOKS = False
    assert not hooks.is_armed("K4")
    assert hooks.guards_off() == frozenset()
    hooks.reach("K4")
