"""How execution stands is said where people look: /status, /readyz, /metrics and the doctor."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from frontend import executing
from tests.support.people import alice
from tests.support.trades import account_of, order_of, trade_of
from trading.models import ExecutorWord

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def says(seconds_ago: float = 1.0) -> None:
    """Let an executor have spoken."""
    at = timezone.now() - timedelta(seconds=seconds_ago)
    figures = {"lanes": 3, "clock_offset_ms": 12.5, "weight_used": 40}
    ExecutorWord.objects.create(
        process="p", release="r", started_at=at, said_at=at, figures=figures
    )


def in_trouble() -> None:
    """Let an order have no answer for two minutes, and its position no stop for 30 s."""
    now = timezone.now()
    user = alice()
    trade = trade_of(user, account_of(user), naked_since=now - timedelta(seconds=30))
    order_of(trade, "stop", Decimal(59_400), state="unknown", sent_at=now - timedelta(minutes=2))


def doctor() -> str:
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


def test_silence_is_said_everywhere() -> None:
    says(seconds_ago=60)
    assert Client().get("/readyz").json()["execution"]["state"] == "silent"
    html = Client().get("/status").content.decode()
    assert 'data-executor="silent"' in html and "Stops that rest at the exchange" in html
    assert b"\ncryptosystems_executor_up 0\n" in Client().get("/metrics").content
    told = doctor()
    assert "wrong  executor: silent, 0 trade(s) open" in told and "queue `trading`" in told


def test_all_is_well() -> None:
    says()
    told = Client().get("/readyz").json()["execution"]
    assert told["state"] == "running" and told["unknown_orders"] == told["without_stop"] == 0
    assert 'data-executor="running"' in Client().get("/status").content.decode()
    told = Client().get("/metrics").content.decode()
    for line in ("up 1", "lanes 3", "clock_offset_ms 12.5", "weight_used 40"):
        assert f"\ncryptosystems_executor_{line}\n" in told
    assert "ok     executor: running" in doctor()


def test_what_is_not_known_and_what_has_no_stop_is_said_with_its_age() -> None:
    says()
    in_trouble()
    told = Client().get("/readyz").json()["execution"]
    assert (told["unknown_orders"], told["without_stop"]) == (1, 1)
    assert told["oldest_unknown_s"] >= 120 and 30 <= told["longest_without_stop_s"] < 60
    html = Client().get("/status").content.decode()
    assert "data-unknown>1 (" in html and "data-naked>1 (" in html
    assert "cryptosystems_executor_naked_positions 1\n" in Client().get("/metrics").content.decode()
    told = doctor()
    assert "wrong  executor" in told and "docs/runbooks/unresolved-order.md" in told


def test_readiness_of_the_web_does_not_hang_on_the_executor() -> None:
    """People look at what is open when it is silent: the page must be served then."""
    assert "execution" not in Client().get("/readyz").json()["checks"]


def test_many_visitors_ask_the_database_once(django_assert_num_queries: Any) -> None:
    executing.execution()
    with django_assert_num_queries(0):
        for _ in range(5):
            executing.execution()


def test_accounts_that_differ_and_an_exchange_that_is_away_are_told() -> None:
    says()
    ExecutorWord.objects.update(figures={"n_mismatched": 2, "away": "It is in maintenance."})
    told = Client().get("/metrics").content
    assert b"\ncryptosystems_executor_mismatched_accounts 2\n" in told
    assert b"\ncryptosystems_executor_exchange_away 1\n" in told
