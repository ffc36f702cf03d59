"""What we hold about somebody: take it along, or have it deleted."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import api
from billing import api as billing
from billing.contracts import Feature
from frontend.context import DataPage
from frontend.people import user_id_of
from frontend.shell import make_shell
from signals import api as signals


@require_safe
@login_required
def data(request: HttpRequest) -> HttpResponse:
    """Render the page."""
    user_id = user_id_of(request)
    view = api.user_by_id(user_id)
    shell = make_shell("data", request)
    rights = shell.entitlements
    page = DataPage(
        shell,
        tuple(api.consents_of(user_id)),
        view.deletion_due_at if view else None,
        _origins(),
        "" if rights is None or rights.allows(Feature.EXPORT) else rights.sentence,
    )
    return render(request, "frontend/account/data.html", {"page": page, "shell": page.shell})


def _origins() -> tuple[str, ...]:
    live = signals.live_origin()
    others = (origin for origin in signals.origins_with_signals() if origin != live)
    return (live, *others)


@require_safe
@login_required
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth ships no types
def export(request: HttpRequest) -> HttpResponse:
    """Send everything as a zip; it holds a person's data, so they prove again who they are."""
    response = HttpResponse(api.export_of(user_id_of(request)), content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="cryptosystems-data.zip"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth ships no types
def delete(request: HttpRequest) -> HttpResponse:
    """Ask once more what goes and what stays, then start the thirty days."""
    if request.method == "POST":
        api.request_deletion(user_id_of(request), keep_session=request.session.session_key or "")
        billing.stop_renewal(user_id_of(request))
        messages.warning(request, _("Your account will be deleted. You can take it back below."))
        return redirect("frontend:data")
    return render(request, "frontend/account/delete.html", {"shell": make_shell("data", request)})


@require_POST
@login_required
def keep(request: HttpRequest) -> HttpResponse:
    """Take the deletion back."""
    if api.withdraw_deletion(user_id_of(request)):
        messages.success(request, _("Your account stays."))
    return redirect("frontend:data")
