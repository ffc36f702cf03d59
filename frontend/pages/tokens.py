"""Personal tokens for the API: made after signing in anew, shown once, revoked at any time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts import api as accounts
from accounts.contracts import TokenView
from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from frontend.context import TokensPage
from frontend.people import user_id_of
from frontend.shell import make_shell

_DEFAULT_LIFETIME: Final = "90"
_LIFETIMES: Final = ("30", "90", "365", "")


@login_required
@never_cache
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]  # allauth ships no types
def tokens(request: HttpRequest) -> HttpResponse:
    """List the person's tokens; a POST makes one and shows it, once, in its own answer."""
    page = make_tokens(request)
    status = 200
    if request.method == "POST":
        page, status = _made(request, page)
    context = {"page": page, "shell": page.shell}
    return render(request, "frontend/account/tokens.html", context, status=status)


@require_POST
@login_required
@never_cache
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Revoke one token of the person; somebody else's is not found."""
    if not accounts.revoke_token(user_id_of(request), token_id):
        raise Http404
    messages.success(request, _("The token is revoked: the next request with it is refused."))
    return redirect("frontend:api-tokens")


def make_tokens(request: HttpRequest) -> TokensPage:
    """Return the page's context."""
    shell = make_shell("api-tokens", request)
    rights = shell.entitlements
    is_open = rights is not None and rights.allows(Feature.API)
    return TokensPage(
        shell=shell,
        tokens=tuple(accounts.tokens_of(user_id_of(request))),
        scopes=_scopes(),
        lifetimes=tuple((days, _lifetime_words(days)) for days in _LIFETIMES),
        is_open=is_open,
        lock="" if is_open or rights is None else rights.sentence,
        secret="",
        made=None,
        error="",
        name="",
        chosen=("signals:read",),
        lifetime=_DEFAULT_LIFETIME,
        curl=f"{settings.SITE_URL}/api/v1/signals?state=open",
    )


@sensitive_variables("secret")
def _made(request: HttpRequest, page: TokensPage) -> tuple[TokensPage, int]:
    """Return the page after a POST, with the new token or with what to mend; and the status."""
    name = request.POST.get("name", "").strip()
    chosen = tuple(request.POST.getlist("scopes"))
    lifetime = request.POST.get("lifetime", _DEFAULT_LIFETIME)
    typed = replace(page, name=name[:60], chosen=chosen, lifetime=lifetime)
    fault = _fault(name, chosen, lifetime)
    if fault:
        return replace(typed, error=fault), 400
    try:
        billing.require(user_id_of(request), Feature.API)
        made, secret = accounts.create_token(
            user_id_of(request), name=name, scopes=list(chosen), expires_at=_expiry(lifetime)
        )
    except NotAllowed as error:
        return replace(typed, error=str(error)), 403
    except InvalidInput as error:
        return replace(typed, error=str(error)), 400
    return replace(page, made=made, secret=secret, tokens=_with(page.tokens, made)), 200


def _with(held: tuple[TokenView, ...], made: TokenView) -> tuple[TokenView, ...]:
    return (made, *(token for token in held if token.id != made.id))


def _fault(name: str, chosen: tuple[str, ...], lifetime: str) -> str:
    if not name or len(name) > 60:
        return _("Give the token a name of 1 to 60 letters, so that you know it again.")
    if not chosen:
        return _("Choose at least one thing that the token may do.")
    if set(chosen) - {scope for scope, _title, _text in _scopes()}:
        return _("There is no such permission. Choose among those on the page.")
    if lifetime not in _LIFETIMES:
        return _("Choose one of the lifetimes on the page.")
    return ""


def _scopes() -> tuple[tuple[str, str, str], ...]:
    """Return what can be chosen."""
    return (
        (
            "signals:read",
            _("Read signals and markets"),
            _("Signals, the record, markets, and the live stream."),
        ),
        (
            "account:read",
            _("Read the account"),
            _("Who you are here, your plan, your positions, trades and limits."),
        ),
        (
            "trade",
            _("Trade within the limits of the bot"),
            _(
                "Follow signals, answer offers, close positions, flatten, lower limits. It cannot "
                "switch a bot on, raise a limit of an exchange account, or touch keys."
            ),
        ),
    )


def _lifetime_words(days: str) -> str:
    return _("%(days)s days") % {"days": days} if days else _("Until revoked")


def _expiry(lifetime: str) -> datetime | None:
    return timezone.now() + timedelta(days=int(lifetime)) if lifetime else None
