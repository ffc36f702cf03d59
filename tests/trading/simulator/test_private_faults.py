"""Each fault does what it says, to the call, the event or the order it names, and to no other."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.support.exchange_process import CallRefused, Venue, Who
from tests.support.servers import until
from tests.trading.simulator.hearing import hearing, listen_key

ORDER = "/fapi/v1/order"


def buy(who: Who, client_id: str = "", **more: Any) -> Any:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    named = {"newClientOrderId": client_id} if client_id else {}
    return who.call("POST", ORDER, **{**order, **named, **more})


def stop(who: Who, client_id: str = "sl", **more: Any) -> Any:
    order = {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "quantity": "0.01",
        "triggerPrice": "66000",
        "reduceOnly": "true",
        "workingType": "MARK_PRICE",
        "clientAlgoId": client_id,
    }
    return who.call("POST", "/fapi/v1/algoOrder", **{**order, **more})


def algo_state(who: Who, client_id: str = "sl") -> str:
    return str(who.call("GET", "/fapi/v1/algoOrder", clientAlgoId=client_id)["algoStatus"])


# --- calls -----------------------------------------------------------------------------------


@pytest.mark.parametrize("executed", [True, False], ids=["worked", "not worked"])
@pytest.mark.parametrize(
    ("action", "args", "status"),
    [
        ("drop", {}, None),
        ("status", {"status": 503, "code": -1007}, 503),
        ("status", {"status": 408, "code": -1007}, 408),
        ("status", {"status": 503, "code": -1008}, 503),
        ("html", {"status": 502}, 502),
        ("html", {"status": 403}, 403),
    ],
    ids=["hang up", "503 -1007", "408", "-1008", "502 page", "403 page"],
)
def test_an_answer_is_lost_with_and_without_the_order(
    venue: Venue, action: str, args: dict[str, Any], status: int | None, executed: bool
) -> None:
    who, other = venue.account(), venue.account()
    venue.fault(
        "private",
        action,
        match="/order",
        method="POST",
        account=who.uid,
        count=1,
        args={**args, "executed": executed},
    )
    assert buy(other)["status"] == "NEW", "another account is not struck"
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            buy(who)
    else:
        with pytest.raises((CallRefused, json.JSONDecodeError)):
            buy(who)
    assert venue.struck() == 1
    assert who.position("BTCUSDT") == ("0.01" if executed else "0")
    assert who.call("GET", "/fapi/v3/account")["assets"], "only once, and only that call"


@pytest.mark.parametrize("action", ["cut", "half", "empty"])
def test_an_answer_without_sense_comes_after_the_order_was_worked(
    venue: Venue, action: str
) -> None:
    who = venue.account()
    venue.fault("private", action, match="/order", method="POST", count=1)
    with pytest.raises((httpx.RemoteProtocolError, json.JSONDecodeError)):
        buy(who)
    assert who.position("BTCUSDT") == "0.01"


def test_the_answer_can_be_about_another_order(venue: Venue) -> None:
    who = venue.account()
    venue.fault("private", "other_order", match="/order", method="POST", count=1)
    told = buy(who, "mine")
    assert told["clientOrderId"] == "another"
    found = who.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")
    assert found["orderId"] != told["orderId"]


async def test_a_call_can_be_held_before_and_after_it_is_worked(venue: Venue) -> None:
    """Market time decides: with the clock by hand nothing comes until it is moved."""
    who = venue.account()
    for when, worked in (("before", "0"), ("after", "0.01")):
        args = {"ms": 11_000, "when": when}
        venue.fault("private", "delay", match="/order", method="POST", count=1, args=args)
        struck = venue.struck()
        call = asyncio.create_task(asyncio.to_thread(buy, who))
        await until(lambda before=struck: venue.struck() > before)
        venue.advance(10_500)
        assert not call.done()
        assert who.position("BTCUSDT") == worked
        venue.advance(1_000)
        assert (await call)["status"] == "NEW"
        assert float(who.position("BTCUSDT")) == float(worked) + 0.01 * (when == "before")
        if when == "before":
            who.call("POST", ORDER, symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.01")
    assert who.position("BTCUSDT") == "0.01"


def test_an_order_can_reach_the_market_long_after_its_sender_was_told_no(venue: Venue) -> None:
    who = venue.account()
    args = {"executed": True, "after_ms": 15_000, "status": 503, "code": -1007}
    venue.fault("private", "status", match="/order", method="POST", count=1, args=args)
    with pytest.raises(CallRefused, match="-1007"):
        buy(who, "late")
    venue.advance(14_000)
    with pytest.raises(CallRefused, match="-2013"):
        who.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="late")
    venue.advance(1_500)
    found = who.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="late")
    assert found["status"] == "FILLED"


@pytest.mark.parametrize("status", [418, 429])
def test_a_ban_says_how_long_and_ends_by_itself(venue: Venue, status: int) -> None:
    who = venue.account()
    venue.fault("private", "ban", account=who.uid, args={"status": status, "seconds": 30})
    refused = venue.http.get("/fapi/v3/account?timestamp=1", headers={"X-MBX-APIKEY": who.api_key})
    assert (refused.status_code, refused.headers["Retry-After"]) == (status, "30")
    venue.advance(20_000)
    with pytest.raises(CallRefused, match="-1003"):
        who.call("GET", "/fapi/v3/account")
    venue.advance(10_500)
    assert who.call("GET", "/fapi/v3/account")["assets"]


def test_a_close_can_be_refused_so_many_times(venue: Venue) -> None:
    who = venue.account()
    buy(who)
    args = {"status": 400, "code": -2022}
    venue.fault("private", "status", match="reduceOnly=true", count=3, args=args)
    close = {"side": "SELL", "reduceOnly": "true"}
    for _ in range(3):
        with pytest.raises(CallRefused, match="-2022"):
            buy(who, **close)
    buy(who, **close)
    assert who.position("BTCUSDT") == "0"


def test_an_account_can_look_empty_for_a_while(venue: Venue) -> None:
    who = venue.account()
    buy(who)
    venue.fault("private", "zero", match="account|positionRisk|balance", for_ms=33 * 60_000)
    told = who.call("GET", "/fapi/v3/account")
    assert (float(told["totalWalletBalance"]), told["positions"]) == (0, [])
    assert who.call("GET", "/fapi/v3/positionRisk") == []
    assert float(who.call("GET", "/fapi/v3/balance")[0]["balance"]) == 0
    assert who.position("BTCUSDT") == "0.01"
    venue.advance(33 * 60_000, step_ms=60_000)
    assert float(who.call("GET", "/fapi/v3/account")["totalWalletBalance"]) > 9_000


# --- orders ----------------------------------------------------------------------------------


def test_an_order_can_hide_from_queries(venue: Venue) -> None:
    who = venue.account()
    venue.fault("matching", "hide_order", match="late", count=1, args={"ms": 15_000})
    placed = buy(who, "late")
    for path, named in (
        (ORDER, {"origClientOrderId": "late"}),
        (ORDER, {"orderId": placed["orderId"]}),
    ):
        with pytest.raises(CallRefused, match="-2013"):
            who.call("GET", path, symbol="BTCUSDT", **named)
    assert who.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT") == []
    assert who.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT") == []
    assert who.position("BTCUSDT") == "0.01", "it is there all the same"
    venue.advance(15_000)
    assert who.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId="late")["status"] == "FILLED"
    assert len(who.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")) == 1


async def test_a_stop_can_vanish_without_a_word_and_another_come_back(venue: Venue) -> None:
    who = venue.account()
    buy(who)
    venue.fault("matching", "lose_algo", match="lost", args={"after_ms": 53_000})
    venue.fault("matching", "hide_algo", match="away", args={"after_ms": 1_000, "ms": 60_000})
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        stop(who, "lost")
        stop(who, "away")
        venue.advance(10_000)
        assert algo_state(who, "lost") == "NEW"
        with pytest.raises(CallRefused, match="-2013"):
            algo_state(who, "away")
        venue.advance(60_000, step_ms=1_000)
        assert algo_state(who, "away") == "NEW"
        with pytest.raises(CallRefused, match="-2013"):
            algo_state(who, "lost")
        assert await ear.all_so_far() == ["ALGO_UPDATE", "ALGO_UPDATE"]
    venue.price("BTCUSDT", 65_000)
    assert who.position("BTCUSDT") == "0", "the one that came back still protects"


@pytest.mark.parametrize(("action", "state"), [("stuck", "TRIGGERING"), ("reject", "REJECTED")])
def test_a_stop_can_fail_at_its_trigger(venue: Venue, action: str, state: str) -> None:
    who = venue.account()
    buy(who)
    stop(who)
    venue.fault("matching", action, account=who.uid)
    venue.price("BTCUSDT", 65_000)
    assert algo_state(who) == state
    assert who.position("BTCUSDT") == "0.01"


def test_the_conditional_service_can_be_down_while_the_other_is_up(venue: Venue) -> None:
    who = venue.account()
    buy(who)
    stop(who)
    venue.fault("matching", "algo_down", for_ms=60_000)
    with pytest.raises(CallRefused, match="-1008") as refused:
        stop(who, "second")
    assert refused.value.status == 503
    venue.price("BTCUSDT", 65_000)
    assert who.position("BTCUSDT") == "0.01", "nothing triggers while it is down"
    buy(who)
    venue.advance(61_000)
    assert algo_state(who) == "FINISHED"
    assert who.position("BTCUSDT") == "0.01"


# --- user events -----------------------------------------------------------------------------


async def test_events_can_be_lost_doubled_held_and_swapped(venue: Venue) -> None:
    who = venue.account()
    fill = ["TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:

        async def heard_of_a_trade(order: dict[str, Any]) -> list[str]:
            venue.fault("user", **order)
            ear.heard.clear()
            buy(who)
            kinds = await ear.all_so_far()
            venue.heal()
            return kinds

        assert await heard_of_a_trade({"action": "drop"}) == []
        doubled = await heard_of_a_trade({"action": "duplicate", "match": "ACCOUNT_UPDATE"})
        assert doubled == ["ORDER_TRADE_UPDATE", *fill, "ACCOUNT_UPDATE"]
        swapped = await heard_of_a_trade(
            {"action": "reorder", "match": '"e":"ORDER_TRADE_UPDATE".*FILLED', "count": 1}
        )
        assert swapped == ["ORDER_TRADE_UPDATE", fill[0], fill[2], fill[1]]
        held = await heard_of_a_trade({"action": "hold", "match": "FILLED", "args": {"ms": 5_000}})
        assert held == ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE"]
        venue.advance(5_000)
        assert (await ear.all_so_far())[-1] == "ORDER_TRADE_UPDATE"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"channel": "nothing", "action": "drop"}, "channel must be"),
        ({"channel": "user", "action": "explode"}, "action must be"),
        ({"channel": "private", "action": "drop", "match": "("}, "not a pattern"),
    ],
    ids=["channel", "action", "pattern"],
)
def test_a_fault_that_does_not_exist_is_refused(
    venue: Venue, order: dict[str, Any], said: str
) -> None:
    with pytest.raises(CallRefused, match=said):
        venue.sim("POST", "faults", order)
