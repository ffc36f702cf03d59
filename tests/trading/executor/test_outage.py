"""The exchange is in maintenance: entries stop by themselves and come back by themselves (EX-32)."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from cryptosystems.platform import switches
from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import exchange_process
from tests.support.people import alice
from tests.support.waiting import wait_until
from tests.trading.executor.stage import Stage
from tests.trading.executor.test_process import (
    chosen,
    connected,
    fresh,
    legs,
    market,  # noqa: F401 - a fixture
    running,
    signal_now,
)
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading.contracts import StopMode
from trading.executor import outage, selfstop, venues
from trading.executor import supervisor as supervising
from trading.executor.selfstop import LaneFigures
from trading.models import ExecutorWord
from trading.services import stops

LONG_AGO = timedelta(hours=1)
AWAY = {"away": "The exchange says that it is in maintenance."}
SERVES = {"away": "", "serves": True}


def keep(told: dict[str, Any], age: timedelta = LONG_AGO) -> bool:
    now = timezone.now()
    outage.keep_switch(told, now - age, now)
    return switches.is_on(stops.EXCHANGE)


@pytest.mark.django_db
def test_the_platform_throws_its_switch_with_the_reason_and_clears_it() -> None:
    assert keep(AWAY) and keep(AWAY)
    assert stops.platform_mode() is StopMode.NO_ENTRIES
    row = next(one for one in switches.all_switches() if one.name == stops.EXCHANGE)
    assert (row.reason, row.changed_by) == (AWAY["away"], None)
    assert keep({"away": "", "serves": False}), "nobody has had an answer yet"
    assert keep(SERVES, timedelta(seconds=5)), "a process that has just begun knows too little"
    assert not keep(SERVES)
    assert stops.platform_mode() is None
    lines = AuditEntry.objects.filter(action__startswith="switch_").order_by("sequence")
    assert [(one.action, one.actor_kind, one.actor_id) for one in lines] == [
        ("switch_thrown", "system", None),
        ("switch_cleared", "system", None),
    ]


@pytest.mark.django_db
def test_it_stays_while_another_executor_sees_the_exchange_away_or_a_person_threw_it() -> None:
    now = timezone.now()
    ExecutorWord.objects.create(
        process="other", release="a", started_at=now, said_at=now, figures=AWAY
    )
    assert keep(SERVES), "the other one saw it first"
    ExecutorWord.objects.update(said_at=now - timedelta(minutes=1))
    assert not keep(SERVES), "and has fallen silent"
    switches.throw(stops.EXCHANGE, "the exchange behaves oddly", alice().pk)
    assert keep(SERVES), "what a person threw two people clear"


@pytest.mark.django_db
def test_what_follows_from_the_outage_stops_nothing_that_people_must_clear() -> None:
    unsure = LaneFigures(2, is_clock_sure=False, is_exchange_away=True)
    assert selfstop.look(unsure, timezone.now()) == ""
    assert "clock" in selfstop.look(LaneFigures(2, is_clock_sure=False), timezone.now())


def test_on_return_accounts_are_compared_in_turn_those_that_hold_something_first(
    stage: Stage,
) -> None:
    idle = [stage.new_lane() for _ in range(3)]
    for lane in idle:  # they have compared their account and hold nothing
        stage.db.drive(lane.pass_once())
    stage.open()
    stage.run(1_000)
    now = stage.clock.now_ms()
    assert stage.lane.reconciler.is_done
    outage.reconcile_all([*idle, stage.lane], Random(1))
    due = [lane.reconciler.due_ms(now) for lane in [stage.lane, *idle]]
    assert due[0] == now < min(due[1:])
    assert len(set(due)) == 4 and max(due) <= now + outage.MOST_SPREAD_MS
    assert not stage.lane.reconciler.is_done, "nothing is opened until it has compared"
    stage.run(1_000)
    assert stage.lane.reconciler.is_done
    assert stage.exchange.resting() == ["stop", "tp1", "tp2", "tp3"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process(manual_clock=False) as process:
        yield process


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("executor")
def test_the_executor_sees_maintenance_holds_entries_and_goes_on_by_itself(
    market: Exchange,  # noqa: F811
    lane_loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervising, "WORD_S", 0.2)
    monkeypatch.setattr(venues, "STATUS_S", 0.2)
    monkeypatch.setattr(venues, "AWAY_S", 0.2)
    monkeypatch.setattr(venues, "SERVICE_S", 0.1)
    monkeypatch.setattr(outage, "SETTLED", timedelta(0))
    who = market.account()
    account = connected(alice(), who)
    held = chosen(account, signal_now())
    with running(lane_loop) as supervisor:
        wait_until(lambda: "stop" in legs(who), 20)
        market.fault("rest", "maintenance", match="/system/status")
        wait_until(lambda: switches.is_on(stops.EXCHANGE))
        late = chosen(account, signal_now())
        wait_until(lambda: fresh(late).state == "skipped")
        assert "stop" in legs(who), "what rests there stays"
        lane = supervisor.lanes[account.pk].lane
        assert lane is not None
        market.heal()
        wait_until(lambda: not switches.is_on(stops.EXCHANGE))
        wait_until(lambda: lane.reconciler.reason == outage.RETURNED and lane.reconciler.is_done)
    assert fresh(held).state == "open"
