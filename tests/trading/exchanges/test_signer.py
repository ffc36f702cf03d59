"""What we sign is what the library would sign, and the secret shows nowhere."""

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

import ccxt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cryptosystems.kernel.errors import NeedsOperator
from trading.exchanges.signer import Credential, KeyKind

KEY_ID = "k" * 60 + "abcd"
HMAC_SECRET = "s3cret-of-a-test-" + "x" * 47
KEY = Ed25519PrivateKey.generate()
ORDER = {"symbol": "币安人生USDT", "side": "BUY", "quantity": "0.012", "newClientOrderId": "cs-1"}


def pem() -> bytes:
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def der() -> bytes:
    return KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def credential(kind: KeyKind, secret: bytes, opened: list[bytearray] | None = None) -> Credential:
    @contextmanager
    def open_secret() -> Iterator[bytearray]:
        held = bytearray(secret)
        if opened is not None:
            opened.append(held)
        try:
            yield held
        finally:
            held[:] = bytes(len(held))

    return Credential(KEY_ID, kind, open_secret)


def signed_by_ccxt(secret: str) -> tuple[str, str]:
    """Return (what was signed, the signature) of an order, by ccxt's own signer."""
    client = ccxt.binanceusdm({"apiKey": KEY_ID, "secret": secret})
    body = client.sign("order", ["fapiPrivate"], "POST", dict(ORDER))["body"]
    payload, _, signature = str(body).partition("&signature=")
    return payload, signature


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        (KeyKind.HMAC, HMAC_SECRET.encode(), HMAC_SECRET),
        (KeyKind.ED25519, pem(), pem().decode().strip()),
        (KeyKind.ED25519, der(), pem().decode().strip()),
    ],
    ids=["hmac", "ed25519-pem", "ed25519-der"],
)
def test_a_payload_signed_by_us_is_signed_as_by_ccxt(
    kind: KeyKind, ours: bytes, theirs: str
) -> None:
    payload, signature = signed_by_ccxt(theirs)

    assert dict(parse_qsl(payload))["symbol"] == ORDER["symbol"]
    assert credential(kind, ours).sign(payload) == signature


@pytest.mark.parametrize(
    "dress",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\n\n" + text + b"\n\n",
        lambda text: text.strip(),
    ],
    ids=["crlf", "empty-lines", "no-last-line-end"],
)
def test_line_ends_of_a_pem_do_not_matter(dress: object) -> None:
    dressed = credential(KeyKind.ED25519, dress(pem()))  # type: ignore[operator]

    assert dressed.sign("a=1") == credential(KeyKind.ED25519, pem()).sign("a=1")


def test_the_secret_is_wiped_after_each_signature() -> None:
    opened: list[bytearray] = []
    key = credential(KeyKind.HMAC, HMAC_SECRET.encode(), opened)

    key.sign("a=1")
    key.sign("a=2")

    assert len(opened) == 2
    assert all(not any(held) for held in opened)


def test_nothing_that_shows_an_object_shows_the_secret() -> None:
    key = credential(KeyKind.ED25519, pem())

    assert repr(key) == str(key) == "Credential(ed25519, …abcd)"
    assert KEY_ID not in repr(key)
    with pytest.raises(TypeError):
        vars(key)
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            take(key)


def test_what_is_no_such_key_is_said_without_quoting_it() -> None:
    rsa = generate_private_key(65537, 1024).private_bytes(  # noqa: S505  only to be refused
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )

    for secret in (b"not a key at all", b"-----BEGIN PRIVATE KEY-----\nZm9v\n", rsa):
        with pytest.raises(NeedsOperator) as caught:
            credential(KeyKind.ED25519, secret).sign("a=1")
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert secret.decode()[:20] not in str(caught.value)
