"""Who may call, and what the exchange says to those who may not."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.exchange_process import CallRefused, Venue, Who, exchange_process

ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "60000",
    "timeInForce": "GTC",
}


def refusal(who: Who, method: str, path: str, **params: Any) -> tuple[int, int]:
    with pytest.raises(CallRefused) as caught:
        who.call(method, path, **params)
    return caught.value.status, caught.value.code


def send(
    venue: Venue, method: str, query: str, *, key: str = "", body: str = ""
) -> tuple[int, Any]:
    headers = {"X-MBX-APIKEY": key} if key else {}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = venue.http.request(method, query, headers=headers, content=body or None)
    return answer.status_code, answer.json().get("code")


def signed(who: Who, query: str, body: str = "") -> str:
    return hmac.new(who.secret.encode(), (query + body).encode(), hashlib.sha256).hexdigest()


def test_a_signature_covers_query_and_body_exactly_as_sent(venue: Venue) -> None:
    who = venue.account()
    stamp = f"timestamp={venue.now_ms()}"
    body = urlencode({**ORDER, "newClientOrderId": "a.b:c/d"}, quote_via=quote)
    path = "/fapi/v1/order"
    in_body = f"{body}&{stamp}&signature={signed(who, '', f'{body}&{stamp}')}"
    assert send(venue, "POST", path, key=who.api_key, body=in_body)[0] == 200
    mixed = f"{path}?{stamp}&signature={signed(who, stamp, 'symbol=BTCUSDT')}"
    assert send(venue, "DELETE", mixed, key=who.api_key, body="symbol=BTCUSDT") == (400, -1102)
    tampered = in_body.replace("quantity=0.01", "quantity=0.02")
    assert send(venue, "POST", path, key=who.api_key, body=tampered) == (400, -1022)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", -1102),
        ("timestamp=soon&signature=0", -1102),
        ("timestamp={now}", -1102),
        ("timestamp={now}&recvWindow=60001&signature=0", -1131),
        ("timestamp={now}&signature=0", -1022),
    ],
    ids=["nothing", "no number", "no signature", "window too wide", "wrong signature"],
)
def test_a_call_must_be_stamped_and_signed(venue: Venue, query: str, code: int) -> None:
    who = venue.account()
    query = query.format(now=venue.now_ms())
    assert send(venue, "GET", f"/fapi/v3/account?{query}", key=who.api_key) == (400, code)


@pytest.mark.parametrize(("offset_ms", "is_taken"), [(-4_900, True), (-5_100, False), (900, True)])
def test_a_time_stamp_counts_within_its_window(
    venue: Venue, offset_ms: int, is_taken: bool
) -> None:
    who = venue.account()
    query = f"recvWindow=5000&timestamp={venue.now_ms() + offset_ms}"
    query += f"&signature={signed(who, query)}"
    answer = venue.http.get(f"/fapi/v3/balance?{query}", headers={"X-MBX-APIKEY": who.api_key})
    assert answer.status_code == (200 if is_taken else 400)
    assert is_taken or answer.json()["code"] == -1021


def test_a_clock_that_is_off_refuses_until_its_time_is_asked(venue: Venue) -> None:
    who = venue.account()
    venue.clock_offset(-2_000)
    assert refusal(who, "GET", "/fapi/v3/account") == (400, -1021)
    told = venue.http.get("/fapi/v1/time").json()["serverTime"]
    assert told == venue.now_ms() - 2_000


def test_no_key_an_unknown_key_and_a_deleted_key(venue: Venue) -> None:
    who = venue.account()
    assert send(venue, "GET", "/fapi/v3/account") == (401, -2014)
    assert send(venue, "POST", "/fapi/v1/listenKey", key="nobody's") == (401, -2015)
    who.revoke()
    assert refusal(who, "GET", "/fapi/v3/account") == (401, -2015)


def test_a_key_may_do_what_its_rights_allow_from_where_they_allow(venue: Venue) -> None:
    who = venue.account(rights=["reading"])
    assert refusal(who, "POST", "/fapi/v1/order", **ORDER) == (401, -2015)
    told = who.call("GET", "/sapi/v1/account/apiRestrictions")
    assert told["enableReading"] and not told["enableFutures"] and not told["ipRestrict"]
    who.alter_key(rights=["reading", "futures", "withdrawals", "universal_transfer"])
    told = who.call("GET", "/sapi/v1/account/apiRestrictions")
    assert told["enableWithdrawals"] and told["permitsUniversalTransfer"]
    assert who.call("POST", "/fapi/v1/order", **ORDER)["status"] == "NEW"
    who.alter_key(addresses=["203.0.113.7"])
    assert refusal(who, "GET", "/fapi/v3/account") == (401, -2015)
    who.alter_key(addresses=["127.0.0.1"], expires_ms=venue.now_ms() + 1_000)
    assert who.call("GET", "/sapi/v1/account/apiRestrictions")["ipRestrict"]
    venue.advance(1_000)
    assert refusal(who, "GET", "/fapi/v3/account") == (401, -2015)


def test_an_ed25519_key_signs_in_base64(venue: Venue) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    who = venue.account()
    key = who.add_key(kind="ed25519", public_key=pem.decode())
    query = f"timestamp={venue.now_ms()}"
    signature = quote(base64.b64encode(private.sign(query.encode())).decode(), safe="")
    path = f"/fapi/v1/accountConfig?{query}&signature="
    headers = {"X-MBX-APIKEY": key["api_key"]}
    assert venue.http.get(path + signature, headers=headers).json()["canTrade"] is True
    stranger = Ed25519PrivateKey.generate().sign(query.encode())
    wrong = quote(base64.b64encode(stranger).decode(), safe="")
    assert send(venue, "GET", path + wrong, key=key["api_key"]) == (400, -1022)
    assert send(venue, "GET", path + "no-base64", key=key["api_key"]) == (400, -1022)
    rsa = generate_private_key(65_537, 2_048).public_key()
    rsa_pem = rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(CallRefused, match="Ed25519"):
        who.add_key(kind="ed25519", public_key=rsa_pem)


def test_answers_carry_weight_and_order_counts_and_orders_are_limited(venue: Venue) -> None:
    who = venue.account()
    query = urlencode({**ORDER, "quantity": "0.002", "timestamp": venue.now_ms()})
    url = f"/fapi/v1/order?{query}&signature={signed(who, query)}"
    answer = venue.http.post(url, headers={"X-MBX-APIKEY": who.api_key})
    assert answer.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert answer.headers["X-MBX-ORDER-COUNT-1M"] == "1"
    used = int(answer.headers["X-MBX-USED-WEIGHT-1M"])
    query = urlencode({"timestamp": venue.now_ms()})
    url = f"/fapi/v1/openOrders?{query}&signature={signed(who, query)}"
    answer = venue.http.get(url, headers={"X-MBX-APIKEY": who.api_key})
    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) == used + 40
    cheap = {**ORDER, "quantity": "0.002"}
    for _ in range(299):
        venue.http.request(
            "POST",
            f"/sim/accounts/{who.uid}/call",
            json={"method": "POST", "path": "/fapi/v1/order", "params": {**cheap, "price": "1"}},
        )
    assert refusal(who, "POST", "/fapi/v1/order", **cheap) == (429, -1015)
    venue.advance(10_500)
    assert who.call("POST", "/fapi/v1/order", **cheap)["status"] == "NEW"


def test_an_unknown_method_of_a_known_path_is_refused(venue: Venue) -> None:
    who = venue.account()
    assert refusal(who, "PUT", "/fapi/v1/leverage") == (405, -5000)


def test_weight_is_counted_by_the_market_s_time_and_going_on_means_a_ban() -> None:
    """F-51 and F-52 by a clock moved by hand: a minute later everything is open again."""
    with exchange_process(weight_limit=50) as venue:
        who = venue.account()
        for _ in range(10):
            who.call("GET", "/fapi/v3/account")
        assert refusal(who, "GET", "/fapi/v3/account") == (429, -1003)
        venue.advance(60_000, step_ms=60_000)
        assert who.call("GET", "/fapi/v3/account")["assets"]
        for _ in range(9):
            who.call("GET", "/fapi/v3/account")
        for _ in range(20):
            assert refusal(who, "GET", "/fapi/v3/account") == (429, -1003)
        assert refusal(who, "GET", "/fapi/v3/account") == (418, -1003)
        venue.advance(60_000, step_ms=60_000)
        assert refusal(who, "GET", "/fapi/v3/account") == (418, -1003)
        venue.advance(60_000, step_ms=60_000)
        assert who.call("GET", "/fapi/v3/account")["assets"]
