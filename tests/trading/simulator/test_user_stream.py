"""The user stream: who hears what, how long a key lives, and the payloads of each event."""

from typing import Any

import pytest

from tests.support.exchange_process import Venue, Who
from tests.support.servers import until
from tests.trading.simulator.hearing import hearing, listen_key

HOUR_MS = 3_600_000


def buy(who: Who, quantity: str = "0.01", **more: Any) -> Any:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": quantity}
    return who.call("POST", "/fapi/v1/order", **{**order, **more})


def stop(who: Who, trigger: str, **more: Any) -> Any:
    order = {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "triggerPrice": trigger,
        "workingType": "MARK_PRICE",
    }
    return who.call("POST", "/fapi/v1/algoOrder", **{**order, **more})


@pytest.mark.parametrize(
    "path",
    ["/private/ws?listenKey={key}", "/private/ws/{key}", "/private/stream?listenKey={key}"],
)
async def test_each_form_of_the_address_hears_its_account_only(venue: Venue, path: str) -> None:
    mine, other = venue.account(), venue.account()
    async with hearing(venue, path.format(key=listen_key(mine))) as ear:
        listen_key(other)
        buy(other)
        buy(mine, newClientOrderId="mine")
        await ear.wait("ORDER_TRADE_UPDATE", 2)
        assert {e["o"]["c"] for e in ear.of("ORDER_TRADE_UPDATE")} == {"mine"}
        is_wrapped = "stream" in path
        assert all(("stream" in m) == is_wrapped for m in ear.heard if "id" not in m)


async def test_an_order_tells_its_life_in_order_before_its_answer(venue: Venue) -> None:
    """New, then for each fill: the quick word, the order, the account."""
    who = venue.account()
    venue.book("BTCUSDT", asks=[[67_001, 0.004], [67_002, 5]])
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        placed = buy(who, newClientOrderId="two-levels", newOrderRespType="RESULT")
        kinds = await ear.all_so_far()
        fill = ["TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
        assert kinds == ["ORDER_TRADE_UPDATE", *fill, *fill]
        new, part, whole = (event["o"] for event in ear.of("ORDER_TRADE_UPDATE"))
        assert (new["x"], new["X"], new["t"]) == ("NEW", "NEW", 0) and "n" not in new
        assert (part["x"], part["X"], part["l"], part["L"], part["z"]) == (
            ("TRADE", "PARTIALLY_FILLED", "0.004", "67001.0", "0.004")
        )
        assert (whole["X"], whole["z"], whole["ap"]) == ("FILLED", "0.010", "67001.6")
        assert (whole["n"], whole["N"]) == ("0.20100600", "USDT")
        assert (whole["c"], whole["i"]) == ("two-levels", placed["orderId"])
        account = ear.of("ACCOUNT_UPDATE")[-1]["a"]
        assert account["m"] == "ORDER"
        assert (account["P"][0]["s"], account["P"][0]["pa"]) == ("BTCUSDT", "0.010")


async def test_a_stop_tells_of_its_trigger_and_of_the_order_it_became(venue: Venue) -> None:
    who = venue.account()
    buy(who)
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        placed = stop(who, "66000", quantity="0.01", reduceOnly="true", clientAlgoId="sl")
        venue.price("BTCUSDT", 65_990)
        updates = [event["o"] for event in await ear.wait("ALGO_UPDATE", 4)]
        assert [u["X"] for u in updates] == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
        assert {(u["caid"], u["aid"]) for u in updates} == {("sl", placed["algoId"])}
        child = ear.of("ORDER_TRADE_UPDATE")[-1]["o"]
        assert (child["o"], child["ot"], child["X"]) == ("MARKET", "STOP_MARKET", "FILLED")
        assert (child["c"], str(child["i"])) == ("sl", updates[2]["ai"])
        assert (updates[3]["aq"], updates[3]["ap"]) == ("0.01", "65989.9")


async def test_a_close_position_stop_expires_with_its_position(venue: Venue) -> None:
    who = venue.account()
    buy(who)
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        stop(who, "66000", closePosition="true")
        buy(who, side="SELL", reduceOnly="true")
        first, last = (event["o"] for event in await ear.wait("ALGO_UPDATE", 2))
        assert (first["f"], first["q"], first["R"], first["cp"]) == ("GTE_GTC", "0", True, True)
        assert last["X"] == "EXPIRED"


async def test_a_liquidation_warns_and_then_closes_by_force(venue: Venue) -> None:
    who = venue.account(wallet=100)
    who.call("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    who.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=20)
    buy(who, "0.02")
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        venue.price("BTCUSDT", 64_100)
        (warned,) = await ear.wait("MARGIN_CALL")
        assert warned["p"][0]["s"] == "BTCUSDT"
        assert "ORDER_TRADE_UPDATE" not in await ear.all_so_far()
        venue.price("BTCUSDT", 63_800)
        await ear.wait("ACCOUNT_UPDATE")
        forced = ear.of("ORDER_TRADE_UPDATE")[-1]["o"]
        assert forced["c"].startswith("autoclose-") and forced["x"] == "CALCULATED"
    assert who.position("BTCUSDT") == "0"
    assert len(who.call("GET", "/fapi/v1/forceOrders")) == 1


async def test_changed_settings_deleveraging_and_delisting_are_told(venue: Venue) -> None:
    who = venue.account()
    buy(who)
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        who.by_hand("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=7)
        (told,) = await ear.wait("ACCOUNT_CONFIG_UPDATE")
        assert told["ac"] == {"s": "BTCUSDT", "l": 7}
        who.change(adl={"symbol": "BTCUSDT", "quantity": "0.004"})
        assert (await ear.wait("ORDER_TRADE_UPDATE"))[-1]["o"]["c"] == "adl_autoclose"
        who.change(delist="BTCUSDT")
        settled = (await ear.wait("ORDER_TRADE_UPDATE", 2))[-1]["o"]
        assert settled["c"].startswith("settlement_autoclose-")
        assert who.position("BTCUSDT") == "0"


async def test_only_the_events_named_are_sent(venue: Venue) -> None:
    who = venue.account()
    path = f"/private/stream?listenKey={listen_key(who)}&events=ACCOUNT_UPDATE/ALGO_UPDATE"
    async with hearing(venue, path) as ear:
        buy(who)
        assert await ear.all_so_far() == ["ACCOUNT_UPDATE"]


async def test_several_keys_join_one_socket(venue: Venue) -> None:
    one, two = venue.account(), venue.account()
    keys = [listen_key(who) for who in (one, two)]
    path = "/private/stream?" + "&".join(f"listenKey={key}" for key in keys)
    async with hearing(venue, path) as ear:
        buy(one)
        buy(two)
        await ear.wait("ACCOUNT_UPDATE", 2)
        assert [m["stream"] for m in ear.heard if m.get("data", {}).get("e") == "TRADE_LITE"] == (
            keys
        )


async def test_a_key_lives_an_hour_from_when_it_was_last_asked_for(venue: Venue) -> None:
    who = venue.account()
    key = listen_key(who)
    refused = venue.http.put(
        "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": venue.account().api_key}
    )
    assert refused.json()["code"] == -1125
    named = f"/private/stream?listenKey={key}&events=listenKeyExpired"
    unnamed = f"/private/stream?listenKey={key}&events=ACCOUNT_UPDATE"
    async with hearing(venue, named) as ear, hearing(venue, unnamed) as deaf:
        venue.advance(HOUR_MS - 60_000, step_ms=60_000)
        assert listen_key(who) == key, "the same key comes back, prolonged"
        venue.advance(HOUR_MS - 60_000, step_ms=60_000)
        listen_key(who, "PUT")
        venue.advance(HOUR_MS - 60_000, step_ms=60_000)
        assert await ear.all_so_far() == []
        venue.advance(60_000, step_ms=60_000)
        (told,) = await ear.wait("listenKeyExpired")
        assert told["listenKey"] == key
        buy(who)
        assert await deaf.all_so_far() == []
    assert listen_key(who) != key


async def test_a_deleted_key_is_silent_and_a_socket_can_be_cut(venue: Venue) -> None:
    who = venue.account()
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        listen_key(who, "DELETE")
        buy(who)
        assert await ear.all_so_far() == []
    async with hearing(venue, f"/private/ws/{listen_key(who)}") as ear:
        who.change(close_streams=True)
        await until(lambda: ear.socket.closed)
        assert ear.socket.close_code == 1001
