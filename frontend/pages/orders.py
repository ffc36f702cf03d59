"""Executions: what was asked, what was filled, and whether each stop really rests."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cryptosystems.kernel.errors import CryptoSystemsError
from frontend.answers import SeeOther
from frontend.holdings import (
    account_tabs,
    is_troubled,
    living_accounts,
    marks,
    position_row,
    position_rows,
)
from frontend.people import user_id_of
from frontend.shell import make_shell
from frontend.trading_context import OrdersPage, SurePage, TradePage, gap_of
from trading import api as trading
from trading.contracts import AccountView, TradeDetail

SINCE: Final = {"today": 0, "week": 6, "month": 29}
"""Days before today."""
STATES: Final = ("open", "closed", "not_entered", "skipped")
_STOPS: Final = ("guard", "stop")


@require_safe
@login_required
@never_cache
def orders(request: HttpRequest) -> HttpResponse:
    """Render positions, offers, fills and trades of one account or of all."""
    page = make_orders(request)
    return render(request, "frontend/account/orders.html", {"page": page, "shell": page.shell})


def make_orders(request: HttpRequest) -> OrdersPage:
    """Return the page's context; a question it does not know is read as none."""
    user_id = user_id_of(request)
    shell = make_shell("orders", request)
    accounts = living_accounts(user_id)
    account_id = _one_of(accounts, request.GET.get("account", ""))
    since = request.GET.get("since", "today")
    since = since if since in SINCE else "today"
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    rows = position_rows(trading.positions_of(user_id, account_id))
    trades, older = trading.trades_of(
        user_id,
        account_id=account_id,
        state=state or None,
        before=_moment(request.GET.get("before", "")),
    )
    shown = [each for each in accounts if account_id in (None, each.id)]
    question = {"account": str(account_id)} if account_id else {}
    return OrdersPage(
        shell=shell,
        tabs=account_tabs(accounts, account_id, "orders", with_vacant=False),
        account_id=account_id,
        positions=rows,
        troubled=tuple(row for row in rows if is_troubled(row)),
        offers=tuple(
            offer for offer in trading.offers_of(user_id) if account_id in (None, offer.account_id)
        ),
        fills=tuple(
            trading.fill_lines(user_id, account_id=account_id, since=_midnight(shell.now, since))
        ),
        since=since,
        trades=tuple(trades),
        older="" if older is None else older.isoformat(),
        state=state,
        comparisons=tuple((each, trading.comparison(user_id, each.id)) for each in shown),
        question=urlencode({**question, "since": since, "state": state}),
        first=trading.live_state(user_id),
    )


def _moment(text: str) -> datetime | None:
    """Return the moment of a cursor; what is none begins at the newest."""
    try:
        found = datetime.fromisoformat(text[:40])
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _one_of(accounts: list[AccountView], text: str) -> UUID | None:
    """Return the account that is asked for, if it is one of the person's."""
    return next((account.id for account in accounts if str(account.id) == text), None)


def _midnight(now: datetime, since: str) -> datetime:
    """Return the UTC midnight from which fills are listed."""
    day = now.astimezone(timezone.get_default_timezone())
    start = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(days=SINCE[since])


@require_safe
@login_required
@never_cache
def trade(request: HttpRequest, trade_id: UUID) -> HttpResponse:
    """Render one trade: plan, orders, fills, and the story of it."""
    page = make_trade(request, _trade(request, trade_id))
    return render(request, "frontend/account/trade.html", {"page": page, "shell": page.shell})


def make_trade(request: HttpRequest, detail: TradeDetail) -> TradePage:
    """Return the page's context."""
    line, row = detail.line, None
    if detail.position is not None:
        row = position_row(detail.position, marks([line.symbol]).get(line.symbol))
    return TradePage(
        shell=make_shell("orders", request),
        trade=detail,
        row=row,
        model_gap=gap_of(line),
        stops=tuple(
            fill for fill in detail.fills if fill.leg in _STOPS and fill.filled is not None
        ),
        first={} if row is None else trading.live_state(user_id_of(request)),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def close(request: HttpRequest, trade_id: UUID) -> HttpResponse:
    """Close one position at market; a GET asks once more."""
    detail = _trade(request, trade_id)
    if request.method == "POST":
        receipt = _("%(base)s is being closed at market. Its stop stays until it is flat.")
        return _do(
            request,
            lambda user_id: trading.close_trade(user_id, trade_id),
            receipt % {"base": detail.line.base},
        )
    if detail.position is None:
        return SeeOther(reverse("frontend:trade", args=[trade_id]))
    page = SurePage(make_shell("orders", request), None, make_trade(request, detail).row, 1)
    context = {"page": page, "shell": page.shell}
    return render(request, "frontend/account/trade_close.html", context)


@require_POST
@login_required
@never_cache
def approve(request: HttpRequest, trade_id: UUID) -> HttpResponse:
    """Say yes to an offer."""
    _trade(request, trade_id)
    return _do(request, lambda user_id: trading.approve(user_id, trade_id), _("Approved."))


@require_POST
@login_required
@never_cache
def decline(request: HttpRequest, trade_id: UUID) -> HttpResponse:
    """Say no to an offer."""
    _trade(request, trade_id)
    receipt = _("Declined. No order is sent.")
    return _do(request, lambda user_id: trading.decline(user_id, trade_id), receipt)


def _trade(request: HttpRequest, trade_id: UUID) -> TradeDetail:
    found = trading.trade(user_id_of(request), trade_id)
    if found is None:
        raise Http404
    return found


def _do(request: HttpRequest, act: Callable[[UUID], object], receipt: str) -> HttpResponse:
    """Do it and go to the executions, which say how it stands."""
    try:
        act(user_id_of(request))
    except CryptoSystemsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, receipt)
    return SeeOther(reverse("frontend:orders"))
