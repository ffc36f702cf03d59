"""`manage.py reconcile`: in what our books and the exchange differ, told and not touched."""

import asyncio
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who
from tests.support.people import alice
from tests.support.waiting import wait_until
from tests.trading.executor.test_process import (  # noqa: F401 - fixtures
    chosen,
    connected,
    exchange,
    fresh,
    legs,
    market,
    running,
    signal_now,
)
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading.models import Fill, SecretOpening, TradeOrder, TradingAccount

D = Decimal
ALGO = "/fapi/v1/algoOrder"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("executor")]


def reconcile(user: Any) -> tuple[str, bool]:
    """Run the command; return what it wrote and whether it ended well."""
    out = StringIO()
    try:
        call_command("reconcile", user=str(user.pk), stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}", False
    return out.getvalue(), True


def truth_of(who: Who) -> tuple[Any, ...]:
    told = who.truth()
    return told["positions"], told["orders"], told["algos"], told["trades"]


def rows_of(user: Any) -> list[Any]:
    return [
        list(model.objects.for_user(user.pk).order_by("pk").values())
        for model in (TradeOrder, Fill, TradingAccount)
    ]


def test_every_difference_is_told_and_nothing_is_changed(
    market: Exchange,  # noqa: F811
    lane_loop: asyncio.AbstractEventLoop,
) -> None:
    user, who = alice(), market.account(addresses=["127.0.0.1"])
    account = connected(user, who)
    trade = chosen(account, signal_now())
    with running(lane_loop):
        wait_until(lambda: fresh(trade).state == "open", 20)
        wait_until(lambda: legs(who) == ["stop", "tp1", "tp2", "tp3"], 20)
        wait_until(
            lambda: (
                not TradeOrder.objects.for_user(user.pk).filter(state__in=["submitting", "unknown"])
            ),
            20,
        )
    wait_until(lambda: reconcile(user)[1], 20)
    told, is_well = reconcile(user)
    assert is_well and "simulated Sim" in told and "the same here and there" in told
    assert SecretOpening.objects.filter(process="reconcile", purpose="sign").exists()

    # While nobody looks: the stop and TP3 go, some is sold by hand, and a row of ours is lost.
    orders = TradeOrder.objects.for_user(user.pk)
    stop, tp3 = (orders.get(leg=leg, state="working") for leg in ("stop", "tp3"))
    who.by_hand("DELETE", ALGO, clientAlgoId=stop.client_id)
    who.by_hand("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId=tp3.client_id)
    sale = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "reduceOnly": "true"}
    who.by_hand("POST", "/fapi/v1/order", quantity="0.001", **sale)
    tp2 = orders.get(leg="tp2", state="working")
    orders.filter(pk=tp2.pk).delete()
    before, there = rows_of(user), truth_of(who)

    told, is_well = reconcile(user)

    assert not is_well
    for words in (
        "position       BTCUSDT: position ",
        "no_stop        BTCUSDT",
        f"order_missing  BTCUSDT: stop {stop.client_id}",
        f"order_missing  BTCUSDT: tp3 {tp3.client_id}",
        f"order_stranger BTCUSDT: {tp2.client_id}",
        "fill_missing   BTCUSDT: fill ",
    ):
        assert words in told, told
    assert rows_of(user) == before and truth_of(who) == there


def test_what_cannot_be_read_is_said_and_is_no_agreement(market: Exchange) -> None:  # noqa: F811
    user, who = alice(), market.account(addresses=["127.0.0.1"])
    connected(user, who)
    who.revoke()
    told, is_well = reconcile(user)
    assert not is_well and "not compared: " in told and who.secret not in told


def test_it_needs_a_person_and_the_executors_key(settings: Any) -> None:
    with pytest.raises(CommandError, match="nobody"):
        call_command("reconcile", user=str(uuid4()))
    user = alice()
    assert reconcile(user) == ("No account with a key.\n", True)
    settings.VAULT_PRIVATE_KEYS = ()
    assert "VAULT_PRIVATE_KEYS" in reconcile(user)[0]
