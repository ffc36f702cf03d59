"""The bot of one account: kill switch, mode, limits, and what each limit means in money."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cryptosystems.kernel.errors import CryptoSystemsError, InvalidInput, NotAllowed
from frontend.answers import SeeOther, status_of
from frontend.freshness import proof_first
from frontend.holdings import account_tabs, living_accounts
from frontend.limits_form import LimitsForm
from frontend.pages.bot_page import make_bot
from frontend.people import user_id_of
from frontend.sayings import sayings
from frontend.shell import make_shell
from frontend.trading_context import SurePage
from trading import api as trading
from trading.contracts import AccountView, BotMode, Venue

_MODES: Final = frozenset(mode.value for mode in BotMode)


@require_safe
@login_required
@never_cache
def bot(request: HttpRequest) -> HttpResponse:
    """Render the bot of the paper account, which is made on the first visit."""
    try:
        account = trading.paper_account(user_id_of(request))
    except NotAllowed as error:
        tabs = account_tabs(living_accounts(user_id_of(request)), None, "bot", with_vacant=True)
        page = make_bot(request, None, tabs, lock=str(error))
        return render(request, "frontend/account/bot.html", {"page": page, "shell": page.shell})
    return _show(request, account)


@require_safe
@login_required
@never_cache
def bot_of(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Render the bot of one account."""
    return _show(request, _account(request, account_id))


@require_POST
@login_required
@never_cache
def limits(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Store limits; what was typed stays where one is refused."""
    account = _account(request, account_id)
    form = LimitsForm(request.POST)
    if not form.is_valid():
        return _show(request, account, form=form)
    user_id = user_id_of(request)
    try:
        if trading.raises_risk(user_id, account.id, form.changes()):
            way = proof_first(request)
            if way is not None:
                return way
        trading.save_limits(user_id, account.id, form.changes())
    except CryptoSystemsError as error:
        return _show(request, account, form=form, error=error)
    messages.success(request, _("Limits saved. They hold for the next trade."))
    return SeeOther(_address(account))


@require_POST
@login_required
@never_cache
def mode(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Set what the bot does now; letting it trade with more than paper asks for a proof first."""
    account = _account(request, account_id)
    wanted = request.POST.get("mode", "")
    if wanted not in _MODES:
        error = InvalidInput(_("Choose one of the three modes on the page."))
        return _show(request, account, error=error)
    return _do(
        request,
        account,
        lambda user_id: trading.set_mode(user_id, account.id, BotMode(wanted)),
        {
            BotMode.TRADING: _("The bot trades: new entries and exits."),
            BotMode.EXITS_ONLY: _("Exits only: no new entries, what is open is managed."),
            BotMode.OFF: _("The bot is off. Stops that rest on the exchange stay there."),
        }[BotMode(wanted)],
        adds_risk=wanted == BotMode.TRADING,
    )


@require_POST
@login_required
@never_cache
def automatic(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Let the bot take signals by itself, or no more."""
    account = _account(request, account_id)
    is_on = request.POST.get("is_on") == "1"
    return _do(
        request,
        account,
        lambda user_id: trading.set_automatic(user_id, account.id, is_on),
        _("The bot takes signals by itself.") if is_on else _("You choose each signal yourself."),
        adds_risk=is_on,
    )


@require_POST
@login_required
@never_cache
def resume(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """End a pause."""
    account = _account(request, account_id)
    return _do(
        request,
        account,
        lambda user_id: trading.resume(user_id, account.id),
        _("The pause is over: new entries are allowed again."),
        adds_risk=True,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def flatten(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Throw the kill switch; a GET asks once more, for pages without script."""
    account = _account(request, account_id)
    user_id = user_id_of(request)
    if request.method != "POST":
        n_open = len(trading.positions_of(user_id, account.id))
        page = SurePage(make_shell("bot", request), account, None, n_open)
        context = {"page": page, "shell": page.shell}
        return render(request, "frontend/account/bot_flatten.html", context)
    try:
        n = trading.flatten(user_id, account.id)
    except CryptoSystemsError as error:
        return _show(request, account, error=error)
    words = ngettext(
        "Nothing new is entered, entries are cancelled and %(n)d trade is being closed at market.",
        "Nothing new is entered, entries are cancelled and %(n)d trades are being closed at market.",
        n,
    )
    nothing = _("Nothing new is entered. Nothing was open.")
    messages.success(request, words % {"n": n} if n else nothing)
    return SeeOther(_address(account))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def reset_paper(request: HttpRequest) -> HttpResponse:
    """Begin the paper account anew; a GET asks once more."""
    user_id = user_id_of(request)
    if request.method == "POST":
        try:
            account = trading.paper_account(user_id)
        except NotAllowed as error:
            messages.error(request, str(error))
            return SeeOther(reverse("frontend:bot"))
        return _do(
            request,
            account,
            trading.reset_paper,
            _("The paper account begins anew. Results so far stay in your history."),
        )
    page = SurePage(make_shell("bot", request), None, None, 0)
    context = {"page": page, "shell": page.shell}
    return render(request, "frontend/account/bot_reset.html", context)


@require_safe
@login_required
@never_cache
def preview(request: HttpRequest, account_id: UUID) -> JsonResponse:
    """Say what limits would mean in money, without storing anything; those of now where none come."""
    account = _account(request, account_id)
    view = trading.bot_view(user_id_of(request), account.id)
    form = LimitsForm(request.GET) if request.GET else None
    if form is not None and not form.is_valid():
        faults = {name: str(errors[0]) for name, errors in form.errors.items()}
        return JsonResponse({"faults": faults}, status=400)
    try:
        changes = {} if form is None else form.changes()
        found = trading.preview(user_id_of(request), account.id, changes)
    except CryptoSystemsError as error:
        return JsonResponse({"faults": {"": str(error)}}, status=status_of(error))
    return JsonResponse({**found, "sayings": sayings(found, {**view.limits, **changes}, view)})


def _account(request: HttpRequest, account_id: UUID) -> AccountView:
    found = trading.account(user_id_of(request), account_id)
    if found is None:
        raise Http404
    return found


def _address(account: AccountView) -> str:
    if account.venue is Venue.PAPER:
        return reverse("frontend:bot")
    return reverse("frontend:bot-of", args=[account.id])


def _do(
    request: HttpRequest,
    account: AccountView,
    act: Callable[[UUID], object],
    receipt: str,
    *,
    adds_risk: bool = False,
) -> HttpResponse:
    """Do it and go back to the page; what adds risk beyond paper is proven first."""
    try:
        if adds_risk and account.venue is not Venue.PAPER:
            way = proof_first(request)
            if way is not None:
                return way
        act(user_id_of(request))
    except CryptoSystemsError as error:
        return _show(request, account, error=error)
    messages.success(request, receipt)
    return SeeOther(_address(account))


def _show(
    request: HttpRequest,
    account: AccountView,
    *,
    form: LimitsForm | None = None,
    error: CryptoSystemsError | None = None,
) -> HttpResponse:
    accounts = living_accounts(user_id_of(request))
    tabs = account_tabs(accounts, account.id, "bot", with_vacant=True)
    page = make_bot(request, account, tabs, form=form, trouble="" if error is None else str(error))
    status = 200
    if error is not None:
        status = status_of(error)
    elif form is not None and form.errors:
        status = 400
    context = {"page": page, "shell": page.shell}
    return render(request, "frontend/account/bot.html", context, status=status)
