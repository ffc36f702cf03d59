"""Browsers that are signed in: listing them, ending them, and the hint of a device."""

import time
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.contracts import LOOK, FactorsView, PasskeyView, SessionView
from accounts.domain import browser_label
from accounts.middleware import is_over
from accounts.models import Device
from accounts.services import audit
from cryptosystems.platform import bell
from cryptosystems.platform.addresses import network_of


def of_user(user_id: UUID, current_key: str) -> list[SessionView]:
    """Return someone's living sessions, the one asking first, then the newest."""
    rows = [row for row in UserSession.objects.filter(user_id=user_id) if not row.purge()]
    views = [
        SessionView(
            row.pk,
            browser_label(row.user_agent),
            row.ip,
            row.created_at,
            row.last_seen_at,
            row.session_key == current_key,
        )
        for row in rows
    ]
    return sorted(views, key=lambda view: (not view.is_current, -view.last_seen_at.timestamp()))


def end_one(user_id: UUID, session_id: int) -> bool:
    """End one of someone's sessions; False if it is not theirs or gone."""
    return _end(user_id, lambda row: row.pk == session_id) > 0


def end_all(user_id: UUID, *, except_key: str = "") -> int:
    """End someone's sessions, but for one; return how many."""
    return _end(user_id, lambda row: row.session_key != except_key)


def _end(user_id: UUID, chosen: Callable[[UserSession], bool]) -> int:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    with transaction.atomic():
        bell.ring(user_id)
        ended = [row for row in UserSession.objects.filter(user_id=user_id) if chosen(row)]
        for row in ended:
            store.delete(row.session_key)
            row.delete()
        if ended:
            audit.append(
                "sessions_ended",
                subject_id=user_id,
                actor_id=user_id,
                actor_kind="user",
                details={"count": len(ended)},
            )
    return len(ended)


def is_alive(session_key: str, user_id: UUID) -> bool:
    """Say whether a session exists, has not run out, and still belongs to this active user.

    A change of password ends the others by their hash, a deactivation by the backend's refusal:
    both are found by asking Django as for a new request.
    """
    if not session_key:
        return False
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    now = time.time()
    if not user.is_authenticated or is_over(request.session, is_staff=user.is_staff, now=now):
        return False
    return user.pk == user_id or (user.is_staff and _looks_as(request.session, user_id, now))


def _looks_as(session: SessionBase, user_id: UUID, now: float) -> bool:
    """Say whether a member of staff sees pages as this person, read-only, and may still."""
    held = session.get(LOOK)
    return held is not None and held["user_id"] == str(user_id) and now < held["until"]


def remember_device(
    user_id: UUID, user_agent: str, address: str, now: datetime | None = None
) -> None:
    """Note the browser family and network of a sign-in, as a keyed hash that tells neither."""
    label, at = browser_label(user_agent), now or timezone.now()
    hint = salted_hmac(
        "cryptosystems.accounts.device", f"{label}|{network_of(address)}", algorithm="sha256"
    ).hexdigest()
    with transaction.atomic():
        known = Device.objects.for_user(user_id).filter(hint=hint).update(last_seen_at=at)
        if not known:
            Device.objects.add_for(
                user_id, hint=hint, label=label, first_seen_at=at, last_seen_at=at
            )


def factors_of(user_id: UUID) -> FactorsView:
    """Return the second factors someone has."""
    rows = list(Authenticator.objects.filter(user_id=user_id).order_by("created_at"))
    kinds = {row.type: row for row in rows}
    codes = kinds.get(Authenticator.Type.RECOVERY_CODES)
    return FactorsView(
        has_totp=Authenticator.Type.TOTP in kinds,
        passkeys=tuple(
            PasskeyView(row.pk, row.wrap().name, row.created_at, row.last_used_at)
            for row in rows
            if row.type == Authenticator.Type.WEBAUTHN
        ),
        recovery_codes_left=None if codes is None else len(codes.wrap().get_unused_codes()),
    )
