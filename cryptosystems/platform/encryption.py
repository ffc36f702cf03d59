"""Envelope encryption of secrets at rest.

Each value gets a data key of its own; the data key is wrapped by a key-encryption key that never
touches the database. What a value is for (its context) and the key's id are bound to it, so that
a value put into another place does not open there.
"""

import base64
import os
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.kernel.identifiers import canonical_json

_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class SealBroken(NeedsOperator):
    """A sealed value does not open: changed, cut, put elsewhere, or its key is gone."""

    code = "seal_broken"

    def __init__(self) -> None:
        super().__init__(
            "A sealed value does not open here. Restore it from a backup, or list the key it was "
            "sealed with in KEY_ENCRYPTION_KEYS."
        )


class KeyProvider(Protocol):
    """Who holds key-encryption keys: here, or a key service."""

    @property
    def current(self) -> str:
        """Id of the newest key, the one that wraps."""
        ...

    def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        """Return the data key under the newest key, bound to `bound`."""
        ...

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """Return the data key; raise SealBroken if it does not open."""
        ...


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """Keys from the environment, the newest first."""

    ring: tuple[tuple[str, bytes], ...]

    @property
    def current(self) -> str:
        if not self.ring:
            raise NeedsOperator(
                "No key-encryption key is set. Put one into KEY_ENCRYPTION_KEYS "
                "(docs/reference/settings.md says how)."
            )
        return self.ring[0][0]

    def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        return _encrypt(dict(self.ring)[self.current], data_key, bound)

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        key = dict(self.ring).get(key_id)
        if key is None:
            raise SealBroken
        return _decrypt(key, wrapped, bound)


def provider() -> KeyProvider:
    """Return the provider of this installation."""
    return LocalKeys(settings.KEY_ENCRYPTION_KEYS)


def seal(plaintext: bytes, context: str) -> str:
    """Return `plaintext` sealed for one purpose, as text for a database column."""
    keys = provider()
    key_id = keys.current
    bound = _bound(context, key_id)
    data_key = os.urandom(_KEY_BYTES)
    wrapped = keys.wrap(data_key, bound)
    body = _encrypt(data_key, plaintext, bound)
    return ":".join((_VERSION, key_id, _text(wrapped), _text(body)))


def open_sealed(text: str, context: str) -> bytes:
    """Return what was sealed for this purpose.

    Raises
    ------
    SealBroken
        If the text was changed, sealed for another purpose, or its key is not listed any more.
    """
    parts = text.split(":")
    if len(parts) != 4 or parts[0] != _VERSION:
        raise SealBroken
    key_id, bound = parts[1], _bound(context, parts[1])
    data_key = provider().unwrap(key_id, _bytes(parts[2]), bound)
    return _decrypt(data_key, _bytes(parts[3]), bound)


def rewrap(text: str, context: str) -> str:
    """Return the value sealed anew with the newest key; unchanged if it has it already."""
    if text.startswith(f"{_VERSION}:{provider().current}:"):
        open_sealed(text, context)
        return text
    return seal(open_sealed(text, context), context)


def _bound(context: str, key_id: str) -> bytes:
    return canonical_json([_VERSION, context, key_id])


def _encrypt(key: bytes, plaintext: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise SealBroken from None


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


def _bytes(text: str) -> bytes:
    try:
        content = base64.b64decode(text, altchars=b"-_", validate=True)
    except ValueError:
        raise SealBroken from None
    if _text(content) != text:  # unused bits of the last letter must not be free to change
        raise SealBroken
    return content
