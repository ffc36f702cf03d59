"""The audit log: append-only, each row bound to the one before, people named by id alone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from accounts.contracts import AuditView
from accounts.models import AuditEntry
from cryptosystems.kernel.errors import RetryLater
from cryptosystems.kernel.identifiers import GENESIS, canonical_json, chain_hash

ACTIONS: Final = {
    "signed_up": gettext_lazy("Account created"),
    "address_verified": gettext_lazy("E-mail address confirmed"),
    "signed_in": gettext_lazy("Signed in"),
    "sign_in_failed": gettext_lazy("Sign-in failed: wrong password"),
    "second_step_failed": gettext_lazy("Sign-in failed: wrong second step"),
    "signed_out": gettext_lazy("Signed out"),
    "confirmed_again": gettext_lazy("Identity confirmed for a sensitive change"),
    "password_changed": gettext_lazy("Password changed"),
    "password_reset": gettext_lazy("Password reset by e-mail"),
    "email_change_asked": gettext_lazy("Change of the e-mail address asked for"),
    "email_changed": gettext_lazy("E-mail address changed"),
    "factor_added": gettext_lazy("Second factor added"),
    "factor_removed": gettext_lazy("Second factor removed"),
    "recovery_codes_renewed": gettext_lazy("Recovery codes made anew"),
    "sessions_ended": gettext_lazy("Other sessions ended"),
    "settings_changed": gettext_lazy("Settings changed"),
    "consent_given": gettext_lazy("Agreed to a document"),
    "data_exported": gettext_lazy("Data downloaded"),
    "deletion_requested": gettext_lazy("Deletion of the account asked for"),
    "deletion_withdrawn": gettext_lazy("Deletion of the account withdrawn"),
    "account_deleted": gettext_lazy("Account deleted"),
    "token_created": gettext_lazy("API token made"),
    "token_revoked": gettext_lazy("API token revoked"),
}
"""Titles of actions. A room above may log a code of its own; it reads as its words."""

_AGREED: Final = {
    "risk": gettext_lazy("Agreed to the risk notice, version %(version)s"),
    "terms": gettext_lazy("Agreed to the terms of use, version %(version)s"),
}
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{2,63}")
_MOST_TRIES: Final = 20
_BATCH: Final = 1_000


def append(
    action: str,
    *,
    subject_id: UUID | None,
    actor_id: UUID | None = None,
    actor_kind: str = "system",
    details: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> None:
    """Add a row; call it inside the transaction of its cause.

    Two writers cannot follow the same row: the predecessor's hash is unique. The loser rolls
    back to its savepoint and follows the winner.

    Raises
    ------
    ValueError
        If the code is not made of small letters, digits and underscores.
    RetryLater
        If others were quicker twenty times in a row.
    """
    if not _CODE.fullmatch(action):
        raise ValueError("an action code is made of small letters, digits and underscores")
    actor_kind = AuditEntry.ActorKind(actor_kind).value
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
    at = now or timezone.now()
    for _attempt in range(_MOST_TRIES):
        last = AuditEntry.objects.order_by("-sequence").first()
        entry = AuditEntry(
            sequence=1 if last is None else last.sequence + 1,
            at=at,
            action=action,
            actor_kind=actor_kind,
            actor_id=actor_id,
            subject_id=subject_id,
            details=details or {},
            request_id=request_id,
            previous_hash=GENESIS if last is None else last.hash,
        )
        entry.hash = chain_hash(entry.previous_hash, _payload(entry))
        try:
            with transaction.atomic():
                entry.save(force_insert=True)
        except IntegrityError:
            continue
        return
    raise RetryLater("The audit log is busy. Nothing was done; try again in a moment.", after_s=1)


def of_user(user_id: UUID, *, before: int | None = None, limit: int = 50) -> list[AuditView]:
    """Return a person's own rows, the newest first; `before` is a sequence to page on from."""
    rows = AuditEntry.objects.filter(subject_id=user_id)
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    return [_view(row) for row in rows.order_by("-sequence")[:limit]]


def verify() -> str:
    """Walk the whole log; return the first fault, or an empty text."""
    previous, expected = GENESIS, 1
    for entry in _walk():
        if entry.sequence != expected:
            return f"row {expected} is missing (the next is {entry.sequence})"
        if entry.previous_hash != previous:
            return f"row {entry.sequence} names another predecessor than row {expected - 1}"
        if chain_hash(previous, _payload(entry)) != entry.hash:
            return f"row {entry.sequence} ({entry.action}) was changed after it was written"
        previous, expected = entry.hash, expected + 1
    return ""


def title_of(action: str, details: dict[str, Any] | None = None) -> str:
    """Return an action in words; of an agreement, to what."""
    agreed = _AGREED.get((details or {}).get("kind", "")) if action == "consent_given" else None
    if agreed is not None and details is not None:
        return str(agreed) % {"version": details.get("version", "")}
    title = ACTIONS.get(action)
    return gettext(action.replace("_", " ").capitalize()) if title is None else str(title)


def _payload(entry: AuditEntry) -> bytes:
    return canonical_json(
        {
            "sequence": entry.sequence,
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "action": entry.action,
            "actor_kind": entry.actor_kind,
            "actor_id": entry.actor_id and str(entry.actor_id),
            "subject_id": entry.subject_id and str(entry.subject_id),
            "details": entry.details,
            "request_id": entry.request_id,
        }
    )


def _view(row: AuditEntry) -> AuditView:
    return AuditView(
        row.sequence,
        row.at,
        row.action,
        title_of(row.action, row.details),
        row.actor_kind,
        row.actor_id,
        row.details,
    )


def _walk() -> Iterator[AuditEntry]:
    after = 0
    while batch := list(
        AuditEntry.objects.filter(sequence__gt=after).order_by("sequence")[:_BATCH]
    ):
        yield from batch
        after = batch[-1].sequence
