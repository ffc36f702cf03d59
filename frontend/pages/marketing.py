"""Pages that say what this is, and on what terms."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing import api as billing
from frontend.context import LandingPage
from frontend.figures import backtest, measured
from frontend.pages.dashboard import signal_levels
from frontend.shell import make_shell
from signals import api as signals


@require_safe
@never_cache
def landing(request: HttpRequest) -> HttpResponse:
    """Render the front door: what this is, what it measures, and the way in."""
    page = make_landing(request)
    return render(request, "frontend/landing.html", {"page": page, "shell": page.shell})


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Render the terms of use, in the version that sign-up records."""
    return _document(request, "terms", settings.TERMS_VERSION)


@require_safe
def risk(request: HttpRequest) -> HttpResponse:
    """Render the risk notice, in the version that sign-up records."""
    return _document(request, "risk", settings.RISK_NOTICE_VERSION)


def make_landing(request: HttpRequest) -> LandingPage:
    """Return the front door's context: stored figures, or none."""
    shell = make_shell("landing", request)
    plan = billing.offer()
    viewer_id = None if shell.person is None else shell.person.id
    signal = next(iter(signals.open_signals(viewer_id, limit=1)), None)
    rows = signals.market_rows(viewer_id)
    market = _market(rows, signal)
    return LandingPage(
        shell=shell,
        plan=plan,
        signal=signal,
        levels=() if signal is None else signal_levels(signal, market),
        market=market,
        record=measured(signals.live_origin()),
        backtest=backtest(),
        status=signals.status(),
        n_markets=len(rows),
        delay_min=signals.delay_s(viewer_id) // 60,
    )


def _market(rows: list[dict[str, Any]], signal: dict[str, Any] | None) -> dict[str, Any] | None:
    if signal is None:
        return None
    return next((row for row in rows if row["symbol"] == signal["symbol"]), None)


def _document(request: HttpRequest, name: str, version: str) -> HttpResponse:
    plan = billing.offer()
    context = {"shell": make_shell(name, request), "version": version, "plan": plan}
    return render(request, f"frontend/{name}.html", context)
