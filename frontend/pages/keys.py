"""Exchange keys: the wizard, the permission test, what a thief could do, and the end of a key.

Nothing secret is shown, ever. With Ed25519 nothing secret is typed either.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.platform.text import looks_like_secret
from frontend.answers import SeeOther, status_of
from frontend.context import Shell
from frontend.freshness import proof_first
from frontend.people import user_id_of
from frontend.shell import make_shell
from trading import api as trading
from trading.contracts import AccountState, AccountView, CheckView, Venue

STEPS = ("make", "paste", "test", "limits", "confirm")


@dataclass(frozen=True, slots=True)
class KeysPage:
    """All accounts with keys, and the beginning of a new one."""

    shell: Shell
    accounts: tuple[AccountView, ...]
    venues: tuple[Venue, ...]
    error: str = ""
    label: str = ""
    kind: str = "ed25519"
    venue: str = ""


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One account on its way to being connected."""

    shell: Shell
    account: AccountView
    step: str
    """One of `STEPS`: where the person is."""
    steps: tuple[tuple[str, str, str], ...]
    """(code, title, state: done, now or later)"""
    checks: tuple[CheckView, ...]
    radius: tuple[tuple[str, str, bool], ...]
    addresses: tuple[str, ...]
    exchange_page: str
    """Where keys are made: the exchange's own page."""
    error: str = ""
    asks_to_revoke: bool = False


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def keys(request: HttpRequest) -> HttpResponse:
    """List keys; a POST begins a new one."""
    page = KeysPage(
        shell=make_shell("api-keys", request),
        accounts=_connected(request),
        venues=tuple(trading.venues_offered()),
    )
    if request.method != "POST":
        return _list(request, page)
    label = request.POST.get("label", "")
    kind, venue = request.POST.get("kind", ""), request.POST.get("venue", "")
    # What looks like a key is not shown again, not even to the one who typed it.
    shown = "" if looks_like_secret(label) else label[:60]
    typed = replace(page, label=shown, kind=kind[:10], venue=venue[:12])
    try:
        way = proof_first(request)
        if way is not None:
            return way
        made = trading.begin_key(user_id_of(request), kind=kind, venue=venue, label=label)
    except CryptoSystemsError as error:
        return _list(request, replace(typed, error=str(error)), status_of(error))
    return SeeOther(reverse("frontend:api-key", args=[made.id]))


def _connected(request: HttpRequest) -> tuple[AccountView, ...]:
    found = trading.accounts_of(user_id_of(request))
    return tuple(account for account in found if account.venue is not Venue.PAPER)


def _list(request: HttpRequest, page: KeysPage, status: int = 200) -> HttpResponse:
    context = {"page": page, "shell": page.shell}
    return render(request, "frontend/account/keys.html", context, status=status)


@require_safe
@login_required
@never_cache
def key(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Show where one key stands."""
    return _show(request, _page(request, account_id))


@sensitive_post_parameters()
@sensitive_variables("secret", "api_key")
@require_POST
@login_required
@never_cache
def finish(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Take the key's id, and of an HMAC key the secret; neither is repeated, right or wrong."""
    page = _page(request, account_id)
    api_key, secret = request.POST.get("api_key", ""), request.POST.get("secret", "")
    return _do(
        request,
        page,
        lambda user_id: trading.finish_key(user_id, account_id, api_key[:200], secret[:400]),
        proven=True,
    )


@require_POST
@login_required
@never_cache
def test(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Run the permission test once more."""
    page = _page(request, account_id)
    return _do(request, page, lambda user_id: trading.test_key(user_id, account_id))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def revoke(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Stop using a key; a GET asks once more."""
    page = _page(request, account_id)
    if request.method != "POST":
        return _show(request, replace(page, asks_to_revoke=True))
    try:
        way = proof_first(request)
        if way is not None:
            return way
        trading.revoke_key(user_id_of(request), account_id)
    except CryptoSystemsError as error:
        return _show(request, replace(page, error=str(error)), status_of(error))
    messages.success(request, _("The key is not used any more. Delete it at the exchange as well."))
    return SeeOther(reverse("frontend:api-keys"))


@require_safe
@login_required
@never_cache
def state(request: HttpRequest, account_id: UUID) -> JsonResponse:
    """Return the lines of the test, for the page that waits for them."""
    page = _page(request, account_id)
    return JsonResponse(
        {
            "state": page.account.state.value,
            "sentence": page.account.sentence,
            "checks": [
                {"name": c.name, "state": c.state, "sentence": c.sentence, "ms": c.took_ms}
                for c in page.checks
            ],
        }
    )


def _page(request: HttpRequest, account_id: UUID) -> KeyPage:
    user_id = user_id_of(request)
    account = trading.account(user_id, account_id)
    if account is None or account.venue is Venue.PAPER:
        raise Http404
    bot = trading.bot_view(user_id, account_id)
    step = _step(account, has_limits=bot.changed_at is not None, is_on=bot.is_automatic)
    return KeyPage(
        shell=make_shell("api-keys", request),
        account=account,
        step=step,
        steps=_steps(step),
        checks=tuple(trading.checks_of(user_id, account_id)),
        radius=tuple(trading.blast_radius(user_id, account_id)),
        addresses=trading.egress_addresses(),
        exchange_page=_exchange_page(account.venue),
    )


def _step(account: AccountView, *, has_limits: bool, is_on: bool) -> str:
    if account.state is AccountState.DRAFT:
        return "make"
    if account.state is not AccountState.CONNECTED:
        return "test"
    if not has_limits:
        return "limits"
    return "done" if is_on else "confirm"


def _steps(step: str) -> tuple[tuple[str, str, str], ...]:
    titles = (
        _("Create it at the exchange"),
        _("Paste it here"),
        _("Test"),
        _("Limits"),
        _("Confirm"),
    )
    # Making the key and pasting its id happen on one page.
    at = len(STEPS) if step == "done" else STEPS.index(step)
    states = ["done" if n < at else "now" if n == at else "later" for n in range(len(STEPS))]
    return tuple(zip(STEPS, titles, states, strict=True))


def _exchange_page(venue: Venue) -> str:
    if venue is Venue.SIMULATED:
        return f"{settings.MARKET_REST_URL}/sim/keys"
    if venue is Venue.DEMO:
        return "https://demo.binance.com/en/my/settings/api-management"
    return "https://www.binance.com/en/my/settings/api-management"


def _do(
    request: HttpRequest, page: KeyPage, act: Callable[[UUID], object], *, proven: bool = False
) -> HttpResponse:
    try:
        if proven:
            address = reverse("frontend:api-key", args=[page.account.id])
            way = proof_first(request, forget_and_return_to=address)
            if way is not None:
                return way
        act(user_id_of(request))
    except CryptoSystemsError as error:
        return _show(request, replace(page, error=str(error)), status_of(error))
    return SeeOther(reverse("frontend:api-key", args=[page.account.id]))


def _show(request: HttpRequest, page: KeyPage, status: int = 200) -> HttpResponse:
    context = {"page": page, "shell": page.shell}
    return render(request, "frontend/account/key.html", context, status=status)
