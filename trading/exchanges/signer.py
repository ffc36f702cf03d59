"""Signs what is sent, so that no library ever holds a secret.

The secret is opened for each signature by the caller's own way in, and wiped when that closes.
Python cannot promise that no copy is left in memory, and we do not claim it.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Final, Never
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from cryptosystems.kernel.errors import NeedsOperator

OpenSecret = Callable[[], AbstractContextManager[bytearray]]
"""Opens the secret for one signature: PKCS #8 (DER or PEM), or the bytes of an HMAC secret."""

_TAIL: Final = 4


class KeyKind(StrEnum):
    """How a key signs."""

    ED25519 = "ed25519"
    HMAC = "hmac"


class Credential:
    """A key id and the way to its secret; shows neither, and cannot be copied or pickled."""

    __slots__ = ("_on_signed", "_open_secret", "key_id", "kind")

    def __init__(
        self,
        key_id: str,
        kind: KeyKind,
        open_secret: OpenSecret,
        on_signed: Callable[[], None] = lambda: None,
    ) -> None:
        self.key_id = key_id
        self.kind = kind
        self._open_secret = open_secret
        self._on_signed = on_signed

    def sign(self, payload: str) -> str:
        """Return the signature of a query or form, ready to be put behind `signature=`.

        Raises
        ------
        NeedsOperator
            If the stored secret is not a key of its kind.
        """
        with self._open_secret() as secret:
            if self.kind is KeyKind.HMAC:
                return hmac.digest(secret, payload.encode(), hashlib.sha256).hex()
            signature = _ed25519(secret).sign(payload.encode())
        return quote(base64.b64encode(signature), safe="")

    def signed(self) -> None:
        """Say that a request has been signed with it: that is what the secret was opened for."""
        self._on_signed()

    def __repr__(self) -> str:
        return f"Credential({self.kind}, …{self.key_id[-_TAIL:]})"

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a credential is neither pickled nor copied")


def _ed25519(secret: bytearray) -> Ed25519PrivateKey:
    """Load a PKCS #8 key; line ends and spaces around a PEM do not matter."""
    try:
        if secret.lstrip().startswith(b"-----"):
            key = load_pem_private_key(secret.strip(), password=None)
        else:
            key = load_der_private_key(secret, password=None)
    except (ValueError, TypeError):
        # Without the cause: its text may quote what was read.
        raise NeedsOperator("the stored secret is not a readable private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NeedsOperator("the stored secret is not an Ed25519 key")
    return key
