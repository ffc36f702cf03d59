"""Canonical bytes, hashes and deterministic ids."""

import hashlib
import json
import uuid
from typing import Any, Final

_NAMESPACE: Final = uuid.UUID("8f0c2f6e-6f5b-5d0e-9a7b-6f6f63727970")

GENESIS: Final = "0" * 64
"""The predecessor's hash of the first row of a chain."""


def canonical_json(value: Any) -> bytes:
    """Return `value` as JSON that is the same bytes for the same content.

    Keys sorted, no spaces, UTF-8, floats in their shortest round-trip form; NaN and
    infinity are refused, because JSON has no word for them.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of `content` in lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def chain_hash(previous: str, payload: bytes) -> str:
    """Return the hash of a chained row: SHA-256 of the predecessor's hash and the payload."""
    return sha256_hex(previous.encode() + b"\n" + payload)


def deterministic_id(*parts: str | int) -> uuid.UUID:
    """Return the same UUID for the same parts, so that a repeat is seen as a repeat."""
    return uuid.uuid5(_NAMESPACE, "/".join(str(part) for part in parts))
