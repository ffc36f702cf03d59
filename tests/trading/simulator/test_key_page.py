"""The page for keys by hand, and what is kept of accounts over a restart."""

import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.exchange_process import Venue, Who, exchange_process


def submit(venue: Venue, **fields: Any) -> str:
    answer = venue.http.post("/sim/keys", data=fields)
    assert answer.status_code == 200, answer.text
    return answer.text


def found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match is not None, page
    return match[1]


def test_a_person_opens_an_account_and_makes_keys_of_both_kinds(venue: Venue) -> None:
    page = submit(venue, act="open", label="Ann & Bob")
    assert "Simulated exchange: API management" in page and "Not Binance" in page
    uid = found(r"Account (\d+) is open", page)
    assert f"Account {uid} Ann &amp; Bob" in page and "<script" not in page

    page = submit(
        venue, act="create", uid=uid, kind="hmac", label="bot", right=["reading", "futures"]
    )
    key = found(r'id="new-key">(\w+)<', page)
    secret = found(r'id="secret-key">(\w+)<', page)
    who = Who(venue, uid, key, secret)
    assert who.call("GET", "/fapi/v3/account")["totalWalletBalance"] == "10000.00000000"
    assert secret not in venue.http.get("/sim/keys").text, "it is shown once"

    private = Ed25519PrivateKey.generate().public_key()
    pem = private.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    page = submit(
        venue,
        act="create",
        uid=uid,
        kind="ed25519",
        public_key=pem.replace("\n", "\r\n"),
        right="reading",
        addresses="203.0.113.7, 203.0.113.8",
    )
    assert found(r'id="new-key">(\w+)<', page) != key and "secret-key" not in page


def test_rights_are_edited_and_keys_deleted_on_the_page(venue: Venue) -> None:
    who = venue.account(label="edited")
    submit(venue, act="edit", api_key=who.api_key, label="x", right=["reading", "withdrawals"])
    told = venue.sim("GET", f"accounts/{who.uid}")["keys"][0]
    assert (told["label"], told["rights"]) == ("x", ["reading", "withdrawals"])
    submit(venue, act="delete", api_key=who.api_key)
    assert venue.sim("GET", f"accounts/{who.uid}")["keys"] == []


def test_what_is_wrong_with_a_form_is_said_beside_it(venue: Venue) -> None:
    who = venue.account()
    page = submit(venue, act="create", uid=who.uid, kind="ed25519", public_key="<b>no</b>")
    assert "the public key must be PEM text" in page and 'role="alert"' in page
    assert "there is no account 7" in submit(venue, act="create", uid="7", kind="hmac")
    assert "there is no such key" in submit(venue, act="delete", api_key="gone")


def test_page_and_controls_answer_no_other_name_and_no_other_site(venue: Venue) -> None:
    """A name that was bent to this machine, and a form on somebody's page, get nothing."""
    for path in ("/sim/keys", "/sim/accounts"):
        answer = venue.http.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 403
    form = {"act": "open", "label": "evil"}
    answer = venue.http.post("/sim/keys", data=form, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    own = venue.http.post("/sim/keys", data=form, headers={"Origin": venue.base_url})
    assert own.status_code == 200


def test_a_restart_keeps_positions_orders_keys_and_ids(tmp_path: Path) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01"}
    with exchange_process(data_dir=tmp_path) as venue:
        who = venue.account(label="kept", rights=["reading", "futures", "options"])
        who.call("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
        who.call("POST", "/fapi/v1/order", type="MARKET", **order)
        resting = who.call(
            "POST", "/fapi/v1/order", type="LIMIT", price="66000", timeInForce="GTC", **order
        )
        who.call(
            "POST",
            "/fapi/v1/algoOrder",
            algoType="CONDITIONAL",
            type="STOP_MARKET",
            triggerPrice="65000",
            reduceOnly="true",
            **order | {"side": "SELL"},
        )
        venue.advance(500)
        before = who.truth()
    with exchange_process(data_dir=tmp_path) as venue:
        again = Who(venue, who.uid, who.api_key, who.secret)
        assert again.truth() == before
        venue.price("BTCUSDT", 65_900)
        told = again.call("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=resting["orderId"])
        assert told["status"] == "FILLED"
        venue.price("BTCUSDT", 64_900)
        assert again.position("BTCUSDT") == "0.01"
        ids = [t["id"] for t in again.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")]
        assert ids == sorted(set(ids)) and len(ids) == 3
    secret_files = [p for p in (tmp_path / "accounts").iterdir() if p.stat().st_mode & 0o077]
    assert secret_files == [], "secrets of the simulated exchange are its owner's only"


def test_an_exchange_that_was_killed_starts_with_what_it_last_kept(tmp_path: Path) -> None:
    with exchange_process(data_dir=tmp_path) as venue:
        who = venue.account()
        who.call(
            "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01"
        )
        venue.process.kill()
        venue.process.wait(5)
    with exchange_process(data_dir=tmp_path) as venue:
        again = Who(venue, who.uid, who.api_key, who.secret)
        assert again.position("BTCUSDT") == "0.01"
