"""Frames that must not be lost: rows committed with their cause, delivered in order."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from signals.models import OutboxEntry


def add_to_outbox(topic: str, data: dict[str, Any], at: datetime) -> OutboxEntry:
    """Store a frame; call it in the transaction that stores what the frame tells of.

    Raises
    ------
    RuntimeError
        If no transaction is open: the frame could then outlive its cause, or be lost.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("add_to_outbox must run inside the transaction of its cause")
    return OutboxEntry.objects.create(
        topic=topic, data=json.dumps(data, separators=(",", ":"), ensure_ascii=False), at=at
    )


def undelivered(limit: int = 500) -> list[OutboxEntry]:
    """Return the oldest entries nobody has marked delivered."""
    return list(OutboxEntry.objects.filter(delivered_at__isnull=True).order_by("sequence")[:limit])


def mark_delivered(sequences: Sequence[int], at: datetime) -> None:
    """Note that the hub was given these entries; a second call changes nothing."""
    OutboxEntry.objects.filter(sequence__in=list(sequences), delivered_at__isnull=True).update(
        delivered_at=at
    )


def entries_after(topic: str, sequence: int, limit: int = 500) -> list[OutboxEntry]:
    """Return the entries of `topic` after `sequence`, oldest first: what a client missed."""
    return list(
        OutboxEntry.objects.filter(topic=topic, sequence__gt=sequence).order_by("sequence")[:limit]
    )
