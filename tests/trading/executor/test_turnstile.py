"""Turns at the way in: entries first, in their order, and nobody who stands still is in the way."""

from collections.abc import Callable

import pytest

from trading.executor.turnstile import Turnstile


@pytest.fixture
def woken() -> list[str]:
    return []


def waker(name: str, woken: list[str]) -> Callable[[], None]:
    return lambda: woken.append(name)


def test_as_many_as_there_are_turns_pass_and_the_next_is_woken(woken: list[str]) -> None:
    gate = Turnstile(at_once=2)
    passed = [gate.may_pass(n, waker(n, woken), is_entry=True) for n in ("a", "b", "c", "d")]
    assert passed == [True, True, False, False]
    gate.leave("a")
    assert woken == ["c"]
    assert gate.may_pass("c", waker("c", woken), is_entry=True)
    assert not gate.may_pass("d", waker("d", woken), is_entry=True)


def test_entries_go_before_targets_that_came_sooner(woken: list[str]) -> None:
    gate = Turnstile(at_once=1)
    gate.may_pass("a", waker("a", woken), is_entry=True)
    gate.may_pass("target", waker("target", woken), is_entry=False)
    gate.may_pass("entry", waker("entry", woken), is_entry=True)
    gate.leave("a")
    gate.leave("entry")
    assert woken == ["entry", "target"]


def test_who_stands_still_loses_the_turn_and_who_moves_keeps_it(woken: list[str]) -> None:
    now = [0.0]
    gate = Turnstile(at_once=2, clock=lambda: now[0])
    for name in ("hangs", "moves", "waits"):
        gate.may_pass(name, waker(name, woken), is_entry=True)
    now[0] = 0.9
    gate.moves("moves")
    now[0] = 1.0
    gate.look()
    assert woken == ["waits"]
    assert gate.may_pass("moves", waker("moves", woken), is_entry=True)
    assert not gate.may_pass("hangs", waker("hangs", woken), is_entry=True)


def test_who_leaves_the_queue_is_not_called(woken: list[str]) -> None:
    gate = Turnstile(at_once=1)
    for name in ("a", "b", "c"):
        gate.may_pass(name, waker(name, woken), is_entry=True)
    gate.leave("b")
    gate.leave("a")
    assert woken == ["c"]


def test_whose_entry_has_left_lets_others_enter_before_its_targets(woken: list[str]) -> None:
    gate = Turnstile(at_once=1)
    assert gate.may_pass("a", waker("a", woken), is_entry=True)
    assert not gate.may_pass("b", waker("b", woken), is_entry=True)
    assert not gate.may_pass("a", waker("a", woken), is_entry=False)
    assert woken == ["b"]
    gate.leave("b")
    assert gate.may_pass("a", waker("a", woken), is_entry=False)
