"""The search for a marked secret finds it in every form and place: else its silence means nothing."""

import base64
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cryptosystems.platform.models import OutgoingMail
from signals.delivery import bus
from tests.support.canary import listening_to_everything, rows_as_text
from tests.support.marked import Marked, redis_of

SECRET = "a-marked/secret+that=is&searched:for"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"key={quote(SECRET, safe='')}&x=1",
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(b"x" + SECRET.encode() + b"yz").decode(),
        base64.b64encode(b"Bearer " + SECRET.encode() + b" and more").decode(),
        repr({"secret": SECRET.encode()}),
    ],
)
def test_every_form_is_found(text: str) -> None:
    assert Marked(SECRET).found_in({"sink": f"some text {text} and more"})


def test_a_private_key_is_found_as_pem_as_seed_and_in_hex() -> None:
    # Of bytes with both quotes in them `repr` is nobody's to foresee.
    keys = (Ed25519PrivateKey.generate() for _ in range(1_000))
    key = next(one for one in keys if b"'" not in one.private_bytes_raw())
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    mark = Marked.of_private_key(der)
    for sink in (pem, der, der.hex(), key.private_bytes_raw().hex(), repr(der)):
        assert mark.found_in({"sink": sink})
    other = Ed25519PrivateKey.generate()
    assert not mark.found_in(
        {"sink": other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())}
    )


def test_files_are_searched(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "core.1").write_bytes(b"\0\0" + SECRET.encode() + b"\0")
    assert Marked(SECRET).found_in({"files": tmp_path}) == ["files: raw", "files: repr"]


@pytest.mark.django_db
def test_the_database_is_searched() -> None:
    assert Marked(SECRET).found_in({"database": rows_as_text()}) == []
    OutgoingMail.objects.create(to="a@example.org", subject="s", body=f"x {SECRET}")
    assert Marked(SECRET).found_in({"database": rows_as_text()})


@pytest.mark.parametrize("kind", ["string", "hash", "list", "set", "zset", "stream"])
def test_redis_is_searched(redis_url: str, kind: str) -> None:
    client: Any = bus.connect()
    {
        "string": lambda: client.set("k", SECRET),
        "hash": lambda: client.hset("k", "f", SECRET),
        "list": lambda: client.rpush("k", SECRET),
        "set": lambda: client.sadd("k", SECRET),
        "zset": lambda: client.zadd("k", {SECRET: 1}),
        "stream": lambda: client.xadd("k", {"f": SECRET}),
    }[kind]()
    assert Marked(SECRET).found_in({"redis": redis_of(redis_url)})


def test_one_careless_line_of_debugging_is_found() -> None:
    with listening_to_everything() as logged:
        secret = SECRET
        logging.getLogger("anything").debug("%r", vars() | {"held": secret})
        try:
            raise RuntimeError(f"cannot sign with {secret}")
        except RuntimeError:
            logging.getLogger("other").exception("failed")
    hits = Marked(SECRET).found_in({"log": logged.text()})
    assert hits
