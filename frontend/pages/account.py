"""Getting started: what is done, counted only where we know it."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import api as accounts
from accounts.contracts import UserView
from billing import api as billing
from billing.contracts import BillingView, Feature, State
from frontend.context import StartPage, Step
from frontend.shell import make_shell
from frontend.templatetags.personal import local

_PAYING: Final = frozenset({State.ACTIVE, State.GRACE, State.CLOSE_ONLY})


@require_safe
@login_required
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Render the steps."""
    page = make_start(request)
    return render(request, "frontend/account/start.html", {"page": page, "shell": page.shell})


def make_start(request: HttpRequest) -> StartPage:
    """Return the page's context."""
    shell = make_shell("account", request)
    person = shell.person
    assert person is not None
    view = billing.billing_view(person.id)
    words = "" if shell.standing is None else shell.standing.words
    steps = [
        _address(person),
        _trial(person, view, words),
        _second_factor(person.id),
        _token(person.id, view),
        _subscription(view),
    ]
    return StartPage(shell, _with_next(steps), sum(step.is_done for step in steps))


def _with_next(steps: list[Step]) -> tuple[Step, ...]:
    """Mark the first step that is open and not done; locked ones wait."""
    waiting = next((step for step in steps if not step.is_done and not step.lock), None)
    return tuple(
        Step(s.title, s.text, s.is_done, s is waiting, s.aside, s.link, s.lock) for s in steps
    )


def _day(at: datetime, person: UserView) -> str:
    return local(at, person).split(",")[0]


def _address(person: UserView) -> Step:
    title = _("Confirm your address")
    if person.verified_at is None:
        text = _("Type the code from our mail. The trial starts with it.")
        link = (reverse("account_email_verification_sent"), _("Enter the code"))
        return Step(title, text, False, False, "", link)
    return Step(title, person.email, True, False, _day(person.verified_at, person), None)


def _trial(person: UserView, view: BillingView, words: str) -> Step:
    title = _("Try everything for seven days")
    trial = view.trial
    if trial is None:
        return Step(title, view.entitlements.sentence, False, False, "", None, lock="no trial")
    if view.entitlements.state is State.TRIAL:
        text = _("Full access until %(at)s. No card on file, so nothing can be charged.") % {
            "at": local(trial.ends_at, person)
        }
        link = (reverse("frontend:dashboard"), _("Open the dashboard"))
        return Step(title, text, True, False, words, link)
    text = _("It ran until %(at)s. Nothing was charged for it.") % {
        "at": local(trial.ends_at, person)
    }
    return Step(title, text, True, False, "", None)


def _second_factor(user_id: UUID) -> Step:
    title = _("Set up a second factor")
    if accounts.has_second_factor(user_id):
        text = _("A password alone does not open your account.")
        return Step(title, text, True, False, _("on"), None)
    text = _("A passkey or a code from an app, so that a stolen password is not enough.")
    return Step(title, text, False, False, "", (reverse("frontend:security"), _("Security")))


def _token(user_id: UUID, view: BillingView) -> Step:
    title = _("Read signals from a program")
    n = sum(token.revoked_at is None for token in accounts.tokens_of(user_id))
    link = (reverse("frontend:api-tokens"), _("API tokens"))
    if n:
        text = _("Your tokens read what you may read.")
        return Step(title, text, True, False, _("%(n)d in use") % {"n": n}, link)
    is_open = view.entitlements.allows(Feature.API)
    text = _("Only if you want to: everything is on the pages as well.")
    lock = "" if is_open else _("Opens with the trial or full access.")
    return Step(title, text if is_open else lock, False, False, "", link, lock)


def _subscription(view: BillingView) -> Step:
    title = _("Subscribe, if it is worth it for you")
    if view.entitlements.state in _PAYING:
        link = (reverse("frontend:billing"), _("Plan and billing"))
        return Step(title, view.entitlements.sentence, True, False, "", link)
    text = _("On a small account the fee can be larger than the edge. The plans page does the sum.")
    link = (reverse("frontend:plans") + "#worth", _("Do the sum"))
    return Step(title, text, False, False, "", link)
