"""The chain: every signal and settlement as canonical JSON, each bound to its predecessor."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from cryptosystems.kernel.identifiers import GENESIS, canonical_json, chain_hash
from signals.delivery.payloads import chain_payload, iso
from signals.models import ChainEntry, Settlement, Signal

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
    """Walk the whole chain from its beginning.

    Each link must follow its predecessor, its hash must fit, and the row it tells of must still
    say what the link says; no signal or settlement may stand without a link.
    """
    previous, expected, count = GENESIS, 1, 0
    for batch in _batches():
        signals = Signal.objects.in_bulk([e.signal_id for e in batch if e.kind == "signal"])
        settled = Settlement.objects.in_bulk([e.signal_id for e in batch if e.kind != "signal"])
        for entry in batch:
            row = (signals if entry.kind == "signal" else settled).get(entry.signal_id)
            fault = _fault(entry, previous, expected) or _row_fault(entry, row)
            if fault:
                return ChainReport(count, previous, fault)
            previous, expected, count = entry.hash, expected + 1, count + 1
    rows = Signal.objects.count() + Settlement.objects.count()
    if rows != count:
        return ChainReport(count, previous, f"{rows} rows stand beside {count} links")
    return ChainReport(count, previous, "")


def _fault(entry: ChainEntry, previous: str, expected: int) -> str:
    if entry.sequence != expected:
        return f"link {expected} is missing (the next is {entry.sequence})"
    if entry.previous_hash != previous:
        return f"link {entry.sequence} names another predecessor than link {expected - 1}"
    if chain_hash(previous, entry.payload.encode()) != entry.hash:
        return f"link {entry.sequence} ({entry.kind}) was changed after it was written"
    return ""


def _row_fault(entry: ChainEntry, row: Signal | Settlement | None) -> str:
    where = f"link {entry.sequence} ({entry.kind} {entry.signal_id})"
    if row is None:
        return f"the row of {where} is gone"
    told: dict[str, Any] = json.loads(entry.payload)
    if isinstance(row, Signal):
        shown = json.loads(canonical_json(chain_payload(row)))
    else:
        shown = {
            **told,
            "result": row.result,
            "net_r": row.net_r,
            "gross_r": row.gross_r,
            "closed_at": iso(row.closed_at),
            "evidence": row.evidence,
        }
    if shown != told:
        names = sorted(name for name in told if shown.get(name) != told[name])
        return f"the row of {where} was changed afterwards ({', '.join(names)})"
    return ""


def _batches() -> Iterator[list[ChainEntry]]:
    after = 0
    while batch := list(
        ChainEntry.objects.filter(sequence__gt=after).order_by("sequence")[:_BATCH]
    ):
        yield batch
        after = batch[-1].sequence
