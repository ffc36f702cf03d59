"""Is a signed-in session still one: asked again while a socket is open."""

from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest


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
    return user.is_authenticated and user.pk == user_id
