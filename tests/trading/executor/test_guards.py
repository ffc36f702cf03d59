"""What only tests may turn on, and the one guard whose sabotage needs an exchange without names.

All others are sabotaged in `tests/faults` (TB-6).
"""

from typing import Any

import pytest

from tests.trading.executor import test_stream
from tests.trading.executor.stage import Stage
from trading.executor import hooks
from trading.reconciliation.guards import Guard


def test_without_the_join_a_fired_stop_is_booked_to_nobody(stage: Stage, settings: Any) -> None:
    settings.EXECUTOR_TEST_HOOKS = True
    settings.EXECUTOR_GUARDS_OFF = (Guard.JOIN_CHILD.value,)
    with pytest.raises((AssertionError, IndexError)):
        test_stream.test_a_fired_stop_fills_under_another_id(stage, "never")


def test_nothing_is_armed_outside_of_tests(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRASH_AT", "K4")
    monkeypatch.setenv("GUARDS_OFF", "seen")
    settings.EXECUTOR_TEST_HOOKS = False
    assert not hooks.is_armed("K4")
    assert hooks.guards_off() == frozenset()
    hooks.reach("K4")
