"""Switches: what each means, how it stands, and who may turn it."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts import api as accounts
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.platform import switches

ACTS: Final = ("on", "off", "throw", "ask", "agree")


def switchboard(request: HttpRequest) -> HttpResponse:
    """Show every switch."""
    board = switches.all_switches()
    ids = {i for one in board for i in (one.changed_by, one.clear_asked_by) if i is not None}
    people = accounts.users_by_id(list(ids))
    rows = [
        {
            "switch": one,
            "by": people.get(one.changed_by) if one.changed_by else None,
            "asker": people.get(one.clear_asked_by) if one.clear_asked_by else None,
            "is_mine": one.clear_asked_by == request.user.pk,
        }
        for one in board
    ]
    context = {**admin.site.each_context(request), "title": _("Switches"), "rows": rows}
    return render(request, "console/switches.html", context)


def turn(request: HttpRequest, name: str, act: str) -> HttpResponse:
    """Turn a switch, with the reason that was typed."""
    if name not in switches.KNOWN or act not in ACTS:
        raise Http404
    reason = request.POST.get("reason", "")
    try:
        with transaction.atomic():
            if _turned(name, act, reason, request.user.pk):
                admin.site.note(  # type: ignore[attr-defined]  # our own site
                    request,
                    f"switch_{_WORDS[act]}",
                    details={"switch": name, "reason": reason.strip()[:300]},
                )
                messages.success(request, _("Done. It acts at once."))
            else:
                messages.info(request, _("It stood so already. Nothing was changed."))
    except CryptoSystemsError as error:
        messages.error(request, str(error))
    return redirect("admin:switches")


_WORDS: Final = {
    "on": "turned_on",
    "off": "turned_off",
    "throw": "thrown",
    "ask": "clear_asked",
    "agree": "cleared",
}


def _turned(name: str, act: str, reason: str, staff_id: Any) -> bool:
    if act in ("on", "off"):
        return switches.set_feature(name, act == "on", reason, staff_id)
    if act == "throw":
        return switches.throw(name, reason, staff_id)
    if act == "ask":
        switches.ask_clear(name, staff_id)
    else:
        switches.agree_clear(name, staff_id)
    return True
