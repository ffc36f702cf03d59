"""Seeing pages as a user: read-only, half an hour at most, with a banner, a reason and an audit.

The session keeps who the member of staff is; only `request.user` is another while a page is
made. Whatever could change something, or shows what only the owner may hold, is refused.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from channels.db import database_sync_to_async
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import api as accounts
from accounts.contracts import LOOK, UserView
from cryptosystems.kernel.errors import NotAllowed

KEY: Final = LOOK
LONGEST_S: Final = 30 * 60
RIGHT: Final = "console.impersonate"
SAFE: Final = ("GET", "HEAD", "OPTIONS")
END_PATH: Final = "/admin/impersonation/end/"
CLOSED: Final = (
    "/accounts/",
    "/account/api-tokens",
    "/account/data",
    "/account/security",
    "/admin/",
    "/api/v1/signals/export",
    "/billing/",
)
"""Pages that hold what only the owner may see or set going, and the console itself."""

Handler = Callable[[HttpRequest], HttpResponse]


def begin(request: HttpRequest, user: UserView, reason: str) -> None:
    """Start to see pages as this person.

    Raises
    ------
    NotAllowed
        If the person is staff or deactivated, or another view is open.
    """
    if user.is_staff or not user.is_active or is_running(request):
        raise NotAllowed(
            _("Only active people who are not staff can be seen as, one at a time."),
            code="cannot_impersonate",
        )
    until = timezone.now().timestamp() + LONGEST_S
    request.session[KEY] = {"user_id": str(user.id), "until": until}
    accounts.audit(
        "impersonation_started",
        subject_id=user.id,
        actor_id=request.user.pk,
        actor_kind="staff",
        details={"reason": reason, "minutes": LONGEST_S // 60},
    )


def is_running(request: HttpRequest) -> bool:
    """Say whether this session sees pages as somebody else."""
    return KEY in request.session


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Stop, and go back to the person's page in the console."""
    if not is_running(request):
        raise Http404
    user_id = _stop(request, getattr(request, "impersonator", request.user), "ended")
    return redirect("admin:person", user_id)


class Impersonation:
    """Puts the other person into the request; refuses everything but reading."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        held = request.session.get(KEY) if _has_session(request) else None
        if held is None or not request.user.is_authenticated:
            return self._get_response(request)
        if request.path == END_PATH:
            request.impersonator = request.user  # type: ignore[attr-defined]
            return self._get_response(request)
        user = _user_of(held)
        over = _why_over(request.user, held, user)
        if over:
            return self._over(request, over)
        if request.method not in SAFE:
            return _refused(
                request, _("You see this as somebody else, read-only. Nothing was done.")
            )
        if request.path.startswith(CLOSED):
            return _refused(
                request, _("This page is for its owner alone. It stays shut while you look on.")
            )
        return self._as_other(request, user)

    def _over(self, request: HttpRequest, why: str) -> HttpResponse:
        user_id = _stop(request, request.user, why)
        if request.method not in SAFE or request.path.startswith("/api/"):
            # The page it came from was the other person's: it must not act on one's own account.
            return _refused(request, _("The view as another person is over. Nothing was done."))
        messages.info(request, _("The view as another person is over."))
        return redirect("admin:person", user_id)

    def _as_other(self, request: HttpRequest, user: Any) -> HttpResponse:
        async def other() -> Any:
            return user

        request.impersonator = request.user  # type: ignore[attr-defined]
        request.user = user
        request.auser = other
        response = self._get_response(request)
        response["Cache-Control"] = "no-store, private"
        return response


class SocketImpersonation:
    """The same for sockets: the other person's rights, and nothing may be written."""

    def __init__(self, inner: Callable[..., Awaitable[Any]]) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        scope = dict(scope)
        scope["read_only"], user = await database_sync_to_async(_socket_user)(scope)
        if user is not None:
            scope["user"] = user
        return await self._inner(scope, receive, send)


def banner(request: HttpRequest) -> dict[str, Any]:
    """Give every template what the banner says (context processor)."""
    staff = getattr(request, "impersonator", None)
    if staff is None or not _has_session(request) or KEY not in request.session:
        return {}
    left_s = request.session[KEY]["until"] - timezone.now().timestamp()
    return {
        "impersonation": {
            "email": getattr(request.user, "email", ""),
            "staff": staff.email,
            "minutes": max(1, round(left_s / 60)),
            "end": END_PATH,
        }
    }


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    if not request.path.startswith("/api/"):
        raise PermissionDenied(why)
    body = {
        "type": "about:blank#read_only",
        "title": "Not allowed",
        "status": 403,
        "detail": why,
        "code": "read_only",
    }
    return JsonResponse(body, status=403, content_type="application/problem+json")


def _has_session(request: HttpRequest) -> bool:
    return hasattr(request, "session")


def _why_over(staff: Any, held: dict[str, Any], user: Any) -> str:
    """Return why it may not go on: time, the right, or the person; empty: it may."""
    if timezone.now().timestamp() >= float(held["until"]):
        return "expired"
    if not (staff.is_active and staff.is_staff and staff.has_perm(RIGHT)):
        return "right_lost"
    return "person_gone" if user is None else ""


def _user_of(held: dict[str, Any]) -> Any:
    people = get_user_model()._default_manager.filter(is_staff=False, is_superuser=False)
    return people.filter(pk=UUID(held["user_id"]), is_active=True).first()


def _stop(request: HttpRequest, staff: Any, how: str) -> UUID:
    user_id = UUID(request.session.pop(KEY)["user_id"])
    accounts.audit(
        "impersonation_ended",
        subject_id=user_id,
        actor_id=staff.pk,
        actor_kind="staff",
        details={"how": how},
    )
    return user_id


def _socket_user(scope: dict[str, Any]) -> tuple[bool, Any]:
    session, staff = scope.get("session"), scope.get("user")
    held = session.get(KEY) if session is not None else None
    if held is None or staff is None or not staff.is_authenticated:
        return False, None
    user = _user_of(held)
    # Over: a socket that outlives the view belongs to neither of both.
    return True, AnonymousUser() if _why_over(staff, held, user) else user
