"""Every reply of the specification, for every call, ends in exactly one class."""

import json

import pytest

from trading.domain.venue import OutcomeClass, VenueState
from trading.exchanges.outcomes import REJECTED, Call, Reply, classify

ID = "cs-entry-1-abc"
SYMBOL = "BTCUSDT"
ORDER = {
    "clientOrderId": ID,
    "orderId": 22542179,
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "status": "NEW",
    "origQty": "0.012",
    "executedQty": "0",
    "price": "6.0E+4",
    "stopPrice": "0",
    "closePosition": False,
    "reduceOnly": False,
    "updateTime": 1566818724722,
}
ALGO = {
    "clientAlgoId": ID,
    "algoId": 1_000_000_204_743_716,
    "symbol": SYMBOL,
    "side": "SELL",
    "orderType": "STOP_MARKET",
    "algoStatus": "NEW",
    "quantity": "0.012",
    "triggerPrice": "58800.000",
    "icebergQuantity": None,
    "reduceOnly": True,
    "updateTime": 1750485492076,
}
GOOD = {
    Call.ORDER: ORDER,
    Call.ALGO: ALGO,
    Call.CANCEL: {**ORDER, "status": "CANCELED"},
    Call.CANCEL_ALGO: {"algoId": 2146760, "clientAlgoId": ID, "code": "200", "msg": "success"},
    Call.LEVERAGE: {"leverage": 10, "maxNotionalValue": "1000000", "symbol": SYMBOL},
    Call.MARGIN_TYPE: {"code": 200, "msg": "success"},
    Call.TEST: {},
}
A, R, N, D, U = (
    OutcomeClass.ACCEPTED,
    OutcomeClass.REJECTED,
    OutcomeClass.NOT_SENT,
    OutcomeClass.ALREADY,
    OutcomeClass.UNKNOWN,
)


def said(code: int, text: str = "why") -> bytes:
    return json.dumps({"code": code, "msg": text}).encode()


REPLIES: list[tuple[str, Reply, OutcomeClass]] = [
    ("no-margin", Reply(400, said(-2019)), R),
    ("would-trigger", Reply(400, said(-2021)), R),
    ("reduce-only", Reply(400, said(-2022)), R),
    ("position-side", Reply(400, said(-4061)), R),
    ("old-endpoint", Reply(400, said(-4120)), R),
    ("min-notional", Reply(400, said(-4164)), R),
    ("key-refused", Reply(401, said(-2015)), R),
    ("refused-before-leaving", Reply(None, has_left=False), N),
    ("rate-limit", Reply(429, said(-1003), retry_after_s=7.0), N),
    ("rate-limit-page", Reply(429, b"<html>slow down</html>"), N),
    ("ban", Reply(418, said(-1003)), N),
    ("too-many-orders", Reply(400, said(-1015)), N),
    ("clock", Reply(400, said(-1021)), N),
    ("duplicate", Reply(400, said(-4116)), D),
    ("no-answer", Reply(None, has_left=True), U),
    ("service-unavailable", Reply(503, b"Service Unavailable."), U),
    ("unknown-error", Reply(503, b"Unknown error, please check your request or try again later."), U),
    ("internal-error", Reply(503, b'{"msg":"Internal error; unable to process your request"}'), U),
    ("overloaded", Reply(503, said(-1008)), U),
    ("overloaded-400", Reply(400, said(-1008)), U),
    ("time-out", Reply(408, said(-1007)), U),
    ("rejecting-code-on-5xx", Reply(502, said(-2019)), U),
    ("unknown-1000", Reply(400, said(-1000)), U),
    ("disconnected", Reply(400, said(-1001)), U),
    ("unexpected-response", Reply(400, said(-1006)), U),
    ("status-unknown", Reply(400, said(-1007)), U),
    ("firewall", Reply(403, b"<html>403 Forbidden</html>"), U),
    ("firewall-json", Reply(403, said(-2019)), U),
    ("code-not-on-the-list", Reply(400, said(-9999)), U),
    ("4xx-without-code", Reply(404, b"not found"), U),
    ("code-is-no-number", Reply(400, b'{"code":"many","msg":"x"}'), U),
    ("empty-200", Reply(200, b""), U),
    ("html-200", Reply(200, b"<html>maintenance</html>"), U),
    ("cut-200", Reply(200, b'{"clientOrderId":"cs-entr'), U),
    ("list-200", Reply(200, b"[]"), U),
    ("null-200", Reply(200, b"null"), U),
    ("number-200", Reply(200, b"7"), U),
    ("refusal-on-200", Reply(200, said(-2019)), U),
    ("not-utf8", Reply(200, b"\xff\xfe\x00"), U),
    ("deep", Reply(200, b"[" * 100_000), U),
    ("redirect", Reply(302, b""), U),
]  # fmt: skip


@pytest.mark.parametrize("call", list(Call))
@pytest.mark.parametrize(("reply", "kind"), [r[1:] for r in REPLIES], ids=[r[0] for r in REPLIES])
def test_a_reply_ends_in_its_class_for_every_call(
    call: Call, reply: Reply, kind: OutcomeClass
) -> None:
    outcome = classify(reply, call, ID, SYMBOL)

    assert outcome.kind is kind
    assert outcome.order is None
    assert outcome.retry_after_s == reply.retry_after_s


@pytest.mark.parametrize("call", list(Call))
def test_what_the_exchange_took_is_accepted(call: Call) -> None:
    outcome = classify(Reply(200, json.dumps(GOOD[call]).encode()), call, ID, SYMBOL)

    assert outcome.kind is A


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (Call.ORDER, "clientOrderId"),
        (Call.ORDER, "orderId"),
        (Call.ORDER, "symbol"),
        (Call.ALGO, "clientAlgoId"),
        (Call.ALGO, "algoId"),
        (Call.CANCEL, "clientOrderId"),
        (Call.CANCEL_ALGO, "clientAlgoId"),
        (Call.LEVERAGE, "symbol"),
    ],
)
@pytest.mark.parametrize("value", ["x-random", None], ids=["another", "none"])
def test_an_answer_about_something_else_is_not_believed(
    call: Call, field: str, value: str | None
) -> None:
    if value is not None and field in ("orderId", "algoId"):
        value = ""
    body = json.dumps({**GOOD[call], field: value}).encode()

    assert classify(Reply(200, body), call, ID, SYMBOL).kind is U


@pytest.mark.parametrize("call", [Call.ORDER, Call.ALGO])
def test_the_order_of_an_answer_is_read_exactly(call: Call) -> None:
    order = classify(Reply(200, json.dumps(GOOD[call]).encode()), call, ID, SYMBOL).order

    assert order is not None
    assert order.client_id == ID
    assert order.exchange_id == ("22542179" if call is Call.ORDER else "1000000204743716")
    assert order.state is VenueState.NEW
    assert str(order.quantity) == "0.012"
    assert (order.price, order.trigger_price) == (
        (60_000, None) if call is Call.ORDER else (None, 58_800)
    )
    assert order.average_price is None


def test_a_message_of_the_exchange_is_cut_to_one_printable_line() -> None:
    outcome = classify(Reply(400, said(-2019, "a\r\nb\x00" + "c" * 5_000)), Call.ORDER, ID, SYMBOL)

    assert outcome.message.startswith("a  b c")
    assert len(outcome.message) <= 200
    assert outcome.message.isprintable()


def test_a_page_is_never_quoted() -> None:
    page = b"<html>timestamp=1&signature=abcdef</html>"

    for status in (200, 403, 502):
        assert "signature" not in classify(Reply(status, page), Call.ORDER, ID, SYMBOL).message


def test_no_code_is_both_refused_and_to_be_sent_again() -> None:
    """Sabotage guard: a limit or the clock on the list of refusals would lose an order's row."""
    assert not REJECTED & {-1003, -1015, -1021, -1000, -1001, -1006, -1007, -1008, -4116}
