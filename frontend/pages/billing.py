"""Plan and billing: where somebody stands, what was paid, and the forms that lead to payments.

Nothing here grants access. Forms ask the billing room, which asks the payment provider; the page
shows what the provider said last.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from time import time
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from billing import api as billing
from billing.contracts import BillingView, State
from cryptosystems.kernel.errors import CryptoSystemsError, NeedsOperator, RetryLater
from cryptosystems.platform.addresses import client_address
from cryptosystems.platform.throttles import HOUR_S, take
from frontend.answers import SeeOther, status_of
from frontend.checkout import lets_forms_reach_payments
from frontend.context import BillingPage
from frontend.people import user_id_of
from frontend.shell import make_shell, viewer
from frontend.templatetags.personal import local

log = structlog.get_logger(__name__)

MOST_AN_ADDRESS: Final = 10
"""Checkouts within an hour from one network address."""
WAIT_S: Final = 60
"""How long the page after a payment waits for the truth before it says that we will write."""
EVERY_S: Final = 4
_LIVING: Final = frozenset({"active", "trialing", "past_due", "unpaid", "paused", "incomplete"})


@require_safe
@login_required
@never_cache
@lets_forms_reach_payments
def billing_page(request: HttpRequest) -> HttpResponse:
    """Render where the person stands, with their invoices."""
    return _show(request)


@require_POST
@login_required
@never_cache
@lets_forms_reach_payments
def subscribe(request: HttpRequest) -> HttpResponse:
    """Go to the payment page. The form names a plan; the price is the server's."""

    def start(user_id: UUID) -> str:
        _check_address(request)
        return billing.start_checkout(
            user_id,
            plan_slug=request.POST.get("plan", "")[:32],
            success_url=_address("frontend:billing-done"),
            cancel_url=_address("frontend:billing"),
        )

    return _go(request, start)


@require_POST
@login_required
@never_cache
@lets_forms_reach_payments
def portal(request: HttpRequest) -> HttpResponse:
    """Go to the payment provider's own page for card, address and invoices."""
    return _go(
        request,
        lambda user_id: billing.open_portal(user_id, return_url=_address("frontend:billing")),
    )


@login_required
@never_cache
@lets_forms_reach_payments
def cancel(request: HttpRequest) -> HttpResponse:
    """Ask once more, saying until when access runs; then cancel at the end of the period."""
    if request.method == "POST":
        return _change(request, billing.cancel_subscription, _("Cancelled."))
    page = _page(request)
    held = page.billing.subscription
    if held is None or held.status not in _LIVING or held.is_ending:
        return HttpResponseRedirect(reverse("frontend:billing"))
    context = {"page": page, "shell": page.shell}
    return render(request, "frontend/account/billing_cancel.html", context)


@require_POST
@login_required
@never_cache
@lets_forms_reach_payments
def keep(request: HttpRequest) -> HttpResponse:
    """Take a cancellation back."""
    return _change(request, billing.reactivate_subscription, _("Kept."))


@require_safe
@login_required
@never_cache
def done(request: HttpRequest) -> HttpResponse:
    """Render what a payment came to. Being here proves nothing: the provider is asked."""
    is_open = _is_open_after_asking(request)
    since = _since(request)
    waited = time() - since
    shell = make_shell("billing", request)
    context = {
        "shell": shell,
        "is_open": is_open,
        "is_waiting": not is_open and waited < WAIT_S,
        "since": since,
        "every_s": EVERY_S,
        "left_s": max(0, int(WAIT_S - waited)),
    }
    return render(request, "frontend/account/billing_done.html", context)


@require_safe
@login_required
@never_cache
def done_state(request: HttpRequest) -> JsonResponse:
    """Say whether the payment has arrived, for the page that waits for it."""
    return JsonResponse({"open": _is_open_after_asking(request)})


def _is_open_after_asking(request: HttpRequest) -> bool:
    """Ask the provider once, then say whether the person subscribes by what it said."""
    with suppress(CryptoSystemsError):  # its last word stands; the page goes on asking
        billing.sync_user(user_id_of(request))
    held = billing.billing_view(user_id_of(request)).subscription
    return held is not None and held.status in ("active", "trialing")


def _since(request: HttpRequest) -> int:
    """Return when the waiting began: the page hands it on to itself, so a reload goes on."""
    now = int(time())
    text = request.GET.get("since", "")
    return min(now, int(text)) if text.isascii() and text.isdigit() and len(text) < 12 else now


def _go(request: HttpRequest, where: Callable[[UUID], str]) -> HttpResponse:
    try:
        return SeeOther(where(user_id_of(request)))
    except CryptoSystemsError as error:
        return _show(request, error)


def _check_address(request: HttpRequest) -> None:
    """Hold back who tries cards by many accounts from one address."""
    wait_s = take(f"checkout:{client_address(request)}", MOST_AN_ADDRESS, window_s=HOUR_S)
    if wait_s:
        minutes = -(-wait_s // 60)
        raise RetryLater(
            ngettext(
                "Too many payment pages were opened from your network. Try again in %(n)d minute.",
                "Too many payment pages were opened from your network. Try again in %(n)d minutes.",
                minutes,
            )
            % {"n": minutes},
            after_s=wait_s,
        )


def _change(request: HttpRequest, act: Callable[[UUID], object], receipt: str) -> HttpResponse:
    try:
        act(user_id_of(request))
    except CryptoSystemsError as error:
        return _show(request, error)
    view = billing.billing_view(user_id_of(request))
    messages.success(request, f"{receipt} {_receipt(view, request)}".strip())
    return SeeOther(reverse("frontend:billing"))


def _receipt(view: BillingView, request: HttpRequest) -> str:
    held = view.subscription
    if held is None or held.period_ends_at is None:
        return view.entitlements.sentence
    at = local(held.period_ends_at, viewer(request)[0])
    if held.is_ending:
        return _("Access runs until %(at)s, and nothing more is charged.") % {"at": at}
    return _("The subscription goes on; the next charge is on %(at)s.") % {"at": at}


def _show(request: HttpRequest, error: CryptoSystemsError | None = None) -> HttpResponse:
    page = _page(request, "" if error is None else _words(error))
    context = {"page": page, "shell": page.shell}
    answer = render(request, "frontend/account/billing.html", context)
    if error is not None:
        answer.status_code = status_of(error)
        after_s = getattr(error, "after_s", None)
        if after_s:
            answer["Retry-After"] = str(int(after_s) + 1)
    return answer


def _words(error: CryptoSystemsError) -> str:
    """Return what the person can do; what only an operator can mend is for the log."""
    if isinstance(error, NeedsOperator):
        log.error("payments_not_set_up", error=str(error))
        return _("Payments cannot be taken here at the moment. Nothing was charged.")
    return str(error)


def _page(request: HttpRequest, trouble: str = "") -> BillingPage:
    view = billing.billing_view(user_id_of(request))
    held = view.subscription
    is_living = held is not None and held.status in _LIVING
    return BillingPage(
        shell=make_shell("billing", request),
        billing=view,
        trouble=trouble,
        next_charge=_next_charge(view),
        may_subscribe=not is_living and view.entitlements.state is not State.STAFF,
        closed=billing.checkout_closed(),
        billed_from=billing.billed_from(view.user_id),
        has_portal=held is not None,
    )


def _next_charge(view: BillingView) -> tuple[datetime, Decimal, str] | None:
    held = view.subscription
    if (
        held is None
        or held.is_ending
        or held.period_ends_at is None
        or held.status not in ("active", "trialing")
    ):
        return None
    return held.period_ends_at, held.price, held.currency


def _address(name: str) -> str:
    return settings.SITE_URL + reverse(name)
