"""Exits never wait behind entries; what the exchange counts is believed."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.exchanges.budget import ENTRY_WEIGHT, EXIT_WEIGHT, Priority, WeightBudget

NOW = 1_764_010_800_000 + 15_000
"""A quarter of a minute in."""


def test_a_call_is_counted_until_its_minute_is_over() -> None:
    budget = WeightBudget()

    assert budget.take(40, Priority.READ, NOW) == 0
    assert budget.used(NOW) == 40
    assert budget.used(NOW + 44_999) == 40
    assert budget.used(NOW + 45_000) == 0


def test_reads_and_entries_leave_three_tenths_to_exits() -> None:
    budget = WeightBudget(weight_limit=100)

    assert budget.take(70, Priority.READ, NOW) == 0
    assert budget.take(1, Priority.READ, NOW) == 45_000
    assert budget.take(1, Priority.ENTRY, NOW) == 45_000
    assert budget.take(30, Priority.EXIT, NOW) == 0
    assert budget.take(1, Priority.EXIT, NOW) == 45_000


def test_an_entry_is_admitted_only_with_room_for_its_exits() -> None:
    budget = WeightBudget(weight_limit=75)

    assert budget.reserve(NOW, account="a") == 0
    assert budget.reserve(NOW, account="b") == 0
    assert budget.reserve(NOW, account="c") == 45_000
    assert budget.reserved(NOW) == 2 * ENTRY_WEIGHT


def test_what_an_account_spends_is_not_counted_beside_its_reservation() -> None:
    budget = WeightBudget(weight_limit=200)
    budget.reserve(NOW, account="a")

    budget.take(20, Priority.EXIT, NOW, account="a")
    budget.take(5, Priority.EXIT, NOW, account="b")

    assert budget.reserved(NOW) == ENTRY_WEIGHT - 20
    assert budget.used(NOW) == 25


def test_orders_are_counted_by_account_in_both_windows() -> None:
    budget = WeightBudget(orders_minute=20, orders_ten_seconds=10)

    for _ in range(7):
        assert budget.take(0, Priority.ENTRY, NOW, account="a", orders=1) == 0
    assert budget.take(0, Priority.ENTRY, NOW, account="a", orders=1) == 5_000
    assert budget.take(0, Priority.ENTRY, NOW, account="b", orders=1) == 0
    assert budget.take(0, Priority.EXIT, NOW, account="a", orders=1) == 0


def test_the_exchanges_own_counts_replace_ours() -> None:
    """Other processes behind the same address spend of the same weight."""
    budget = WeightBudget(weight_limit=1_000)
    headers = {
        "x-mbx-used-weight-1m": "650",
        "x-mbx-order-count-10s": "290",
        "x-mbx-order-count-1m": "291",
    }

    budget.answered(200, headers, NOW, account="a")

    assert budget.used(NOW) == 650
    assert budget.take(51, Priority.READ, NOW) > 0
    assert budget.take(0, Priority.ENTRY, NOW, account="a", orders=1) > 0
    assert budget.take(0, Priority.EXIT, NOW, account="a", orders=10) == 0


def test_a_header_that_is_no_number_changes_nothing() -> None:
    budget = WeightBudget()
    budget.take(7, Priority.READ, NOW)

    budget.answered(200, {"x-mbx-used-weight-1m": "many"}, NOW)

    assert budget.used(NOW) == 7


@pytest.mark.parametrize(("told_s", "wait_ms"), [(7.0, 7_000), (None, 30_000)])
def test_after_429_only_exits_go_before_the_time(told_s: float | None, wait_ms: int) -> None:
    budget = WeightBudget()
    budget.answered(429, {}, NOW, retry_after_s=told_s)

    assert budget.take(1, Priority.READ, NOW) == wait_ms
    assert budget.reserve(NOW) == wait_ms
    assert budget.take(1, Priority.EXIT, NOW) == 0
    assert budget.take(1, Priority.READ, NOW + wait_ms) == 0


def test_after_418_nothing_goes_before_the_time() -> None:
    budget = WeightBudget()
    budget.answered(418, {}, NOW, retry_after_s=120.0)

    assert budget.take(1, Priority.EXIT, NOW) == 120_000
    assert budget.take(1, Priority.EXIT, NOW + 119_999) == 1
    assert budget.take(1, Priority.EXIT, NOW + 120_000) == 0


def test_a_shorter_ban_does_not_end_a_longer_one() -> None:
    budget = WeightBudget()
    budget.answered(418, {}, NOW, retry_after_s=120.0)
    budget.answered(418, {}, NOW, retry_after_s=1.0)

    assert budget.take(1, Priority.EXIT, NOW) == 120_000


def test_published_limits_take_effect_for_accounts_already_counted() -> None:
    budget = WeightBudget()
    budget.take(0, Priority.EXIT, NOW, account="a", orders=1)

    budget.set_limits(600, 20, 10)

    assert budget.take(421, Priority.READ, NOW) > 0
    assert budget.take(0, Priority.EXIT, NOW, account="a", orders=10) > 0


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(600, 2_400),
    calls=st.lists(
        st.tuples(st.sampled_from(["read", "entry"]), st.integers(0, 900)),
        min_size=1,
        max_size=200,
    ),
)
def test_no_admitted_entry_ever_waits_for_weight_for_its_exits(
    limit: int, calls: list[tuple[str, int]]
) -> None:
    """As many users as may come: who is let in finds the weight of stop, check and close."""
    budget = WeightBudget(weight_limit=limit)
    now, admitted = NOW, 0
    for kind, later_ms in calls:
        now += later_ms
        if kind == "read":
            budget.take(10, Priority.READ, now)
        elif budget.reserve(now, account=str(admitted)) == 0:
            account = str(admitted)
            admitted += 1
            for weight in (5, 1, 1, 5, 5, 1):
                assert budget.take(weight, Priority.EXIT, now, account=account, orders=1) == 0
    assert budget.used(now) <= limit


T0 = 1_764_010_800_000
USERS = [f"user{i}" for i in range(1_000)]


def used_up(budget: WeightBudget, left: int) -> WeightBudget:
    """Let the exchange say that so much of this minute is left."""
    told = str(budget.weight_limit - left)
    budget.answered(200, {"x-mbx-used-weight-1m": told}, T0)
    return budget


def test_a_thousand_on_one_signal_with_half_the_weight_left_and_no_stop_ever_waits() -> None:
    budget, random, now = used_up(WeightBudget(), 1_200), Random(7), T0
    admitted = [user for user in USERS if not budget.reserve(now, account=user)]
    room = int(budget.weight_limit * 0.7) - (budget.weight_limit - 1_200)
    assert len(admitted) == room // ENTRY_WEIGHT
    waits = []
    for user in random.sample(admitted, len(admitted)):
        waits.append(budget.take(ENTRY_WEIGHT - EXIT_WEIGHT, Priority.ENTRY, now, account=user))
        waits.append(budget.reserve(now, account=user, weight=EXIT_WEIGHT))
        for _ in range(EXIT_WEIGHT):
            waits.append(budget.take(1, Priority.EXIT, now, account=user))
        now += 50
    assert not any(waits)
    assert budget.used(now) <= budget.weight_limit


def test_who_was_not_admitted_waits_for_the_minute_and_not_longer() -> None:
    budget = used_up(WeightBudget(), 730)
    assert budget.reserve(T0, account="a") == 60_000
    assert budget.reserve(T0 + 60_000, account="a") == 0


def test_to_ask_again_adds_nothing_and_calls_use_of_their_own() -> None:
    budget = WeightBudget()
    for _ in range(3):
        assert budget.reserve(T0, account="a") == 0
    assert budget.reserved(T0) == ENTRY_WEIGHT
    budget.take(5, Priority.ENTRY, T0, account="a")
    budget.take(5, Priority.READ, T0, account="b")
    assert budget.reserved(T0) == ENTRY_WEIGHT - 5


def test_reads_leave_what_is_held_back_for_others() -> None:
    budget = used_up(WeightBudget(), 720 + ENTRY_WEIGHT)
    assert budget.reserve(T0, account="a") == 0
    assert budget.take(5, Priority.READ, T0, account="b") > 0
    assert budget.take(5, Priority.READ, T0, account="a") == 0
    assert budget.take(5, Priority.EXIT, T0, account="b") == 0


def test_room_is_held_back_for_half_a_minute() -> None:
    budget = WeightBudget()
    budget.reserve(T0, account="a")
    assert budget.reserved(T0 + 29_999) == ENTRY_WEIGHT
    assert budget.reserved(T0 + 30_000) == 0
