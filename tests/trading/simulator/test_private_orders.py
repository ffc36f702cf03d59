"""Orders, conditional orders and account endpoints, with the codes the exchange refuses by."""

import json
from typing import Any

import pytest

from tests.support.exchange_process import CallRefused, Venue, Who

ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"
LIMIT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "66000",
    "timeInForce": "GTC",
}
MARKET: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "0.01",
}
STOP: dict[str, Any] = {
    "algoType": "CONDITIONAL",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.01",
    "triggerPrice": "66000",
    "workingType": "MARK_PRICE",
}
DAY_MS = 86_400_000


def code(who: Who, method: str, path: str, **params: Any) -> int | None:
    with pytest.raises(CallRefused) as caught:
        who.call(method, path, **params)
    return caught.value.code


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symbol": "NOSUCHUSDT"}, -1121),
        ({"symbol": ""}, -1102),
        ({"side": "HOLD"}, -1117),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"type": "ICEBERG"}, -1116),
        ({"timeInForce": "GTD"}, -1115),
        ({"timeInForce": ""}, -1102),
        ({"quantity": "much"}, -1100),
        ({"quantity": ""}, -1102),
        ({"quantity": "0.0105"}, -1111),
        ({"quantity": "0.0005"}, -4004),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.001"}, -4164),
        ({"price": ""}, -1102),
        ({"price": "66000.05"}, -4014),
        ({"price": "80000"}, -4016),
        ({"newClientOrderId": "no spaces"}, -4015),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "UP"}, -4060),
        ({"quantity": "4"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"timeInForce": "GTX", "price": "67100"}, -5022),
        ({"timeInForce": "FOK"}, -5021),
        ({"priceMatch": "QUEUE"}, -1130),
    ],
    ids=str,
)
def test_an_order_is_refused_by_the_code_of_what_is_wrong(
    venue: Venue, changes: dict[str, Any], expected: int
) -> None:
    who = venue.account()
    assert code(who, "POST", ORDER, **{**LIMIT, **changes}) == expected
    assert code(who, "POST", "/fapi/v1/order/test", **{**LIMIT, **changes}) == expected
    assert who.truth()["orders"] == []


def test_a_tried_order_does_nothing(venue: Venue) -> None:
    who = venue.account()
    assert who.call("POST", "/fapi/v1/order/test", **MARKET) == {}
    truth = who.truth()
    assert (truth["orders"], truth["trades"], truth["wallet"]) == ([], [], "10000.00000000")


def test_an_answer_waits_for_the_end_only_where_it_is_asked_to(venue: Venue) -> None:
    """ACK is told on acceptance; RESULT waits for orders that end at once, and only those."""
    who = venue.account()
    accepted = who.call("POST", ORDER, **MARKET)
    assert (accepted["status"], accepted["executedQty"]) == ("NEW", "0")
    result = {"newOrderRespType": "RESULT"}
    done = who.call("POST", ORDER, **MARKET, **result)
    assert (done["status"], done["executedQty"]) == ("FILLED", "0.01")
    killed = who.call("POST", ORDER, **{**LIMIT, "timeInForce": "IOC"}, **result)
    assert killed["status"] == "EXPIRED"
    for told in (accepted, done, killed):
        assert not {"avgPrice", "cumQuote"} & told.keys()
    asked = who.call("GET", ORDER, symbol="BTCUSDT", orderId=done["orderId"])
    assert (asked["avgPrice"], asked["cumQuote"]) == ("67000.1", "670.001")


def test_a_client_id_is_taken_only_while_its_order_is_open(venue: Venue) -> None:
    who = venue.account()
    named = {**LIMIT, "newClientOrderId": "same"}
    who.call("POST", ORDER, **named)
    assert code(who, "POST", ORDER, **named) == -4116
    who.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="same")
    assert who.call("POST", ORDER, **named)["status"] == "NEW"


def test_orders_are_found_amended_and_cancelled_by_either_id(venue: Venue) -> None:
    who = venue.account()
    first = who.call("POST", ORDER, **LIMIT, newClientOrderId="a")
    by_name = {"symbol": "BTCUSDT", "origClientOrderId": "a"}
    assert who.call("GET", ORDER, **by_name)["orderId"] == first["orderId"]
    assert code(who, "GET", ORDER, symbol="BTCUSDT") == -1102
    assert code(who, "PUT", ORDER, **by_name, side="BUY", quantity="0.01", price="66000") == -5027
    moved = who.call("PUT", ORDER, **by_name, side="BUY", quantity="0.02", price="65000")
    assert (moved["orderId"], moved["price"]) == (first["orderId"], "65000")
    too_much = {"side": "BUY", "quantity": "900", "price": "65000"}
    assert code(who, "PUT", ORDER, **by_name, **too_much) == -2027
    too_little = {"side": "BUY", "quantity": "0.001", "price": "65000"}
    assert code(who, "PUT", ORDER, **by_name, **too_little) == -4164
    assert who.call("DELETE", ORDER, symbol="BTCUSDT", orderId=first["orderId"])["status"] == (
        "CANCELED"
    )
    assert code(who, "DELETE", ORDER, **by_name) == -2011
    assert who.call("GET", ORDER, **by_name)["status"] == "CANCELED"


def test_a_batch_says_of_each_order_how_it_went(venue: Venue) -> None:
    who = venue.account()
    rows = [{**LIMIT, "newClientOrderId": f"b{n}"} for n in range(2)]
    rows += [{**LIMIT, "price": "1"}, {**LIMIT, "type": "STOP_MARKET"}]
    told = who.call("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(rows))
    assert [row.get("status") or row["code"] for row in told] == ["NEW", "NEW", -4164, -4120]
    six = json.dumps([LIMIT] * 6)
    assert code(who, "POST", "/fapi/v1/batchOrders", batchOrders=six) == -4082
    assert code(who, "POST", "/fapi/v1/batchOrders", batchOrders="none") == -1130
    ids = json.dumps([told[0]["orderId"], 1])
    gone = who.call("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderidlist=ids)
    assert [row.get("status") or row["code"] for row in gone] == ["CANCELED", -2011]


def test_each_service_knows_only_its_own_orders(venue: Venue) -> None:
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    who.call("POST", ORDER, **LIMIT)
    stop = who.call("POST", ALGO, **STOP, reduceOnly="true", clientAlgoId="sl")
    assert who.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert who.call("GET", "/fapi/v1/openOrders") == []
    assert [o["algoId"] for o in who.call("GET", "/fapi/v1/openAlgoOrders")] == [stop["algoId"]]
    gone = who.call("DELETE", ALGO, algoId=stop["algoId"])
    assert (gone["code"], gone["clientAlgoId"]) == ("200", "sl")
    assert code(who, "DELETE", ALGO, algoId=stop["algoId"]) == -2011
    assert who.call("GET", ALGO, clientAlgoId="sl")["algoStatus"] == "CANCELED"
    who.call("POST", ALGO, **STOP, reduceOnly="true")
    assert who.call("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert who.call("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT") == []
    assert len(who.call("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT")) == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"algoType": "TWAP"}, -1130),
        ({"type": "LIMIT"}, -1116),
        ({"triggerPrice": ""}, -1102),
        ({"triggerPrice": "67100"}, -2021),
        ({"quantity": ""}, -1102),
        ({"closePosition": "true"}, -4136),
        ({"closePosition": "true", "quantity": "", "side": "BUY", "triggerPrice": "68000"}, -4509),
        ({"workingType": "INDEX"}, -1130),
    ],
    ids=str,
)
def test_a_conditional_order_is_refused_by_the_code_of_what_is_wrong(
    venue: Venue, changes: dict[str, Any], expected: int
) -> None:
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    assert code(who, "POST", ALGO, **{**STOP, **changes}) == expected


def test_one_closing_stop_of_a_direction_stands_and_its_kind_is_told(venue: Venue) -> None:
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    closing = {**STOP, "quantity": "", "closePosition": "true"}
    told = who.call("POST", ALGO, **closing)
    assert (told["timeInForce"], told["quantity"], told["reduceOnly"]) == ("GTE_GTC", "0", True)
    assert code(who, "POST", ALGO, **closing) == -4130
    profit = {**closing, "type": "TAKE_PROFIT_MARKET", "triggerPrice": "68000"}
    assert who.call("POST", ALGO, **profit)["algoStatus"] == "NEW"
    venue.price("BTCUSDT", 68_010)
    states = {o["orderType"]: o["algoStatus"] for o in _all_algo(who)}
    assert states == {"TAKE_PROFIT_MARKET": "FINISHED", "STOP_MARKET": "EXPIRED"}


def test_the_limit_and_trailing_kinds_are_taken_and_told_as_they_are(venue: Venue) -> None:
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    limit = {**STOP, "type": "TAKE_PROFIT", "triggerPrice": "68000", "price": "69000"}
    told = who.call("POST", ALGO, **limit, priceProtect="true")
    assert (told["price"], told["priceProtect"], told["timeInForce"]) == ("69000", True, "GTC")
    trailing = {**STOP, "type": "TRAILING_STOP_MARKET", "triggerPrice": "", "callbackRate": "1.5"}
    told = who.call("POST", ALGO, **trailing, activatePrice="69500")
    assert (told["activatePrice"], told["callbackRate"]) == ("69500", "1.5")
    assert code(who, "POST", ALGO, **{**trailing, "callbackRate": ""}) == -1102
    venue.price("BTCUSDT", 68_010)
    fired = next(o for o in _all_algo(who) if o["orderType"] == "TAKE_PROFIT")
    assert (fired["algoStatus"], fired["actualType"]) == ("TRIGGERED", "LIMIT")
    resting = who.call("GET", ORDER, symbol="BTCUSDT", orderId=fired["actualOrderId"])
    assert (resting["type"], resting["origType"], resting["status"]) == (
        "LIMIT",
        "TAKE_PROFIT",
        "NEW",
    )


def _all_algo(who: Who) -> Any:
    return who.call("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT")


def test_settings_change_and_say_when_they_cannot(venue: Venue) -> None:
    who = venue.account()
    assert who.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=9)["leverage"] == 9
    assert code(who, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=500) == -4028
    isolated = {"symbol": "BTCUSDT", "marginType": "ISOLATED"}
    assert who.call("POST", "/fapi/v1/marginType", **isolated)["code"] == 200
    assert code(who, "POST", "/fapi/v1/marginType", **isolated) == -4046
    (row,) = who.call("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")
    assert (row["marginType"], row["leverage"]) == ("ISOLATED", 9)
    assert code(who, "POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true") == -4167
    assert code(who, "POST", "/fapi/v1/positionSide/dual", dualSidePosition="false") == -4059
    who.call("POST", ORDER, **LIMIT)
    assert code(who, "POST", "/fapi/v1/positionSide/dual", dualSidePosition="true") == -4067
    crossed = {"symbol": "BTCUSDT", "marginType": "CROSSED"}
    assert code(who, "POST", "/fapi/v1/marginType", **crossed) == -4047
    who.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    who.call("POST", ORDER, **MARKET)
    assert code(who, "POST", "/fapi/v1/positionSide/dual", dualSidePosition="true") == -4068
    assert code(who, "POST", "/fapi/v1/marginType", **crossed) == -4048
    before = who.call("GET", "/fapi/v3/positionRisk")[0]
    margin = {"symbol": "BTCUSDT", "amount": "50", "type": 1}
    assert who.call("POST", "/fapi/v1/positionMargin", **margin)["code"] == 200
    after = who.call("GET", "/fapi/v3/positionRisk")[0]
    assert float(after["isolatedWallet"]) == float(before["isolatedWallet"]) + 50
    assert float(after["liquidationPrice"]) < float(before["liquidationPrice"])


def test_hedge_mode_holds_both_sides_and_takes_no_reduce_only(venue: Venue) -> None:
    who = venue.account()
    who.call("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    assert who.call("GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": True}
    for side, position in (("BUY", "LONG"), ("SELL", "SHORT")):
        who.call("POST", ORDER, **{**MARKET, "side": side}, positionSide=position)
    rows = who.call("GET", "/fapi/v3/positionRisk")
    assert {row["positionSide"]: row["positionAmt"] for row in rows} == {
        "LONG": "0.01",
        "SHORT": "-0.01",
    }
    closing = {**MARKET, "side": "SELL", "positionSide": "LONG"}
    assert code(who, "POST", ORDER, **closing, reduceOnly="true") == -1106
    who.call("POST", ORDER, **closing)
    assert [row["positionSide"] for row in who.call("GET", "/fapi/v3/positionRisk")] == ["SHORT"]


def test_positions_know_leverage_in_the_older_form_only(venue: Venue) -> None:
    """A symbol with a resting order and no position has a row of zeros."""
    who = venue.account()
    who.call("POST", ORDER, **LIMIT)
    (new,) = who.call("GET", "/fapi/v3/positionRisk")
    assert new["positionAmt"] == "0" and not {"leverage", "marginType"} & new.keys()
    (old,) = who.call("GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")
    assert (old["leverage"], old["marginType"]) == ("20", "cross")
    account = who.call("GET", "/fapi/v3/account")
    assert float(account["totalOpenOrderInitialMargin"]) == 33
    assert float(account["availableBalance"]) == 9_967
    assert who.call("GET", "/fapi/v2/account")["positions"][0]["leverage"] == "20"
    assert who.call("GET", "/fapi/v1/accountConfig")["dualSidePosition"] is False


def test_a_countdown_cancels_ordinary_orders_unless_told_again(venue: Venue) -> None:
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    who.call("POST", ORDER, **LIMIT)
    who.call("POST", ALGO, **STOP, reduceOnly="true")
    countdown = "/fapi/v1/countdownCancelAll"
    told = who.call("POST", countdown, symbol="BTCUSDT", countdownTime=10_000)
    assert told == {"symbol": "BTCUSDT", "countdownTime": "10000"}
    venue.advance(8_000)
    who.call("POST", countdown, symbol="BTCUSDT", countdownTime=10_000)
    venue.advance(8_000)
    assert len(who.call("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")) == 1
    venue.advance(3_000)
    assert who.call("GET", "/fapi/v1/openOrders", symbol="BTCUSDT") == []
    assert len(who.call("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")) == 1


def test_an_unfilled_order_is_forgotten_after_three_days_and_a_filled_one_is_not(
    venue: Venue,
) -> None:
    who = venue.account()
    filled = who.call("POST", ORDER, **MARKET)["orderId"]
    cancelled = who.call("POST", ORDER, **LIMIT)["orderId"]
    who.call("DELETE", ORDER, symbol="BTCUSDT", orderId=cancelled)
    listed = who.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    assert [o["orderId"] for o in listed] == [filled, cancelled]
    venue.advance(3 * DAY_MS, step_ms=3_600_000)
    assert code(who, "GET", ORDER, symbol="BTCUSDT", orderId=cancelled) == -2013
    listed = who.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    assert [o["orderId"] for o in listed] == [filled]


def test_fills_and_incomes_are_listed_by_window_order_and_kind(venue: Venue) -> None:
    who = venue.account()
    first = who.call("POST", ORDER, **MARKET)["orderId"]
    venue.price("BTCUSDT", 67_100)
    venue.advance(60_000, step_ms=60_000)
    who.call("POST", ORDER, **{**MARKET, "side": "SELL"}, reduceOnly="true")
    trades = "/fapi/v1/userTrades"
    both = who.call("GET", trades, symbol="BTCUSDT")
    assert [t["realizedPnl"] for t in both] == ["0.00000000", "0.99800000"]
    assert who.call("GET", trades, symbol="BTCUSDT", orderId=first) == both[:1]
    assert who.call("GET", trades, symbol="BTCUSDT", fromId=both[1]["id"]) == both[1:]
    assert who.call("GET", trades, symbol="BTCUSDT", startTime=both[1]["time"]) == both[1:]
    wide = {"startTime": both[0]["time"] - 8 * DAY_MS, "endTime": both[1]["time"]}
    assert code(who, "GET", trades, symbol="BTCUSDT", **wide) == -4166
    incomes = who.call("GET", "/fapi/v1/income")
    kinds = [row["incomeType"] for row in incomes]
    assert kinds == ["COMMISSION", "REALIZED_PNL", "COMMISSION"]
    total = 10_000 + sum(float(row["income"]) for row in incomes)
    assert float(who.truth()["wallet"]) == pytest.approx(total, abs=1e-8)
    (result,) = who.call("GET", "/fapi/v1/income", incomeType="REALIZED_PNL")
    assert result["tradeId"] == str(both[1]["id"])


def test_a_halted_symbol_takes_no_order(venue: Venue) -> None:
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    try:
        venue.listing("BTCUSDT", "SETTLING")
        assert code(who, "POST", ORDER, **MARKET) == -4140
        closing = {**MARKET, "side": "SELL", "reduceOnly": "true"}
        assert who.call("POST", ORDER, **closing)["status"] == "NEW"
        venue.listing("BTCUSDT", "BREAK")
        assert code(who, "POST", ORDER, **MARKET) == -4141
    finally:
        venue.listing("BTCUSDT", "TRADING")


def test_a_gap_through_the_stop_fills_where_the_market_is(venue: Venue) -> None:
    """F-63: a stop is a market order once it fires; nobody promises its price."""
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    who.call("POST", ALGO, **STOP, reduceOnly="true")
    venue.price("BTCUSDT", 61_640)
    closing = who.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")[-1]
    assert closing["price"] == "61639.9"


def test_a_price_that_came_and_went_between_two_beats_still_fires(venue: Venue) -> None:
    who = venue.account()
    who.call("POST", ORDER, **MARKET)
    who.call("POST", ALGO, **STOP, reduceOnly="true")
    venue.price("BTCUSDT", 65_900, seconds=1)
    venue.advance(1_000, step_ms=1_000)
    venue.price("BTCUSDT", 67_000)
    assert who.position("BTCUSDT") == "0"
