"""Many workers, and one that was stopped while another took over: F-14, F-19, F-62."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.faults.conftest import StageMaker
from tests.faults.invariants import assert_invariants
from tests.faults.process import all_at_once, stopped_at
from tests.faults.stage import INSIDE, MINUTE, Stage
from tests.support.exchange_process import Venue
from tests.support.records import make_signals
from trading.executor import fanout
from trading.models import BotSettings, Fill, JournalEntry, Trade, TradeOrder
from trading.reconciliation.guards import Guard

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 16
DELIVERIES = 7
"""Of each: more than a hundred together."""


# --- delivered many times -------------------------------------------------------------------------


def test_a_signal_handed_out_a_hundred_times_is_one_trade(stage: Stage) -> None:
    """F-14: sixteen processes hand out the same signals at once, again and again."""
    bot = {"account": stage.account, "mode": "trading", "is_automatic": True}
    BotSettings.objects.add_for(stage.user.pk, **bot)
    now = timezone.now()
    make_signals(1, now - timedelta(hours=3))
    fanout.hand_out(now)  # what was issued before is nobody's
    make_signals(3, now)

    def work() -> None:
        for _ in range(DELIVERIES):
            fanout.hand_out(now)

    all_at_once(stage, WORKERS, work)
    assert Trade.objects.for_user(stage.user.pk).count() == 3


def many_lanes(stage: Stage) -> None:
    """F-14: sixteen processes look after one account, and no lease keeps them apart."""
    delay = {"ms": 0, "when": "before"}
    for leg in ("g", "e"):
        stage.fault("private", "delay", match=f"=cs-{leg}", method="POST", args=delay)
    stage.make_trade()

    def work() -> None:
        stage.begin()
        for _ in range(DELIVERIES):
            stage.once()

    all_at_once(stage, WORKERS, work)
    stage.begin()
    stage.run(5_000)
    assert stage.venue.struck() == 2, "one guard and one entry were sent, whoever sent them"
    stage.move(INSIDE)
    stage.run(5_000)
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert_invariants(stage, naked_ms=0)


def test_of_many_workers_one_sends(stage: Stage) -> None:
    many_lanes(stage)


def test_without_the_one_claim_many_would_send(
    make_stage: StageMaker, venue: Venue, executor_settings: Any
) -> None:
    """Sabotage: the exchange refuses a second order of the same name, and yet it was sent.

    Whether two meet is for the machine to say: a crowd that happened to queue is let in again.
    """
    executor_settings.EXECUTOR_GUARDS_OFF = (Guard.CLAIM_ONCE.value,)
    for _ in range(6):
        venue.heal()
        try:
            many_lanes(make_stage())
        except AssertionError as met:
            assert "whoever sent them" in str(met)
            return
    pytest.fail("six crowds, and never two senders")


# --- stopped, and followed ------------------------------------------------------------------------


def rows_of(stage: Stage) -> list[Any]:
    models = (Trade, TradeOrder, Fill, JournalEntry)
    return [list(m.objects.for_user(stage.user.pk).order_by("pk").values()) for m in models]


def followed(stage: Stage, point: str, leg: str) -> None:
    """F-19: a worker is stopped, the next one takes its lane and works, the first one wakes."""

    def live(other: Stage) -> None:
        other.run(1_000)
        other.move(INSIDE)
        other.run(4_000)

    stage.make_trade()
    first = stopped_at(stage, point, leg, live)
    stage.take_over("two")
    stage.begin()
    stage.run(30_000)
    rows, there = rows_of(stage), stage.who.truth()
    is_lost = first.goes_on()
    assert rows_of(stage) == rows, "the older one wrote"
    assert stage.who.truth() == there, "the older one sent"
    assert is_lost, "it did not notice"
    stage.run(5_000)
    assert_invariants(stage, naked_ms=0)


STOPS = [
    *((point, leg) for point in ("K1", "K2", "K4") for leg in ("guard", "entry", "stop")),
    *(("K6", "stop"), ("K8", ""), ("K11", "")),
]


@pytest.mark.parametrize(("point", "leg"), STOPS, ids=[f"{p}-{leg}" for p, leg in STOPS])
def test_a_worker_that_wakes_after_another_has_taken_over(
    stage: Stage, point: str, leg: str
) -> None:
    followed(stage, point, leg)


@pytest.mark.parametrize(("point", "leg"), [("K2", "entry"), ("K4", "entry")])
def test_without_the_lease_the_older_one_goes_on(
    stage: Stage, executor_settings: Any, point: str, leg: str
) -> None:
    """Sabotage of the fence: an entry that counted as lost would leave after all."""
    executor_settings.EXECUTOR_GUARDS_OFF = (Guard.LEASE.value,)
    with pytest.raises(AssertionError, match="the older one"):
        followed(stage, point, leg)


# --- asleep ---------------------------------------------------------------------------------------


def sleeps(stage: Stage, point: str, leg: str) -> None:
    """F-62: the machine is suspended for ten minutes; nobody else has taken the lane."""

    def live(other: Stage) -> None:
        other.run(1_000)
        other.move(INSIDE)
        other.run(4_000)

    stage.make_trade()
    first = stopped_at(stage, point, leg, live)
    stage.venue.advance(10 * MINUTE, MINUTE)
    there = stage.who.truth()
    is_lost = first.goes_on()
    assert stage.who.truth() == there, "sent under a lease that had run out"
    assert is_lost, "it did not notice"
    stage.take_over("two")
    stage.begin()
    stage.run(30_000)
    if not stage.position():
        assert stage.trade().state == "not_entered", "the signal was too old by then"
    assert_invariants(stage, naked_ms=0, is_over=not stage.position())


SLEEPS = [("K2", "guard"), ("K1", "entry"), ("K2", "entry"), ("K2", "stop"), ("K8", "")]


@pytest.mark.parametrize(("point", "leg"), SLEEPS, ids=[f"{p}-{leg}" for p, leg in SLEEPS])
def test_a_machine_that_slept_begins_anew_and_enters_nothing_old(
    stage: Stage, point: str, leg: str
) -> None:
    sleeps(stage, point, leg)


def test_without_the_lease_an_entry_would_leave_ten_minutes_late(
    stage: Stage, executor_settings: Any
) -> None:
    """Sabotage."""
    executor_settings.EXECUTOR_GUARDS_OFF = (Guard.LEASE.value,)
    with pytest.raises(AssertionError, match="had run out"):
        sleeps(stage, "K2", "entry")
