"""How long a session lives, which language it speaks, what private pages tell caches."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from cryptosystems.platform.addresses import client_address

Handler = Callable[[HttpRequest], HttpResponse]

_HOUR: Final = 3_600
_DAY: Final = 24 * _HOUR
IDLE_S: Final = 7 * _DAY
ABSOLUTE_S: Final = 30 * _DAY
STAFF_IDLE_S: Final = _HOUR // 2
STAFF_ABSOLUTE_S: Final = 8 * _HOUR
# A session is written again only this often: every request would be a write to the database.
_TOUCH_S: Final = _HOUR
_STAFF_TOUCH_S: Final = 60
_LIFE: Final = "life"
_PRIVATE: Final = ("/accounts/", "/account/", "/console/", "/api/v1/account")


def begin(request: HttpRequest) -> None:
    """Start the clocks of a session: called at sign-in."""
    now = time.time()
    request.session[_LIFE] = [now, now]


def is_over(session: Mapping[str, Any], *, is_staff: bool, now: float) -> bool:
    """Say whether a session is idle or old, by its own clocks."""
    born, seen = session.get(_LIFE) or (now, 0.0)
    idle, absolute = (STAFF_IDLE_S, STAFF_ABSOLUTE_S) if is_staff else (IDLE_S, ABSOLUTE_S)
    return bool(now - born > absolute or (seen and now - seen > idle))


class SessionLife:
    """Ends sessions that are idle or old; keeps the time of the last visit."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        has_owner = settings.SESSION_COOKIE_NAME in request.COOKIES and (
            SESSION_KEY in request.session
        )
        if has_owner:
            self._check(request)
        response = self._get_response(request)
        # The frame of every page names who is signed in, an error page's too.
        if has_owner or request.path.startswith(_PRIVATE):
            response.headers["Cache-Control"] = "no-store, private"
        return response

    def _check(self, request: HttpRequest) -> None:
        now = time.time()
        is_staff = bool(getattr(request.user, "is_staff", False))
        born, seen = request.session.get(_LIFE) or (now, 0.0)
        if is_over(request.session, is_staff=is_staff, now=now):
            UserSession.objects.filter(session_key=request.session.session_key).delete()
            request.session.flush()
            request.user = AnonymousUser()
            return
        if now - seen > (_STAFF_TOUCH_S if is_staff else _TOUCH_S):
            request.session[_LIFE] = [born, now]
            UserSession.objects.filter(session_key=request.session.session_key).update(
                last_seen_at=timezone.now(), ip=client_address(request)
            )


class ProfileLanguage:
    """Speaks the language somebody chose, where it is offered; else the browser's stands.

    Comes after the session is checked: a session that is over has no say.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # With one language there is nothing to choose, and nobody has to be looked up.
        if len(settings.LANGUAGES) > 1 and settings.SESSION_COOKIE_NAME in request.COOKIES:
            language = getattr(request.user, "language", "")
            if language in dict(settings.LANGUAGES):
                translation.activate(language)
                request.LANGUAGE_CODE = language
        return self._get_response(request)


class ForgetAtSignOut:
    """Tells the browser to drop cached pages at sign-out.

    Only the cache: “storage” would also wipe the chosen theme, and the session cookie is gone
    with the session.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_in = settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session
        response = self._get_response(request)
        if was_in and SESSION_KEY not in request.session:
            response.headers["Clear-Site-Data"] = '"cache"'
        return response
