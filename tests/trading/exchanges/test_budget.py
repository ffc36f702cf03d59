"""The weight of one address among many: an entry goes only where the room for its exits is (EX-27)."""

from random import Random

from trading.exchanges.budget import ENTRY_WEIGHT, EXIT_WEIGHT, Priority, WeightBudget

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
