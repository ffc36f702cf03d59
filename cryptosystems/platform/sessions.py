"""Is a signed-in session still one: asked again while a socket is open."""

from importlib import import_module
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils import timezone

IMPERSONATION: Final = "impersonation"
"""Where the session of a member of staff keeps as whom they look on, and until when."""


def is_session_of(session_key: str, user_id: UUID) -> bool:
    """Say whether this session exists, has not run out, and still belongs to this active user.

    A change of password ends the others by their hash, a deactivation by the backend's refusal:
    both are found by asking Django as for a new request.
    """
    if not session_key:
        return False
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    if not user.is_authenticated:
        return False
    return user.pk == user_id or _looks_as(request, user_id, bool(getattr(user, "is_staff", False)))


def _looks_as(request: HttpRequest, user_id: UUID, is_staff: bool) -> bool:
    held = request.session.get(IMPERSONATION)
    return (
        is_staff
        and held is not None
        and held["user_id"] == str(user_id)
        and timezone.now().timestamp() < held["until"]
    )
