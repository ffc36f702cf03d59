"""What pages and the API are told: a light that needs proof, pages that lose no line, few queries."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from tests.support.people import person
from tests.support.trades import (
    ENTRY,
    QUANTITY,
    STOP,
    account_of,
    closed_of,
    fill_of,
    order_of,
    trade_of,
)
from trading import api
from trading.contracts import StopProof
from trading.models import Trade

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def light(trade: Trade) -> StopProof:
    return api.positions_of(trade.user_id)[0].proof


def test_the_light_is_green_for_a_stop_that_was_seen_and_for_nothing_less() -> None:
    trade = trade_of(person("alice"))
    assert light(trade) is StopProof.UNCONFIRMED, "no bad news is no proof"
    stop = order_of(trade, "stop", STOP, seen_at=None)
    assert light(trade) is StopProof.UNCONFIRMED, "sent and not seen"
    stop.seen_at = timezone.now()
    stop.save()
    assert light(trade) is StopProof.VERIFIED


@pytest.mark.parametrize(
    ("fields", "proof"),
    [
        ({"not_found": 1}, StopProof.UNCONFIRMED),
        ({"cancel_asked_at": timezone.now()}, StopProof.UNCONFIRMED),
        ({"state": "cancelled"}, StopProof.UNCONFIRMED),
        ({"state": "triggered"}, StopProof.FLATTENING),
    ],
    ids=["not found", "being cancelled", "cancelled", "fired"],
)
def test_a_stop_that_is_going_proves_nothing(fields: dict[str, Any], proof: StopProof) -> None:
    trade = trade_of(person("alice"))
    order_of(trade, "stop", STOP, **fields)
    assert light(trade) is proof


def test_a_stop_by_quantity_has_to_cover_all_of_it() -> None:
    trade = trade_of(person("alice"))
    request = {"kind": "guard", "trigger_price": str(STOP), "quantity": str(QUANTITY / 2)}
    half = order_of(trade, "guard", STOP, request=request)
    assert light(trade) is StopProof.UNCONFIRMED
    half.request = {**request, "quantity": None, "close_position": True}
    half.save()
    assert light(trade) is StopProof.VERIFIED


def test_a_position_that_is_bare_says_how_long_it_may_stay_so() -> None:
    trade = trade_of(person("alice"), naked_since=timezone.now() - timedelta(seconds=2))
    held = api.positions_of(trade.user_id)[0]
    assert held.proof is StopProof.UNCONFIRMED
    assert held.seconds_left is not None and 0 < held.seconds_left <= 3


def test_pages_of_trades_lose_none_where_several_were_decided_at_one_moment() -> None:
    alice, at = person("alice"), timezone.now()
    one, other = account_of(alice), account_of(alice, "demo")
    for number in range(7):
        for account in (one, other):
            trade_of(alice, account, "skipped", decided_at=at - timedelta(minutes=number // 3))
    seen: list[UUID] = []
    before = None
    while True:
        page, before = api.trades_of(alice.pk, before=before, limit=3)
        seen += [line.id for line in page]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 14


def test_reading_costs_the_same_for_one_trade_and_for_twenty(
    django_assert_max_num_queries: Any,
) -> None:
    alice = person("alice")
    account = account_of(alice)
    for _ in range(20):
        trade = trade_of(alice, account)
        order = order_of(trade, "entry", ENTRY, state="filled")
        fill_of(trade, order, ENTRY)
        order_of(trade, "stop", STOP)
        closed_of(alice, "1.5", account)
    for read, most in (
        (lambda: api.positions_of(alice.pk), 2),
        (lambda: api.trades_of(alice.pk), 3),
        (lambda: api.fill_lines(alice.pk), 6),
        (lambda: api.comparison(alice.pk, account.pk), 6),
        (lambda: api.live_state(alice.pk), 12),
    ):
        with django_assert_max_num_queries(most):
            read()


def test_a_fill_says_what_it_cost_beyond_what_was_asked() -> None:
    trade = trade_of(person("alice"))
    order = order_of(trade, "stop", STOP, state="filled")
    fill_of(trade, order, STOP - D("5.94"))
    line = api.fill_lines(trade.user_id)[0]
    assert line.event == "Stopped" and line.slippage_bps == D("1.0")
    assert line.result_r is not None and line.result_r < D(-1)
