"""Frames of the private socket, as the exchange's documents print them."""

import json
from contextlib import suppress
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.domain.venue import (
    AlgoEvent,
    BalanceEvent,
    OrderEvent,
    OrderSide,
    PositionSide,
    Service,
    SettingsEvent,
    VenueState,
)
from trading.exchanges.private_events import KeyExpired, UnknownEvent, parse
from trading.exchanges.wire import Unreadable

ORDER: dict[str, Any] = {
    "e": "ORDER_TRADE_UPDATE",
    "E": 1568879465651,
    "T": 1568879465650,
    "o": {
        **{"s": "BTCUSDT", "c": "entry-42", "S": "BUY", "o": "MARKET", "f": "GTC", "q": "0.012"},
        **{"p": "0", "ap": "60000.10", "sp": "0", "x": "TRADE", "X": "FILLED", "i": 8886774},
        **{"l": "0.012", "z": "0.012", "L": "60000.10", "n": "0.36000060", "N": "USDT"},
        **{"T": 1568879465650, "t": 698759, "m": False, "R": False, "ot": "MARKET"},
        **{"ps": "BOTH", "cp": False, "rp": "0", "V": "EXPIRE_MAKER", "pm": "NONE"},
    },
}
ALGO: dict[str, Any] = {
    "e": "ALGO_UPDATE",
    "T": 1750515742297,
    "E": 1750515742303,
    "o": {
        **{"caid": "sl-42", "aid": 2148719, "at": "CONDITIONAL", "o": "STOP_MARKET"},
        **{"s": "BTCUSDT", "S": "SELL", "ps": "BOTH", "f": "GTC", "q": "0.012"},
        **{"X": "TRIGGERED", "ai": "8886774", "ap": "0.00000", "aq": "0.00000", "act": "MARKET"},
        **{"tp": "58800", "p": "0", "wt": "MARK_PRICE", "cp": False, "R": True, "rm": ""},
    },
}
ACCOUNT: dict[str, Any] = {
    "e": "ACCOUNT_UPDATE",
    "E": 1564745798939,
    "T": 1564745798938,
    "a": {
        "m": "ORDER",
        "B": [{"a": "BNB", "wb": "1"}, {"a": "USDT", "wb": "122624.12345678", "cw": "100"}],
        "P": [{"s": "BTCUSDT", "pa": "-7.0E-4", "ep": "60000.10", "iw": "72.0", "ps": "BOTH"}],
    },
}


def read(body: dict[str, Any]) -> Any:
    return parse(json.dumps(body).encode())


def changed(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    inside = "a" if "a" in body else "o"
    return {**body, inside: {**body[inside], **fields}}


def test_a_fill_is_read_whole() -> None:
    event = read(ORDER)

    assert isinstance(event, OrderEvent)
    assert event.fill is not None
    assert (event.order.client_id, event.order.exchange_id) == ("entry-42", "8886774")
    assert event.order.state is VenueState.FILLED
    assert (event.fill.trade_id, event.fill.order_id) == ("698759", "8886774")
    assert (event.fill.price, event.fill.quantity) == (D("60000.10"), D("0.012"))
    assert (event.fill.fee, event.fill.fee_asset) == (D("0.36000060"), "USDT")
    assert event.fill.side is OrderSide.BUY
    assert event.reason == ""
    assert event.at_ms == 1568879465650


def test_a_new_order_has_no_fill() -> None:
    event = read(changed(ORDER, x="NEW", X="NEW", t=0, l="0", z="0", L="0", n=None, N=None))

    assert isinstance(event, OrderEvent)
    assert event.fill is None


def test_a_wrapped_frame_is_the_same() -> None:
    assert read({"stream": "key", "data": ORDER}) == read(ORDER)


@pytest.mark.parametrize(
    ("client_id", "reason"),
    [
        ("autoclose-1568879465651", "autoclose"),
        ("adl_autoclose", "adl"),
        ("settlement_autoclose-1", "settlement"),
        ("delivery_autoclose-1", "settlement"),
        ("cs-stop-1-abc", ""),
        ("my-autoclose-", ""),
    ],
)
def test_what_the_exchange_closed_itself_says_why(client_id: str, reason: str) -> None:
    event = read(changed(ORDER, c=client_id, x="CALCULATED"))

    assert isinstance(event, OrderEvent)
    assert event.reason == reason


def test_a_triggered_stop_names_the_order_it_became() -> None:
    event = read(ALGO)

    assert isinstance(event, AlgoEvent)
    assert event.order.service is Service.ALGO
    assert event.order.state is VenueState.TRIGGERED
    assert (event.order.client_id, event.order.exchange_id) == ("sl-42", "2148719")
    assert event.order.actual_order_id == "8886774"
    assert event.order.trigger_price == 58_800
    assert event.order.average_price is None


@pytest.mark.parametrize("none", ["", "0", None])
def test_a_stop_that_did_not_fire_became_nothing(none: str | None) -> None:
    event = read(changed(ALGO, X="NEW", ai=none))

    assert isinstance(event, AlgoEvent)
    assert event.order.actual_order_id == ""


def test_a_rejected_stop_says_why() -> None:
    event = read(changed(ALGO, X="REJECTED", rm="Margin is insufficient."))

    assert isinstance(event, AlgoEvent)
    assert event.order.reject_reason == "Margin is insufficient."


def test_balances_are_read_of_usdt_and_positions_signed() -> None:
    event = read(ACCOUNT)

    assert event == BalanceEvent(
        "ORDER",
        D("122624.12345678"),
        (("BTCUSDT", PositionSide.BOTH, D("-0.00070")),),
        1564745798938,
    )


def test_only_what_changed_is_told() -> None:
    event = read(changed(ACCOUNT, B=[], P=[]))

    assert isinstance(event, BalanceEvent)
    assert event.wallet is None
    assert event.positions == ()


@pytest.mark.parametrize(
    ("more", "symbol", "leverage"),
    [({"ac": {"s": "BTCUSDT", "l": 25}}, "BTCUSDT", 25), ({"ai": {"j": True}}, "", None)],
    ids=["leverage", "multi-assets"],
)
def test_changed_settings_are_told(more: dict[str, Any], symbol: str, leverage: int | None) -> None:
    event = read({"e": "ACCOUNT_CONFIG_UPDATE", "E": 2, "T": 1, **more})

    assert event == SettingsEvent(symbol, 1, leverage)


@pytest.mark.parametrize("kind", ["TRADE_LITE", "MARGIN_CALL", "STRATEGY_UPDATE", "GRID_UPDATE"])
def test_what_says_nothing_new_is_passed_over(kind: str) -> None:
    assert read({"e": kind, "E": 1}) is None


def test_the_end_of_a_listen_key_is_told_apart() -> None:
    with pytest.raises(KeyExpired):
        read({"e": "listenKeyExpired", "E": 1, "listenKey": "x"})


def test_an_event_nobody_knows_is_told_apart_from_a_broken_one() -> None:
    with pytest.raises(UnknownEvent):
        read({"e": "SOMETHING_NEW", "E": 1})
    with pytest.raises(Unreadable):
        parse(b'{"e":"ORDER_TRADE_UPDATE","o":{"s":"BTC')


@settings(max_examples=60, deadline=None)
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["e", "o", "a", "s", "S", "X", "i", "T", "data", "B", "P", "ac"]),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    ),
    kind=st.sampled_from(["ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_UPDATE", ""]),
)
def test_whatever_comes_is_read_or_refused_in_words(body: Any, kind: str) -> None:
    if isinstance(body, dict) and kind:
        body = {**body, "e": kind}
    with suppress(Unreadable, UnknownEvent, KeyExpired):
        parse(json.dumps(body).encode())


@pytest.mark.parametrize("size", ["1e999999999", "NaN", "Infinity", "-1e-999999999", "true", "ten"])
def test_a_number_that_is_none_is_refused_and_not_worked_out(size: str) -> None:
    with pytest.raises(Unreadable):
        read(changed(ORDER, q=size))
    with pytest.raises(Unreadable):
        read(changed(ORDER, T=size))


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"[" * 100_000, b"7", b"[]", b"null"])
def test_what_is_no_frame_is_unreadable(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(payload)
