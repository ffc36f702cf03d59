"""Exchange keys at rest: anybody may put one in, only the executor can take one out.

A secret is sealed with AES-256-GCM under a data key of its own; the data key is wrapped to a
public key (X25519, HKDF-SHA256, AES-256-GCM). Web, API, console and engine hold the public key
alone: they cannot open what they seal. Whose secret it is, of which account and in which field is
bound to it, so a value put into another row does not open; the vault key is bound to the data key.
docs/decisions/0010-exchange-keys-are-sealed-to-a-public-key.md says why.

Python cannot promise that memory is wiped; what is opened is overwritten as far as it goes.
"""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.kernel.identifiers import canonical_json

VERSION: Final = "x1"
FIELD: Final = "trading_account.sealed_secret"
_NONCE: Final = 12
_KEY: Final = 32


class VaultClosed(NeedsOperator):
    """This process cannot open secrets, or this one does not open."""

    code = "vault_closed"


@dataclass(frozen=True, slots=True)
class Place:
    """What a secret is bound to."""

    user_id: UUID
    account_id: UUID

    def bound(self, key_id: str = "") -> bytes:
        """Return the associated data of a secret here; with a vault key's id, of its data key."""
        return canonical_json([VERSION, FIELD, str(self.user_id), str(self.account_id), key_id])


class Wrapper(Protocol):
    """Who wraps data keys: a public key here, or a key service."""

    @property
    def current(self) -> str:
        """Id of the key that wraps."""
        ...

    def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        """Return the data key so that only an `Opener` gets it back."""
        ...


class Opener(Protocol):
    """Who unwraps data keys: private keys in the executor's environment, or a key service."""

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """Return the data key; raise VaultClosed if it does not open."""
        ...


@dataclass(frozen=True, slots=True)
class PublicKeyWrapper:
    """Wraps to one public key."""

    current: str
    public: bytes

    def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        """Return ephemeral public key, nonce and sealed data key."""
        once = X25519PrivateKey.generate()
        ours = once.public_key().public_bytes_raw()
        shared = once.exchange(X25519PublicKey.from_public_bytes(self.public))
        return ours + _encrypt(_derived(shared, ours + self.public), data_key, bound)


@dataclass(frozen=True, slots=True)
class PrivateKeyOpener:
    """Unwraps with the private keys of the environment, the newest first."""

    ring: tuple[tuple[str, bytes], ...] = field(repr=False)

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """Return the data key."""
        private = dict(self.ring).get(key_id)
        if private is None:
            raise VaultClosed(_missing(key_id, has_keys=bool(self.ring)))
        theirs, sealed = wrapped[:_KEY], wrapped[_KEY:]
        try:
            key = X25519PrivateKey.from_private_bytes(private)
            shared = key.exchange(X25519PublicKey.from_public_bytes(theirs))
        except ValueError:
            raise VaultClosed(_BROKEN) from None
        public = key.public_key().public_bytes_raw()
        return _decrypt(_derived(shared, theirs + public), sealed, bound)


_BROKEN: Final = (
    "A sealed exchange key does not open: it was changed, cut or put into another row. Restore the "
    "row from a backup, or let its owner connect the key again."
)


def _missing(key_id: str, *, has_keys: bool) -> str:
    if not has_keys:
        return (
            "This process holds no vault key and cannot open exchange keys; only the executor does "
            "(VAULT_PRIVATE_KEYS)."
        )
    return (
        f"An exchange key is sealed to the vault key {key_id!r}, which VAULT_PRIVATE_KEYS does not "
        "list. Add it, at least until manage.py rotate_keys has run."
    )


def wrapper() -> Wrapper:
    """Return who wraps in this installation.

    Raises
    ------
    NeedsOperator
        While VAULT_PUBLIC_KEY is not set.
    """
    held = settings.VAULT_PUBLIC_KEY
    if held is None:
        raise NeedsOperator(
            "Exchange keys cannot be stored: VAULT_PUBLIC_KEY is not set "
            "(docs/reference/settings.md says how to make the pair)."
        )
    return PublicKeyWrapper(*held)


def opener() -> Opener:
    """Return who opens in this process."""
    return PrivateKeyOpener(settings.VAULT_PRIVATE_KEYS)


def can_open() -> bool:
    """Say whether this process holds a private key."""
    return bool(settings.VAULT_PRIVATE_KEYS)


def seal(place: Place, secret: bytes) -> str:
    """Return a secret sealed for one place, as text for a column."""
    data_key = os.urandom(_KEY)
    return _joined(place, data_key, _encrypt(data_key, secret, place.bound()))


def _joined(place: Place, data_key: bytes, body: bytes) -> str:
    keys = wrapper()
    wrapped = keys.wrap(data_key, place.bound(keys.current))
    return ":".join((VERSION, keys.current, _text(wrapped), _text(body)))


def open_sealed(place: Place, text: str) -> bytearray:
    """Return what was sealed for this place; the caller overwrites it (see `opened`)."""
    key_id, wrapped, body = _parts(text)
    data_key = opener().unwrap(key_id, wrapped, place.bound(key_id))
    return bytearray(_decrypt(data_key, body, place.bound()))


def key_id_of(text: str) -> str:
    """Return which vault key a sealed secret needs."""
    return _parts(text)[0]


def rewrap(place: Place, text: str) -> str:
    """Return a secret whose data key is wrapped anew, to the key that wraps now.

    What is inside stays sealed: a rotation never sees an exchange key.
    """
    key_id, wrapped, body = _parts(text)
    data_key = opener().unwrap(key_id, wrapped, place.bound(key_id))
    return _joined(place, data_key, body)


def wipe(secret: bytearray) -> None:
    """Overwrite what was opened."""
    for place in range(len(secret)):
        secret[place] = 0


class Secret:
    """A sealed secret that signs without being held open.

    It cannot be copied, pickled or shown: nothing of it reaches a log or a task by accident.
    """

    __slots__ = ("_note", "_place", "_sealed")

    def __init__(self, place: Place, sealed: str, note: "OnOpening") -> None:
        self._place, self._sealed, self._note = place, sealed, note

    @contextmanager
    def opened(self, purpose: str) -> Iterator[bytearray]:
        """Open for one purpose; the opening is on the ledger, the bytes are overwritten after."""
        self._note(self._place, purpose)
        plain = open_sealed(self._place, self._sealed)
        try:
            yield plain
        finally:
            wipe(plain)

    def __repr__(self) -> str:
        return "<Secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")

    def __deepcopy__(self, memo: Any) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


class OnOpening(Protocol):
    """What is told of every opening, before it happens."""

    def __call__(self, place: Place, purpose: str) -> None: ...


def _derived(shared: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY, salt=None, info=b"cs-vault-x1" + info).derive(
        shared
    )


def _encrypt(key: bytes, plaintext: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
    except (InvalidTag, ValueError):
        raise VaultClosed(_BROKEN) from None


def _parts(text: str) -> tuple[str, bytes, bytes]:
    parts = text.split(":")
    if len(parts) != 4 or parts[0] != VERSION:
        raise VaultClosed(_BROKEN)
    return parts[1], _bytes(parts[2]), _bytes(parts[3])


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


def _bytes(text: str) -> bytes:
    try:
        content = base64.b64decode(text, altchars=b"-_", validate=True)
    except ValueError:
        raise VaultClosed(_BROKEN) from None
    if _text(content) != text:  # unused bits of the last letter must not be free to change
        raise VaultClosed(_BROKEN)
    return content
