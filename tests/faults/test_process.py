"""The executor as it runs, while what stands beside it fails: F-15, F-16, F-58."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.utils import timezone

from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import exchange_process
from tests.support.people import alice, person
from tests.support.servers import valkey
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
from trading.executor import release
from trading.executor import supervisor as supervising
from trading.executor.hints import hear_bells
from trading.models import ExecutorWord

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("executor_settings")]

COVERED = ["stop", "tp1", "tp2", "tp3"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process(manual_clock=False) as venue:
        yield venue


@contextmanager
def hearing(loop: asyncio.AbstractEventLoop, held: supervising.Supervisor) -> Iterator[None]:
    """Let bells wake lanes, as the process has it."""
    future = asyncio.run_coroutine_threadsafe(hear_bells(held.hear), loop)
    try:
        yield
    finally:
        future.cancel()


@contextmanager
def broker() -> Iterator[tuple[str, Callable[[str], None]]]:
    """Run a Valkey that can be made to fail; it goes on before it is asked to end."""
    with valkey() as url, redis.Redis.from_url(url) as server:
        pid = server.info("server")["process_id"]

        def fail(how: str) -> None:
            if how == "flushed":
                server.flushall()
            else:
                os.kill(pid, signal.SIGKILL if how == "gone" else signal.SIGSTOP)

        try:
            yield url, fail
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("how", ["flushed", "gone", "hangs"])
def test_the_executor_trades_on_without_redis(
    market: Exchange,  # noqa: F811
    lane_loop: asyncio.AbstractEventLoop,
    settings: Any,
    how: str,
) -> None:
    """F-15, F-16: rows are the truth; Redis only wakes, and may be empty, gone or asleep."""
    who, other = market.account(), market.account()
    mine, theirs = connected(alice(), who), connected(person("other"), other)
    with broker() as (url, fail):
        settings.REDIS_URL = url
        trade = chosen(mine, signal_now())
        with running(lane_loop) as held, hearing(lane_loop, held):
            wait_until(lambda: legs(who) == COVERED, 20)
            fail(how)
            began = supervising.boot_s()
            market.price("BTCUSDT", 60_750)
            wait_until(lambda: fresh(trade).stop_level == "break_even", 20)
            wait_until(lambda: legs(who) == ["stop", "tp2", "tp3"], 20)
            market.price("BTCUSDT", 60_000)
            wait_until(lambda: fresh(trade).state == "closed", 20)
            second = chosen(theirs, signal_now())  # now that the price stands in its zone
            wait_until(lambda: legs(other) == COVERED, 20)
            assert supervising.boot_s() - began < 15, "nobody waits for it"
    assert fresh(trade).reason == "break_even"
    assert fresh(trade).longest_naked_ms == fresh(second).longest_naked_ms == 0
    assert Decimal(who.position("BTCUSDT")) == 0


def test_the_newer_of_two_releases_enters_nothing_until_the_older_is_gone(
    market: Exchange,  # noqa: F811
    lane_loop: asyncio.AbstractEventLoop,
) -> None:
    """F-58: the older one speaks every five seconds; what is open is looked after all the same."""
    now = timezone.now()
    ExecutorWord.objects.create(
        process="older", release="another", started_at=now - timedelta(hours=1), said_at=now
    )
    who = market.account()
    trade = chosen(connected(alice(), who), signal_now())
    with running(lane_loop, "newer") as held:
        wait_until(lambda: held.refused == "other_release")
        wait_until(lambda: any(hosted.lane for hosted in held.lanes.values()))
        asyncio.run_coroutine_threadsafe(held.sweep(), lane_loop).result(10)
        assert legs(who) == [] and fresh(trade).state in ("chosen", "entering")
        ExecutorWord.objects.filter(process="older").delete()
        asyncio.run_coroutine_threadsafe(held.say(), lane_loop).result(10)
        wait_until(lambda: legs(who) == COVERED, 20)
    assert ExecutorWord.objects.get(process="newer").release == release.release()
