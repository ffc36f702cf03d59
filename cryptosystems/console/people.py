"""One page with everything about a person, and what staff may do for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import api as accounts
from accounts.contracts import UserView
from billing import api as billing
from cryptosystems.console import impersonation
from cryptosystems.console.forms import (
    HoursForm,
    ReasonForm,
    RolesForm,
    TokenForm,
    UntilForm,
    first_fault,
)
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.platform.admin import staff_id_of

SHOWN_AUDIT: Final = 30
ROLES_RIGHT: Final = "only superusers"
"""No group holds it: Django answers yes for superusers alone."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something staff do for a person: its right, what is typed, and what it calls."""

    right: str
    form: type[ReasonForm]
    run: Callable[[HttpRequest, UserView, dict[str, Any]], str]
    button: str | Promise
    explains: str | Promise
    on_staff: bool = False
    """It may be done to staff by whoever holds the right; otherwise by superusers alone."""


def _grant_text(waits: bool) -> str:
    if waits:
        return _("Noted. It is above 30 days: a second person has to agree before it counts.")
    return _("Done.")


def _extend_trial(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    given = billing.extend_trial(
        user.id, hours=typed["hours"], reason=typed["reason"], staff_id=staff_id_of(request)
    )
    return _grant_text(given.waits)


def _give_access(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    given = billing.give_access(
        user.id, until=typed["until"], reason=typed["reason"], staff_id=staff_id_of(request)
    )
    return _grant_text(given.waits)


def _keep_after_refund(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    given = billing.keep_after_refund(
        user.id, until=typed["until"], reason=typed["reason"], staff_id=staff_id_of(request)
    )
    return _grant_text(given.waits)


def _sync(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    billing.sync_user(user.id)
    _note(request, "staff_fetched_payments", user, typed)
    return _("The payment provider was asked; this page shows what it said.")


def _end_sessions(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    count = accounts.end_sessions(user.id)
    _note(request, "staff_ended_sessions", user, typed, count=count)
    return _("Sessions ended: %(count)s.") % {"count": count}


def _revoke_token(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    if not accounts.revoke_token(user.id, typed["token"]):
        return _("This token is revoked already, or is not this person's.")
    _note(request, "staff_revoked_token", user, typed, token=str(typed["token"]))
    return _("The token is revoked.")


def _deactivate(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    if user.id == request.user.pk:
        return _("You cannot deactivate yourself.")
    changed = accounts.set_active(user.id, False)
    accounts.end_sessions(user.id)
    if changed:
        _note(request, "staff_deactivated", user, typed)
    return _("The account is deactivated and signed out everywhere. Payments go on: see below.")


def _reactivate(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    if accounts.set_active(user.id, True):
        _note(request, "staff_reactivated", user, typed)
    return _("The account can sign in again.")


def _set_roles(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    if user.id == request.user.pk:
        return _("You cannot change your own roles.")
    before = accounts.set_roles(user.id, typed["roles"])
    _note(request, "staff_roles_changed", user, typed, before=before, after=typed["roles"])
    return _("Roles are set. They act at the next page.")


def _impersonate(request: HttpRequest, user: UserView, typed: dict[str, Any]) -> str:
    impersonation.begin(request, user, typed["reason"])
    return ""


def _note(
    request: HttpRequest, action: str, user: UserView, typed: dict[str, Any], **more: Any
) -> None:
    accounts.audit(
        action,
        subject_id=user.id,
        actor_id=request.user.pk,
        actor_kind="staff",
        details={"reason": typed["reason"], **more},
    )


ACTS: Final[dict[str, Act]] = {
    "extend-trial": Act(
        "console.grant",
        HoursForm,
        _extend_trial,
        gettext_lazy("Extend the trial"),
        gettext_lazy("Above 30 days in sum a second person has to agree."),
    ),
    "give-access": Act(
        "console.grant",
        UntilForm,
        _give_access,
        gettext_lazy("Give access"),
        gettext_lazy("Opens everything without payment. Above 30 days a second person agrees."),
    ),
    "keep-after-refund": Act(
        "console.grant",
        UntilForm,
        _keep_after_refund,
        gettext_lazy("Keep access after a refund"),
        gettext_lazy("A full refund ends access. This lets the subscription count all the same."),
    ),
    "fetch-payments": Act(
        "console.act_on_people",
        ReasonForm,
        _sync,
        gettext_lazy("Ask the payment provider"),
        gettext_lazy("Fetches subscription and invoices anew."),
        on_staff=True,
    ),
    "end-sessions": Act(
        "console.act_on_people",
        ReasonForm,
        _end_sessions,
        gettext_lazy("End all sessions"),
        gettext_lazy("Signs every browser out."),
    ),
    "revoke-token": Act(
        "console.act_on_people",
        TokenForm,
        _revoke_token,
        gettext_lazy("Revoke"),
        gettext_lazy("The token stops working at once."),
    ),
    "deactivate": Act(
        "console.act_on_people",
        ReasonForm,
        _deactivate,
        gettext_lazy("Deactivate"),
        gettext_lazy("Nobody can sign in to the account until it is reactivated."),
    ),
    "reactivate": Act(
        "console.act_on_people",
        ReasonForm,
        _reactivate,
        gettext_lazy("Reactivate"),
        gettext_lazy("The account can sign in again."),
    ),
    "impersonate": Act(
        "console.impersonate",
        ReasonForm,
        _impersonate,
        gettext_lazy("See pages as this person"),
        gettext_lazy("Read-only, 30 minutes at most. Start and end are in the audit log."),
    ),
    "roles": Act(
        ROLES_RIGHT,
        RolesForm,
        _set_roles,
        gettext_lazy("Set roles"),
        gettext_lazy("No role: no member of staff."),
        on_staff=True,
    ),
}


def may(request: HttpRequest, act: Act, user: UserView) -> bool:
    """Say whether this member of staff may do it to this person."""
    if not request.user.has_perm(act.right):
        return False
    is_superuser = bool(getattr(request.user, "is_superuser", False))
    return is_superuser or act.on_staff or not user.is_staff


def _fits(name: str, user: UserView, view: Any) -> bool:
    """Say whether an act makes sense as the person stands."""
    fits = {
        "deactivate": user.is_active,
        "reactivate": not user.is_active,
        "extend-trial": view.trial is not None,
        "keep-after-refund": view.subscription is not None,
        "impersonate": not user.is_staff and user.is_active,
        "revoke-token": False,  # its button stands beside each token
    }
    return fits.get(name, True)


def person(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Show everything about a person, as far as this member of staff may."""
    user = _person_or_404(user_id)
    view = billing.billing_view(user_id)
    grants = billing.grants_of(user_id)
    staff_ids = {grant.given_by for grant in grants} | {g.confirmed_by for g in grants} - {None}
    forms_shown = [
        {"name": name, "act": act, "form": act.form(auto_id=f"{name}-%s")}
        for name, act in ACTS.items()
        if may(request, act, user) and _fits(name, user, view)
    ]
    context = {
        **admin.site.each_context(request),
        "title": user.email,
        "person": user,
        "billing": view,
        "links": billing.provider_links(user_id),
        "grants": grants,
        "staff": accounts.users_by_id([i for i in staff_ids if i is not None]),
        "sessions": accounts.sessions_of(user_id),
        "factors": accounts.factors_of(user_id),
        "tokens": accounts.tokens_of(user_id),
        "devices": accounts.devices_of(user_id),
        "consents": accounts.consents_of(user_id),
        "roles": accounts.roles_of(user_id),
        "audit": accounts.audit_of(user_id, limit=SHOWN_AUDIT),
        "forms": forms_shown,
        "may_revoke": may(request, ACTS["revoke-token"], user),
        "may_grant": request.user.has_perm("console.grant"),
        "may_see_audit": request.user.has_perm("accounts.view_auditentry"),
    }
    return render(request, "console/person.html", context)


def act(request: HttpRequest, user_id: UUID, act: str) -> HttpResponse:
    """Do one act, with its reason."""
    user, chosen = _person_or_404(user_id), ACTS.get(act)
    if chosen is None:
        raise Http404
    if not may(request, chosen, user):
        raise PermissionDenied
    form: forms.Form = chosen.form(request.POST)
    if not form.is_valid():
        messages.error(request, first_fault(form))
        return redirect("admin:person", user_id)
    try:
        with transaction.atomic():
            said = chosen.run(request, user, form.cleaned_data)
    except CryptoSystemsError as error:
        messages.error(request, str(error))
        return redirect("admin:person", user_id)
    if impersonation.is_running(request):
        return redirect("/account/")
    messages.success(request, said)
    return redirect("admin:person", user_id)


def answer_grant(request: HttpRequest, grant_id: int, answer: str) -> HttpResponse:
    """Agree to a grant as the second person, or withdraw one."""
    calls = {"confirm": billing.confirm_grant, "withdraw": billing.withdraw_grant}
    if answer not in calls:
        raise Http404
    try:
        calls[answer](grant_id, staff_id=staff_id_of(request))
    except CryptoSystemsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    back = request.POST.get("person", "")
    try:
        return redirect("admin:person", UUID(back))
    except ValueError:
        return redirect(reverse("admin:index"))


def _person_or_404(user_id: UUID) -> UserView:
    user = accounts.user_by_id(user_id)
    if user is None:
        raise Http404
    return user
