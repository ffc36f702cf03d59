"""The door of the accounts room."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from accounts.contracts import UserView
from accounts.models import AuditEntry, User


def user_by_id(user_id: UUID) -> UserView | None:
    """Return a person, or None."""
    user = User.objects.filter(pk=user_id).first()
    return None if user is None else _view(user)


def users_by_id(ids: list[UUID]) -> dict[UUID, UserView]:
    """Return people by their ids; unknown ids are left out."""
    return {user.id: _view(user) for user in User.objects.filter(pk__in=ids)}


def verified_after(after: tuple[datetime, UUID] | None, limit: int = 500) -> list[UserView]:
    """Return people whose address was confirmed, in that order, after a place in it."""
    rows = User.objects.exclude(verified_at=None).order_by("verified_at", "id")
    if after is not None:
        at, last = after
        rows = rows.filter(Q(verified_at__gt=at) | Q(verified_at=at, id__gt=last))
    return [_view(user) for user in rows[:limit]]


def mailbox_key(user_id: UUID) -> str:
    """Return a keyed hash of the person's mailbox."""
    local, _, domain = User.objects.get(pk=user_id).email.lower().rpartition("@")
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.replace(".", ""), "gmail.com"
    text = f"{local.partition('+')[0]}@{domain}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_disposable_address(user_id: UUID) -> bool:
    """Say whether the address is of a kind that lives for minutes."""
    return User.objects.get(pk=user_id).email.endswith("@mailinator.com")


def audit(
    action: str,
    *,
    subject_id: UUID | None,
    actor_id: UUID | None = None,
    actor_kind: str = "system",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write a line of the audit log."""
    last = AuditEntry.objects.order_by("-sequence").first()
    number = 1 if last is None else last.sequence + 1
    from django.utils import timezone

    AuditEntry.objects.create(
        sequence=number,
        at=timezone.now(),
        action=action,
        actor_kind=actor_kind,
        actor_id=actor_id,
        subject_id=subject_id,
        details=dict(details or {}),
        previous_hash=f"{number - 1}",
        hash=f"{number}",
    )


def deletions_due(now: datetime | None = None) -> list[UUID]:
    """Return who is to be deleted by now."""
    from django.utils import timezone

    due = User.objects.filter(deletion_due_at__lte=now or timezone.now())
    return list(due.values_list("pk", flat=True))


def delete_everything(user_id: UUID) -> None:
    """Delete a person with everything that belongs to them."""
    User.objects.filter(pk=user_id).delete()


def _view(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        is_active=user.is_active,
        is_staff=user.is_staff,
        joined_at=user.joined_at,
        verified_at=user.verified_at,
        time_zone=user.time_zone,
        number_format=user.number_format,
        theme=user.theme,
        is_colour_blind_safe=user.is_colour_blind_safe,
        language=user.language,
        security_changed_at=user.security_changed_at,
        deletion_due_at=user.deletion_due_at,
    )
