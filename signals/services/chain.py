"""The chain: every signal and settlement as canonical JSON, each bound to its predecessor."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from cryptosystems.kernel.identifiers import GENESIS, canonical_json, chain_hash
from signals.models import ChainEntry

_BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a walk along the chain found; `first_fault` is empty when all is well."""

    n_entries: int
    head: str
    first_fault: str


def chain_append(kind: str, signal_id: UUID, payload: dict[str, Any]) -> ChainEntry:
    """Add a link; call it in the transaction that stores what it tells of.

    Two writers cannot follow the same link: the predecessor's hash is unique, so the later
    transaction fails whole and is tried again by its caller.

    Raises
    ------
    RuntimeError
        If no transaction is open.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("chain_append must run inside the transaction of its cause")
    last = ChainEntry.objects.order_by("-sequence").first()
    previous = GENESIS if last is None else last.hash
    text = canonical_json(payload)
    return ChainEntry.objects.create(
        sequence=1 if last is None else last.sequence + 1,
        kind=kind,
        signal_id=signal_id,
        payload=text.decode(),
        previous_hash=previous,
        hash=chain_hash(previous, text),
    )


def verify_chain() -> ChainReport:
    """Walk the whole chain from its beginning: hashes, order, and no link missing."""
    previous, expected, count = GENESIS, 1, 0
    for entry in _entries():
        fault = _fault(entry, previous, expected)
        if fault:
            return ChainReport(count, previous, fault)
        previous, expected, count = entry.hash, expected + 1, count + 1
    return ChainReport(count, previous, "")


def _fault(entry: ChainEntry, previous: str, expected: int) -> str:
    if entry.sequence != expected:
        return f"link {expected} is missing (the next is {entry.sequence})"
    if entry.previous_hash != previous:
        return f"link {entry.sequence} names another predecessor than link {expected - 1}"
    if chain_hash(previous, entry.payload.encode()) != entry.hash:
        return f"link {entry.sequence} ({entry.kind}) was changed after it was written"
    return ""


def _entries() -> Iterator[ChainEntry]:
    return ChainEntry.objects.order_by("sequence").iterator(chunk_size=_BATCH)
