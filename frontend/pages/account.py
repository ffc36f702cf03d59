"""Getting started: five steps that know where somebody is, and how their paper trades ended."""

from decimal import Decimal
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import api as accounts
from frontend.holdings import living_accounts
from frontend.people import user_id_of
from frontend.shell import make_shell
from frontend.trading_context import StartPage
from trading import api as trading
from trading.contracts import TradeLine, TradeState, Venue

MOST_TRADES: Final = 20
"""Closed paper trades in the table; the executions have all."""


@require_safe
@login_required
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Render the steps."""
    page = make_start(request)
    return render(request, "frontend/account/start.html", {"page": page, "shell": page.shell})


def make_start(request: HttpRequest) -> StartPage:
    """Return the page's context."""
    user_id = user_id_of(request)
    shell = make_shell("account", request)
    progress = trading.progress_of(user_id)
    results = progress.paper_results
    paper = next((a for a in living_accounts(user_id) if a.venue is Venue.PAPER), None)
    trades: tuple[TradeLine, ...] = ()
    if paper is not None:
        found, _older = trading.trades_of(
            user_id, account_id=paper.id, state=TradeState.CLOSED.value, limit=MOST_TRADES
        )
        trades = tuple(found)
    return StartPage(
        shell=shell,
        progress=progress,
        n_done=sum(step.state == "done" for step in progress.steps),
        won=sum(result > 0 for result in results),
        lost=sum(result <= 0 for result in results),
        total_r=sum(results, Decimal(0)),
        boxes=_boxes(results, progress.n_needed),
        trades=trades,
        has_factor=accounts.has_second_factor(user_id),
        is_confirmed=shell.person is not None and shell.person.verified_at is not None,
    )


def _boxes(results: tuple[Decimal, ...], needed: int) -> tuple[str, ...]:
    """Return the kind of each box, the first trades first."""
    kinds = ["w" if result > 0 else "l" for result in results[:needed]]
    return (*kinds, *[""] * (needed - len(kinds)))
