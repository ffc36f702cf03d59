"""Following a signal on paper: one button, wherever the signal is shown."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cryptosystems.kernel.errors import CryptoSystemsError
from frontend.answers import SeeOther, status_of
from frontend.following import followed_of, line_json
from frontend.people import user_id_of
from trading import api as trading

MOST: Final = 100
"""Signals that are asked about at once."""


@require_POST
@login_required
@never_cache
def follow(request: HttpRequest, signal_id: UUID) -> HttpResponse:
    """Follow one signal; a script is answered in JSON, a form by the executions."""
    wants_json = request.headers.get("Accept", "").startswith("application/json")
    try:
        line = trading.follow(user_id_of(request), signal_id)
    except CryptoSystemsError as error:
        if wants_json:
            problem = {"code": error.code, "detail": str(error)}
            return JsonResponse(problem, status=status_of(error))
        messages.error(request, str(error))
    else:
        if wants_json:
            return JsonResponse(line_json(line))
        words = _("You follow %(side)s %(base)s on paper. Its story is written below.")
        side = _("long") if line.side == "long" else _("short")
        messages.success(request, words % {"side": side, "base": line.base})
    return SeeOther(reverse("frontend:orders"))


@require_safe
@login_required
@never_cache
def followed(request: HttpRequest) -> JsonResponse:
    """Say how the reader's paper trades of these signals stand (`?signals=` ids with commas)."""
    ids = []
    for text in request.GET.get("signals", "")[: MOST * 40].split(",")[:MOST]:
        try:
            ids.append(str(UUID(text)))
        except ValueError:
            continue
    return JsonResponse({"followed": followed_of(user_id_of(request), ids)})
