"""The audit log: each row bound to the one before it."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.contracts import AuditView
from accounts.models import AuditEntry
from cryptosystems.kernel.identifiers import GENESIS, canonical_json
from cryptosystems.platform.logging import request_id


def append(
    action: str,
    *,
    subject_id: UUID | None,
    actor_id: UUID | None = None,
    actor_kind: str = "system",
    details: dict[str, Any] | None = None,
) -> None:
    """Add a row; call it inside the transaction of its cause."""
    newest = AuditEntry.objects.order_by("-sequence").first()
    at: datetime = timezone.now().astimezone(UTC)
    fields: dict[str, Any] = {
        "sequence": 1 if newest is None else newest.sequence + 1,
        "action": action,
        "actor_kind": actor_kind,
        "details": details or {},
        "request_id": request_id(),
        "previous_hash": GENESIS if newest is None else newest.hash,
    }
    told = {**fields, "at": at.isoformat(), "actor": str(actor_id), "subject": str(subject_id)}
    AuditEntry.objects.create(
        **fields,
        at=at,
        actor_id=actor_id,
        subject_id=subject_id,
        hash=sha256(canonical_json(told)).hexdigest(),
    )


def of_user(user_id: UUID, *, before: int | None = None, limit: int = 50) -> list[AuditView]:
    """Return what was done to somebody's account, newest first."""
    rows = AuditEntry.objects.filter(subject_id=user_id)
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    return [
        AuditView(
            sequence=row.sequence,
            at=row.at,
            action=row.action,
            title=row.action.replace("_", " ").capitalize(),
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            details=row.details,
        )
        for row in rows.order_by("-sequence")[:limit]
    ]
