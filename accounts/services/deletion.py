"""Leaving: asked for, thirty days to think again, then everything goes."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services import audit, mail, sessions
from cryptosystems.kernel.errors import NotAllowed
from cryptosystems.platform import bell, departures
from cryptosystems.platform.models import OutgoingMail

REGRET: Final = timedelta(days=30)


def request(user_id: UUID, *, keep_session: str = "", now: datetime | None = None) -> datetime:
    """Set the day on which everything goes; sign out elsewhere and revoke tokens at once.

    A second request changes nothing: the first day stays.
    """
    at = now or timezone.now()
    with transaction.atomic():
        due = at + REGRET
        asked = User.objects.filter(pk=user_id, deletion_due_at=None).update(
            deletion_requested_at=at, deletion_due_at=due
        )
        user = User.objects.get(pk=user_id)
        if not asked:
            assert user.deletion_due_at is not None
            return user.deletion_due_at
        ApiToken.objects.for_user(user_id).filter(revoked_at=None).update(revoked_at=at)
        sessions.end_all(user_id, except_key=keep_session)
        _log("deletion_requested", user_id, {"due_at": due.isoformat()})
        _send(user, "deletion_requested", {"due_at": due})
    return due


def withdraw(user_id: UUID) -> bool:
    """Keep the account after all; False if no deletion was asked for."""
    with transaction.atomic():
        kept = (
            User.objects.filter(pk=user_id)
            .exclude(deletion_due_at=None)
            .update(deletion_requested_at=None, deletion_due_at=None)
        )
        if kept:
            _log("deletion_withdrawn", user_id, {})
            _send(User.objects.get(pk=user_id), "deletion_withdrawn", {})
    return kept > 0


def due(now: datetime | None = None) -> list[UUID]:
    """Return whose thirty days are over."""
    users = User.objects.filter(deletion_due_at__lte=now or timezone.now())
    return list(users.order_by("deletion_due_at").values_list("pk", flat=True))


def asked() -> list[UUID]:
    """Return who has asked to be deleted and may still think again."""
    users = User.objects.exclude(deletion_due_at=None)
    return list(users.order_by("deletion_due_at").values_list("pk", flat=True))


def waits_for(user_id: UUID) -> list[str]:
    """Return which rooms still have something to bring to an end; asking makes them begin."""
    return departures.waits_for(user_id)


def delete_everything(user_id: UUID) -> None:
    """Delete a person, every row that hangs on them, their mails and sessions.

    The audit log stays: it names people by an id that then leads nowhere.

    Raises
    ------
    NotAllowed
        With code `not_over` while a room has something to bring to an end, as a position to close.
    """
    left = waits_for(user_id)
    if left:
        raise NotAllowed(f"Not yet: {', '.join(left)} has something open.", code="not_over")
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id).first()
        if user is None:
            return
        addresses = {
            user.email,
            *EmailAddress.objects.filter(user=user).values_list("email", flat=True),
        }
        keys = list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=keys).delete()
        for address in addresses:
            OutgoingMail.objects.filter(to__iexact=address).delete()
            # A mail to an older address may name the newer one.
            OutgoingMail.objects.filter(body__icontains=address).delete()
        # The console's own log repeats the address of whom it was about.
        LogEntry.objects.filter(object_id=str(user_id)).delete()
        audit.append("account_deleted", subject_id=user_id)
        bell.ring(user_id)
        user.delete()


def _log(action: str, user_id: UUID, details: dict[str, str]) -> None:
    audit.append(action, subject_id=user_id, actor_id=user_id, actor_kind="user", details=details)


def _send(user: User, name: str, more: dict[str, object]) -> None:
    context = {"site_url": settings.SITE_URL, **more}
    mail.compose(f"frontend/mail/{name}", user.email, context).send()
