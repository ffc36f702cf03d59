"""Many accounts in one executor: a switch stops those that wait, and who hangs holds up nobody."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who, exchange_process
from tests.support.people import person
from tests.support.waiting import wait_until
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
from trading.domain import client_ids
from trading.executor import supervisor as supervising
from trading.models import Trade, TradeOrder
from trading.services import stops

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("executor")]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process(manual_clock=False) as running:
        yield running


def crowd(venue: Exchange, n: int) -> list[tuple[Who, Trade]]:
    """Connect so many people, and let one signal be chosen for all of them."""
    signal, made = signal_now(), []
    for place in range(n):
        who = venue.account()
        made.append((who, chosen(connected(person(f"p{place}"), who), signal)))
    return made


def entries(who: Who) -> list[int]:
    """Return when the exchange took entries of an account, by its own truth."""
    truth = who.truth()
    orders = [*truth["orders"], *(o for o in truth["ended"] if "clientOrderId" in o)]
    found = ((client_ids.parse(o["clientOrderId"]), o["time"]) for o in orders)
    return [at for parsed, at in found if parsed is not None and parsed.leg.value == "entry"]


def test_no_entry_leaves_after_a_switch_is_thrown_while_others_wait(
    market: Exchange,  # noqa: F811
    lane_loop: asyncio.AbstractEventLoop,
) -> None:
    people = crowd(market, 8)
    for place, (who, _) in enumerate(people):  # their stops are taken one after the other
        delay = {"ms": 300 * place, "when": "before"}
        market.fault(
            "private", "delay", match="/algoOrder", method="POST", api_key=who.api_key, args=delay
        )
    rows = TradeOrder.objects.across_tenants("test").filter(leg="entry", sent_at__isnull=False)
    with running(lane_loop):
        wait_until(lambda: rows.count() >= 3, 20)
        stops.throw("model", "m1", StopMode.NO_ENTRIES, "a switch is tried", by=None, now=_now())
        thrown_at = _now()
        wait_until(lambda: all(_is_decided(trade) for _, trade in people), 20)
        wait_until(lambda: all(legs(who) == [] for who, trade in people if _never(trade)), 20)
        left = [at for who, _ in people for at in entries(who)]
    thrown_ms = thrown_at.timestamp() * 1_000
    assert 3 <= len(left) < len(people), "the switch came while some had entered and others waited"
    assert len(left) == rows.count() == sum(not _never(trade) for _, trade in people)
    assert all(row.sent_at is not None and row.sent_at <= thrown_at for row in rows)
    assert max(left) <= thrown_ms + 1_000
    held_back = {fresh(trade).reason for _, trade in people if _never(trade)}
    assert held_back <= {"kill_switch", "switch"}, "before its stop was placed, or after"
    open_legs = [legs(who) for who, trade in people if not _never(trade)]
    assert all("stop" in found or "guard" in found for found in open_legs)


def test_accounts_whose_calls_hang_hold_up_nobody(
    market: Exchange,  # noqa: F811
    lane_loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F-55; `manage.py bench isolation` has a hundred of a thousand."""
    monkeypatch.setattr(supervising, "DRAIN_S", 0.1)
    people = crowd(market, 8)
    slow, others = people[:3], people[3:]
    for who, _ in slow:
        market.fault("private", "delay", api_key=who.api_key, match="", args={"ms": 60_000})
    with running(lane_loop) as held:
        wait_until(lambda: all(fresh(trade).state == "open" for _, trade in others), 20)
        wait_until(lambda: all(legs(who)[0] == "stop" for who, _ in others), 20)
        asked = market.sim("GET", "faults")
        assert all(fault["struck"] >= 1 for fault in asked), "all the slow ones wait for an answer"
        assert {fresh(trade).state for _, trade in slow} == {"chosen"}
        assert not any(held.lanes[trade.account_id].lane.reconciler.is_done for _, trade in slow)
        assert all(fresh(trade).longest_naked_ms == 0 for _, trade in others)
    assert all(entries(who) == [] for who, _ in slow)


def _now() -> Any:
    return timezone.now()


def _is_decided(trade: Trade) -> bool:
    return fresh(trade).state in ("open", "not_entered", "skipped")


def _never(trade: Trade) -> bool:
    return fresh(trade).state in ("not_entered", "skipped")
