"""How an account is protected: password, second factors, sessions, and what was done."""

from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import api
from frontend.context import SecurityPage
from frontend.people import user_id_of
from frontend.shell import make_shell

_ROWS: Final = 30


@require_safe
@login_required
def security(request: HttpRequest) -> HttpResponse:
    """Render the page; `?before=` pages back through the activity."""
    user_id = user_id_of(request)
    before = request.GET.get("before", "")
    rows = api.audit_of(
        user_id,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        limit=_ROWS + 1,
    )
    page = SecurityPage(
        shell=make_shell("security", request),
        email=str(getattr(request.user, "email", "")),
        factors=api.factors_of(user_id),
        sessions=tuple(api.sessions_of(user_id, request.session.session_key or "")),
        activity=tuple(rows[:_ROWS]),
        older=rows[_ROWS - 1].sequence if len(rows) > _ROWS else None,
    )
    return render(request, "frontend/account/security.html", {"page": page, "shell": page.shell})


@require_POST
@login_required
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign one other browser out."""
    if not api.end_session(user_id_of(request), session_id):
        raise Http404
    messages.success(request, _("That device is signed out."))
    return redirect("frontend:security")


@require_POST
@login_required
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign all other browsers out."""
    api.end_sessions(user_id_of(request), except_key=request.session.session_key or "")
    messages.success(request, _("The other devices are signed out."))
    return redirect("frontend:security")
