"""Who may send: one claim, one owner of a lane, and every limit read in between. EX-01 to EX-04."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cryptosystems.platform import leases, switches
from cryptosystems.platform.models import Lease
from tests.support.people import alice
from tests.trading.executor.stage import NOW, Stage, make_account, make_trade
from trading.contracts import Venue
from trading.domain.orders import Leg
from trading.domain.venue import PositionSide
from trading.executor import claim, store
from trading.executor.memory import AccountRef
from trading.models import Trade, TradeOrder
from trading.reconciliation.requests import request_of
from trading.reconciliation.state import OrderFacts, TradeFacts
from trading.reconciliation.steps import Prepare

WORKERS = 16


def prepared(leg: Leg = Leg.ENTRY) -> tuple[AccountRef, TradeFacts, OrderFacts]:
    """Return a trade whose order of this leg is prepared."""
    account = make_account(alice().pk)
    make_trade(account)
    ref = AccountRef(account.user_id, account.pk, Venue.SIMULATED)
    (trade,) = store.load(ref.user_id, ref.account_id)
    assert trade.terms is not None
    request = request_of(
        trade,
        leg,
        quantity=trade.terms.quantity,
        price=trade.terms.entry_price,
        trigger=trade.terms.stop,
        position_side=PositionSide.BOTH,
    )
    claim.prepare(ref, trade, Prepare(leg, 1, request, "test"), now_ms=NOW)
    (trade,) = store.load(ref.user_id, ref.account_id)
    return ref, trade, trade.orders[0]


def claimed(ref: AccountRef, order: OrderFacts, trade: TradeFacts, **more: Any) -> bool:
    return claim.claim(ref, order, trade, now_ms=NOW, **more) is None


@pytest.mark.django_db
def test_preparing_twice_writes_one_row() -> None:
    ref, trade, order = prepared()
    claim.prepare(ref, trade, Prepare(Leg.ENTRY, 1, order.request, "test"), now_ms=NOW)
    assert TradeOrder.objects.for_user(ref.user_id).count() == 1


def run_workers(times: int = 6) -> int:
    """Let many workers claim one order again and again; return how many got it."""
    ref, trade, order = prepared()
    got: list[bool] = []
    start = threading.Barrier(WORKERS)

    def work() -> None:
        start.wait()
        for _ in range(times):
            got.append(claimed(ref, order, trade))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(got)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_may_send() -> None:
    assert run_workers() == 1


@pytest.mark.django_db
def test_without_the_conditional_update_several_would(settings: Any) -> None:
    settings.EXECUTOR_TEST_HOOKS = True
    settings.EXECUTOR_GUARDS_OFF = ("claim_once",)
    ref, trade, order = prepared()
    assert [claimed(ref, order, trade) for _ in range(2)] == [True, True]


@pytest.mark.django_db
@pytest.mark.parametrize("switch", ["trading_entries", "trading_close_only", "trading_flatten"])
def test_a_switch_thrown_before_the_claim_holds_the_entry_back(switch: str) -> None:
    ref, trade, order = prepared()
    switches.throw(switch, "tests throw it", alice_id(), timezone.now())
    assert not claimed(ref, order, trade)
    row = Trade.objects.for_user(ref.user_id).get()
    assert row.reason == "switch"
    assert TradeOrder.objects.for_user(ref.user_id).get().state == "dropped"


def alice_id() -> Any:
    from accounts.models import User

    return User.objects.get(email="alice@example.org").pk


@pytest.mark.django_db
def test_a_stop_leaves_whatever_is_switched_off() -> None:
    ref, trade, order = prepared(Leg.GUARD)
    switches.throw("trading_flatten", "tests throw it", alice_id(), timezone.now())
    assert claimed(ref, order, trade)


@pytest.mark.django_db
def test_whoever_lost_the_lane_sends_nothing_and_writes_nothing(settings: Any) -> None:
    ref, trade, order = prepared()
    old = leases.take("lane:test", "one")
    assert old is not None
    Lease.objects.filter(name="lane:test").update(until_ms=0)
    new = leases.take("lane:test", "two")
    assert new is not None and new.epoch > old.epoch
    with pytest.raises(leases.LeaseLost):
        claimed(ref, order, trade, holding=old)
    assert TradeOrder.objects.for_user(ref.user_id).get().state == "prepared"
    assert claimed(ref, order, trade, holding=new)

    settings.EXECUTOR_TEST_HOOKS = True
    settings.EXECUTOR_GUARDS_OFF = ("lease", "claim_once")
    assert claimed(ref, order, trade, holding=old), "without the fence the old owner would send"


@pytest.mark.django_db
def test_all_leases_of_a_process_are_prolonged_at_once() -> None:
    for name in ("lane:a", "lane:b", "lane:c"):
        assert leases.take(name, "one")
    Lease.objects.filter(name="lane:b").update(owner="two", epoch=7)
    assert leases.renew_all("one", "lane:") == {"lane:a", "lane:c"}


def test_nothing_leaves_when_the_lease_may_have_run_out(stage: Stage) -> None:
    """A process that was stopped between claim and send finds its lease old, and sends nothing."""
    make_trade(stage.account)
    stage.lane.holding = stage.lane.desk.holding = leases.take("lane:x", "me")
    stage.lane.lease_is_fresh = lambda: False
    with pytest.raises(leases.LeaseLost):
        stage.run(1_000)
    assert stage.exchange.requests == []
    assert stage.order("guard").state == "submitting"
    stage.lane.holding = stage.lane.desk.holding = None
    stage.restart()
    stage.run(30_000)
    assert stage.exchange.sent("entry") <= 1
