"""A signal built again from what was stored with it, and compared field by field."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptosystems.kernel.errors import InvalidInput
from signals.builder.build import SignalDraft, build
from signals.builder.setup import Setup
from signals.delivery.payloads import chain_payload
from signals.models import ChainEntry, Signal
from signals.services.publish import make_row


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What was promised, what the stored inputs give now, and where they differ."""

    matches: bool
    stored: dict[str, Any]
    recomputed: dict[str, Any] | None
    differences: list[str]


def recompute(signal_id: UUID) -> Recomputed:
    """Rebuild a signal from its snapshot and compare it with its link in the chain.

    Raises
    ------
    InvalidInput
        If there is no such signal.
    """
    signal = Signal.objects.filter(pk=signal_id).first()
    link = ChainEntry.objects.filter(kind="signal", signal_id=signal_id).first()
    if signal is None or link is None:
        raise InvalidInput(f"there is no signal {signal_id}")
    stored: dict[str, Any] = json.loads(link.payload)
    built = build(Setup.from_dict(json.loads(signal.snapshot)))
    if not isinstance(built, SignalDraft):
        return Recomputed(False, stored, None, [f"the gate {built.gate} says no today"])
    found = json.loads(json.dumps(chain_payload(make_row(built, signal.number))))
    differences = [
        f"{name}: stored {stored.get(name)!r}, recomputed {found.get(name)!r}"
        for name in sorted(stored.keys() | found.keys())
        if stored.get(name) != found.get(name)
    ]
    return Recomputed(not differences, stored, found, differences)
