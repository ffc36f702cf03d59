"""The executor as it runs: supervisor, lanes under leases, real sockets to the simulated exchange."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cryptosystems.kernel.clock import SystemClock
from cryptosystems.kernel.instruments import Side
from cryptosystems.platform.models import Lease
from signals.contracts import TradableSignal
from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who, exchange_process
from tests.support.people import alice, charlie
from tests.support.waiting import wait_until
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading import vault
from trading.domain import client_ids
from trading.executor.database import Threads
from trading.executor.key_tests import KeyTests
from trading.executor.key_watch import KeyWatch
from trading.executor.supervisor import Supervisor
from trading.executor.venues import LiveVenues
from trading.models import (
    ExecutorWord,
    JournalEntry,
    KeyCheck,
    Trade,
    TradeOrder,
    TradingAccount,
)
from trading.services import follow, keys, mass
from trading.services.settings import paper_account

D = Decimal
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("executor")]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_process(manual_clock=False) as running:
        yield running


@pytest.fixture
def market(exchange: Exchange, settings: Any) -> Exchange:
    settings.MARKET = "simulated"
    settings.MARKET_REST_URL, settings.MARKET_WS_URL = exchange.base_url, exchange.ws_url
    exchange.heal()
    exchange.price("BTCUSDT", 60_000)
    return exchange


def signal_now(low: str = "59900", high: str = "60100") -> TradableSignal:
    """Return a long of BTCUSDT as the engine would issue it now."""
    now = SystemClock().now_ms()
    targets = (("60700", "0.4"), ("61300", "0.3"), ("61900", "0.3"))
    return TradableSignal(
        id=uuid4(),
        number=1,
        origin="simulated",
        symbol="BTCUSDT",
        base="BTC",
        timeframe="1h",
        side=Side.LONG,
        issued_ms=now,
        entry_low=D(low),
        entry_high=D(high),
        valid_until_ms=now + 600_000,
        stop=D("59500"),
        targets=tuple((D(price), D(share)) for price, share in targets),
        expires_ms=now + 3_600_000,
        confidence=0.7,
        p_low=0.5,
        strength=0.5,
        atr=D("700"),
        model_version="m1",
        decimals=1,
        is_open=True,
    )


def connected(user: Any, who: Who, state: str = "connected") -> TradingAccount:
    """Store an account of the simulated exchange with its sealed key."""
    account = TradingAccount.objects.add_for(
        user.pk,
        venue="simulated",
        label="Sim",
        state=state,
        created_at=timezone.now(),
        checked_at=timezone.now(),
        key_kind="hmac",
        api_key=who.api_key,
    )
    account.sealed_secret = vault.seal(vault.Place(user.pk, account.pk), who.secret.encode())
    account.save(update_fields=["sealed_secret"])
    return account


def chosen(account: TradingAccount, signal: TradableSignal) -> Trade:
    """Store a trade that the lane has not decided about."""
    trade = follow._trade(signal, account, "by_hand", timezone.now())
    Trade.objects.across_tenants("test").bulk_create([trade])
    return trade


@contextmanager
def running(loop: asyncio.AbstractEventLoop, name: str = "one") -> Iterator[Supervisor]:
    """Run an executor in the loop's thread until the block ends."""
    made: dict[str, Any] = {}

    async def main() -> None:
        db, wall = Threads(), SystemClock()
        venues = LiveVenues(name, db)
        tests = KeyTests(venues, db, wall.now_ms)
        supervisor = Supervisor(
            venues, db, wall.now_ms, name, turns=((tests.turn, 0.2), (venues.turn, 1.0))
        )
        supervisor.turns += ((KeyWatch(supervisor, db).turn, 0.2),)
        made["supervisor"] = supervisor
        try:
            await supervisor.run()
        finally:
            await asyncio.shield(_close(tests, venues, db))
            made["closed"] = True

    future = asyncio.run_coroutine_threadsafe(main(), loop)
    try:
        yield wait_until(lambda: made.get("supervisor"))
    finally:
        future.cancel()
        wait_until(lambda: made.get("closed"), 20)


async def _close(tests: KeyTests, venues: LiveVenues, db: Threads) -> None:
    await tests.close()
    await venues.close()
    db.close()


def legs(who: Who) -> list[str]:
    """Return the legs that rest at the exchange, by its own truth."""
    truth = who.truth()
    names = [o["clientOrderId"] for o in truth["orders"]]
    names += [a["clientAlgoId"] for a in truth["algos"]]
    return sorted(found.leg.value for name in names if (found := client_ids.parse(name)))


def stops_of(trade: Trade) -> list[tuple[str, str]]:
    """Return the newest guard and stop of a trade that has moved its stop; none before."""
    if fresh(trade).stop_level != "break_even":
        return []
    orders = TradeOrder.objects.for_user(trade.user_id).filter(trade=trade, attempt__gt=1)
    newest = {order.leg: order.state for order in orders.order_by("attempt")}
    return [(leg, newest[leg]) for leg in ("guard", "stop") if leg in newest]


def fresh(trade: Trade) -> Trade:
    return Trade.objects.for_user(trade.user_id).get(pk=trade.pk)


def test_a_trade_over_real_sockets(market: Exchange, lane_loop: asyncio.AbstractEventLoop) -> None:
    who = market.account()
    account = connected(alice(), who)
    trade = chosen(account, signal_now())
    with running(lane_loop):
        wait_until(lambda: fresh(trade).state != "chosen")
        assert fresh(trade).state == "entering", fresh(trade).sentence
        wait_until(lambda: fresh(trade).state == "open", 15)
        wait_until(lambda: legs(who) == ["stop", "tp1", "tp2", "tp3"], 15)
        wait_until(lambda: fresh(trade).stop_seen_id != "")
        market.price("BTCUSDT", 60_750)
        wait_until(lambda: fresh(trade).stop_level == "break_even", 15)
        wait_until(lambda: legs(who) == ["stop", "tp2", "tp3"], 15)
        market.price("BTCUSDT", 60_000)
        wait_until(lambda: fresh(trade).state == "closed", 20)
    assert fresh(trade).reason == "break_even"
    assert legs(who) == []
    assert D(who.position("BTCUSDT")) == 0
    assert fresh(trade).longest_naked_ms == 0
    kinds = set(JournalEntry.objects.for_user(trade.user_id).values_list("kind", flat=True))
    assert {"planned", "stop_seen", "stop_moves", "closed"} <= kinds
    assert not Lease.objects.filter(name__startswith="lane:").exclude(owner="").exists()
    assert ExecutorWord.objects.get(process="one").release


def test_a_trade_on_paper(market: Exchange, lane_loop: asyncio.AbstractEventLoop) -> None:
    account = paper_account(charlie().pk)
    trade = chosen(account, signal_now())
    with running(lane_loop):
        wait_until(lambda: fresh(trade).state not in ("chosen", "entering"), 15)
        assert fresh(trade).state == "open", fresh(trade).sentence
        wait_until(lambda: _resting(trade) == 4, 15)
        market.price("BTCUSDT", 59_300)
        wait_until(lambda: fresh(trade).state == "closed", 20)
    assert fresh(trade).reason == "stop"
    assert fresh(trade).realised < 0


def _resting(trade: Trade) -> int:
    rows = TradeOrder.objects.for_user(trade.user_id).filter(trade=trade, state="working")
    return rows.count()


def test_a_second_process_takes_no_lane_that_is_held(
    market: Exchange, lane_loop: asyncio.AbstractEventLoop
) -> None:
    account = connected(alice(), market.account())
    chosen(account, signal_now())
    with running(lane_loop, "one") as first:
        wait_until(lambda: any(held.lane for held in first.lanes.values()))
        with running(lane_loop, "two") as second:
            wait_until(lambda: ExecutorWord.objects.filter(process="two").exists())
            wait_until(lambda: second.lanes)
            assert not any(held.lane for held in second.lanes.values())


def test_a_key_is_tested_by_the_process(
    market: Exchange, lane_loop: asyncio.AbstractEventLoop
) -> None:
    user, who = alice(), market.account(addresses=["127.0.0.1"])
    account = connected(user, who, state="draft")
    keys.finish_key(user.pk, account.pk, who.api_key, who.secret)
    with running(lane_loop):
        rows = TradingAccount.objects.for_user(user.pk)
        wait_until(lambda: rows.get().state not in ("draft", "checking"), 20)
        found = rows.get()
    checks = {c.name: (c.state, c.sentence) for c in KeyCheck.objects.for_user(user.pk)}
    assert found.state == "connected", (found.sentence, checks)
    assert checks["stop_order"][0] == "passed"


def test_rights_are_asked_again_each_day_and_a_refused_key_is_tried_again(
    market: Exchange, lane_loop: asyncio.AbstractEventLoop
) -> None:
    user, who = alice(), market.account(addresses=["127.0.0.1"])
    account = connected(user, who)
    rows = TradingAccount.objects.for_user(user.pk)
    rows.update(checked_at=timezone.now() - timedelta(hours=25))
    with running(lane_loop):
        wait_until(lambda: account_now(rows).checked_at > account.checked_at, 20)
        assert account_now(rows).state == "connected", account_now(rows).sentence
        assert account_now(rows).rights["withdrawals"] is False

        who.revoke()
        rows.update(checked_at=timezone.now() - timedelta(hours=25))
        wait_until(lambda: account_now(rows).state == "suspended", 20)
        assert account_now(rows).code == keys.KEY_LOST
        assert account_now(rows).rights["futures"] is True, "what was known last stands"

        # Another key of the same account works again, yet may withdraw now.
        other = who.add_key(addresses=["127.0.0.1"], rights=["reading", "futures", "withdrawals"])
        account = account_now(rows)
        account.api_key = other["api_key"]
        place = vault.Place(user.pk, account.pk)
        account.sealed_secret = vault.seal(place, other["secret"].encode())
        account.checked_at = timezone.now() - timedelta(minutes=11)
        account.save(update_fields=["api_key", "sealed_secret", "checked_at"])
        wait_until(lambda: account_now(rows).code == "right_withdrawals", 20)
    assert account_now(rows).state == "suspended"
    assert "Enable Withdrawals" in account_now(rows).sentence


def test_a_replaced_key_is_taken_and_a_revoked_one_signs_nothing_more(
    market: Exchange, lane_loop: asyncio.AbstractEventLoop
) -> None:
    user, who = alice(), market.account(addresses=["127.0.0.1"])
    account = connected(user, who)
    trade = chosen(account, signal_now())
    rows = TradingAccount.objects.for_user(user.pk)
    with running(lane_loop) as supervisor:
        wait_until(lambda: legs(who) == ["stop", "tp1", "tp2", "tp3"], 20)
        other = who.add_key(addresses=["127.0.0.1"])
        who.revoke()
        market.price("BTCUSDT", 60_750)
        wait_until(lambda: account_now(rows).code == keys.KEY_LOST, 20)
        keys.finish_key(user.pk, account.pk, other["api_key"], other["secret"])
        wait_until(lambda: account_now(rows).state == "connected", 20)
        wait_until(lambda: supervisor.lanes[account.pk].key_id == other["api_key"], 20)
        # The bridge has come and gone: only then is there nothing left to do with a key.
        wait_until(lambda: stops_of(trade) == [("guard", "cancelled"), ("stop", "working")], 20)
        assert legs(who) == ["stop", "tp2", "tp3"]

        mass.revoke_all(timezone.now(), exits_too=True)
        wait_until(lambda: account.pk not in supervisor.lanes, 20)
        assert isinstance(supervisor.venues, LiveVenues)
        n_opened = supervisor.venues.figures()["secrets_opened"]
        asyncio.run_coroutine_threadsafe(supervisor.sweep(), lane_loop).result(10)
        assert account.pk not in supervisor.lanes
        assert supervisor.venues.figures()["secrets_opened"] == n_opened
    assert legs(who) == ["stop", "tp2", "tp3"], "what rests at the exchange stays there"


def account_now(rows: Any) -> TradingAccount:
    found: TradingAccount = rows.all().get(venue="simulated")
    return found
