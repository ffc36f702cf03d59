"""A database that was restored from a backup of four minutes ago: F-61, EX-18.

What happened since is in no row; it is at the exchange, and its names can be built again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, Stage
from tests.trading.executor.test_process import chosen, signal_now
from trading.models import CashFlowRow, Fill, JournalEntry, Trade, TradeOrder

pytestmark = pytest.mark.django_db(transaction=True)

MODELS: Final[tuple[Any, ...]] = (Trade, TradeOrder, Fill, CashFlowRow, JournalEntry)
Backup = dict[Any, list[dict[str, Any]]]


def back_up(stage: Stage) -> Backup:
    return {model: list(model.objects.for_user(stage.user.pk).values()) for model in MODELS}


def restore(stage: Stage, backup: Backup) -> None:
    """Put the rows back as they were, and let the process begin with them."""
    stage.stop()
    for model in reversed(MODELS):
        rows = model.objects.for_user(stage.user.pk)
        rows._raw_delete(rows.db)
    for model, rows in backup.items():
        model.objects.across_tenants("a restore").bulk_create(model(**row) for row in rows)
    stage.begin()


def resting(stage: Stage) -> None:
    stage.make_trade()
    stage.run(1_000)
    assert stage.resting() == ["guard", "entry"]


def filled(stage: Stage) -> None:
    resting(stage)
    stage.move(INSIDE)
    stage.run(0)


def targeted(stage: Stage) -> None:
    resting(stage)
    stage.move(INSIDE)
    stage.run(4_000)


def lives_four_minutes(stage: Stage) -> None:
    """Fill, take the first target, move the stop: all of it after the backup."""
    stage.run(3_000)
    stage.move(INSIDE)
    stage.run(4_000)
    stage.move(61_150)
    stage.run(4 * MINUTE, step_ms=5_000)
    assert stage.resting() == ["stop", "tp2", "tp3"]


def goes_on(stage: Stage) -> None:
    """Be what it was, and end as any trade does."""
    stage.run(MINUTE, step_ms=2_000)
    assert len(orders_of(stage.who.truth(), "entry")) == 1
    assert (stage.trade().state, stage.trade().targets_hit) == ("open", 1)
    assert_invariants(stage, naked_ms=0)
    stage.ask_to_close()
    stage.run(MINUTE, step_ms=2_000)
    assert_invariants(stage, naked_ms=0, is_over=True)


@pytest.mark.parametrize("before", [resting, filled, targeted], ids=lambda f: f.__name__)
def test_what_the_backup_does_not_know_is_taken_over(
    stage: Stage, before: Callable[[Stage], None]
) -> None:
    """F-61: nothing is entered twice, the stop stands all the time, and every fill is booked."""
    before(stage)
    backup = back_up(stage)
    lives_four_minutes(stage)
    restore(stage, backup)
    goes_on(stage)


def test_a_trade_that_is_younger_than_the_backup_is_taken_over(stage: Stage) -> None:
    """F-61: the signal is handed out once more, and its orders are found by their names."""
    backup, now = back_up(stage), stage.clock.now_ms()
    times = {"issued_ms": now, "valid_until_ms": now + 10 * MINUTE, "expires_ms": now + 60 * MINUTE}
    signal = replace(signal_now(), **times)
    chosen(stage.account, signal)
    lives_four_minutes(stage)

    restore(stage, backup)
    stage.run(5_000)
    assert "stop" in stage.resting(), "a stop of ours that no row knows stays while it covers"
    chosen(stage.account, signal)
    goes_on(stage)


def test_a_trade_that_ended_since_the_backup_ends_again(stage: Stage) -> None:
    """F-61: closed by its stop in the lost minutes; it is booked from the fills, not guessed."""
    targeted(stage)
    backup = back_up(stage)
    stage.move(59_050)
    stage.run(4 * MINUTE, step_ms=5_000)
    assert stage.trade().state == "closed"
    restore(stage, backup)
    stage.run(3 * MINUTE, step_ms=2_000)
    assert stage.trade().reason == "stop"
    assert_invariants(stage, is_over=True)
