"""The exchange's time, and when it is not to be relied on."""

from dataclasses import dataclass

import pytest

from trading.exchanges.clock import MOST_JUMP_MS, UNKNOWN_AFTER_S, VenueClock

SERVER_MS = 1_764_010_800_000


@dataclass
class Hand:
    """A monotonic clock moved by hand, seconds."""

    s: float = 1_000.0

    def __call__(self) -> float:
        return self.s


def synced(hand: Hand, speed: float = 1.0) -> VenueClock:
    clock = VenueClock(speed, hand)
    clock.sync([(SERVER_MS, hand.s, hand.s)])
    return clock


def test_half_the_round_trip_is_taken_off() -> None:
    hand = Hand()
    clock = VenueClock(monotonic_s=hand)

    clock.sync([(SERVER_MS, hand.s - 0.2, hand.s)])

    assert clock.now_ms() == SERVER_MS + 100
    assert clock.round_trip_ms == pytest.approx(200)


def test_one_slow_answer_of_five_changes_nothing() -> None:
    hand = Hand()
    clock = VenueClock(monotonic_s=hand)
    quick = (SERVER_MS, hand.s - 0.01, hand.s)

    clock.sync([quick, quick, (SERVER_MS - 9_000, hand.s - 9, hand.s), quick, quick])

    assert clock.now_ms() == SERVER_MS + 5


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_time_is_carried_on_at_the_markets_speed(speed: float) -> None:
    hand = Hand()
    clock = synced(hand, speed)

    hand.s += 3

    assert clock.now_ms() == SERVER_MS + 3_000 * speed
    assert clock.real_seconds(3_000 * speed) == 3


def test_the_time_is_not_sure_before_the_first_answer_and_five_minutes_after_the_last() -> None:
    hand = Hand()
    assert not VenueClock(monotonic_s=hand).is_sure()
    clock = synced(hand)

    hand.s += UNKNOWN_AFTER_S
    assert clock.is_sure()
    hand.s += 1
    assert not clock.is_sure()


def test_a_jump_is_not_believed_until_it_is_told_twice() -> None:
    hand = Hand()
    clock = synced(hand)

    clock.sync([(SERVER_MS + int(MOST_JUMP_MS) + 1, hand.s, hand.s)])
    assert not clock.is_sure()
    clock.sync([(SERVER_MS + int(MOST_JUMP_MS) + 1, hand.s, hand.s)])
    assert clock.is_sure()


def test_a_refused_time_stamp_makes_the_time_unsure_until_the_next_answer() -> None:
    hand = Hand()
    clock = synced(hand)

    clock.doubt()
    assert not clock.is_sure()
    clock.sync([(SERVER_MS, hand.s, hand.s)])
    assert clock.is_sure()
