"""What whoever wraps and unwraps data keys has to keep: our key pair, or a key service in its place."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.trading.keys.test_vault import pair
from trading.vault import Opener, PrivateKeyOpener, PublicKeyWrapper, VaultClosed, Wrapper

DATA_KEY = bytes(range(32))
BOUND = b'["x1","field","user","account","2026-11"]'


@dataclass(slots=True)
class KeyService:
    """A key service as clouds have them: it keeps the keys, and wraps and unwraps when asked."""

    current: str
    keys: dict[str, bytes] = field(default_factory=dict)

    def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(self.keys[self.current]).encrypt(nonce, data_key, bound)

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        if key_id not in self.keys:
            raise VaultClosed("no such key")
        try:
            return AESGCM(self.keys[key_id]).decrypt(wrapped[:12], wrapped[12:], bound)
        except (InvalidTag, ValueError):
            raise VaultClosed("it does not open") from None


Made = tuple[Wrapper, Opener]


def ours() -> Made:
    public, private = pair("2026-11")
    _, old = pair("2026-05")
    return PublicKeyWrapper(*public), PrivateKeyOpener((private, old))


def service() -> Made:
    held = KeyService("2026-11", {name: os.urandom(32) for name in ("2026-11", "2026-05")})
    return held, held


@pytest.fixture(params=[ours, service], ids=["pair", "service"])
def made(request: Any) -> Made:
    make: Callable[[], Made] = request.param
    return make()


def test_what_is_wrapped_unwraps(made: Made) -> None:
    wraps, opens = made
    wrapped = wraps.wrap(DATA_KEY, BOUND)
    assert opens.unwrap(wraps.current, wrapped, BOUND) == DATA_KEY
    assert DATA_KEY not in wrapped and wraps.wrap(DATA_KEY, BOUND) != wrapped


def test_bound_to_something_else_it_does_not_unwrap(made: Made) -> None:
    wraps, opens = made
    wrapped = wraps.wrap(DATA_KEY, BOUND)
    with pytest.raises(VaultClosed):
        opens.unwrap(wraps.current, wrapped, BOUND + b"x")


def test_with_another_or_an_unknown_key_it_does_not_unwrap(made: Made) -> None:
    wraps, opens = made
    wrapped = wraps.wrap(DATA_KEY, BOUND)
    for key_id in ("2026-05", "2020-01", ""):
        with pytest.raises(VaultClosed):
            opens.unwrap(key_id, wrapped, BOUND)


def test_changed_or_cut_it_does_not_unwrap(made: Made) -> None:
    wraps, opens = made
    wrapped = wraps.wrap(DATA_KEY, BOUND)
    changed = [
        wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in range(len(wrapped))
    ]
    for broken in (*changed, wrapped[:-1], wrapped[:20], b""):
        with pytest.raises(VaultClosed):
            opens.unwrap(wraps.current, broken, BOUND)
