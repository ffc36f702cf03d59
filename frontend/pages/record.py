"""The record, and one signal of it: every figure measured, every loser there."""

from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.kernel.timeframes import Timeframe
from frontend import charts
from frontend.context import RecordPage, SignalPage
from frontend.pages.dashboard import signal_levels
from frontend.shell import make_shell
from signals import api as signals

_ENOUGH: Final = 100
"""Fewer results state no rate: too few to tell."""
_DECIMALS: Final = 9
_HORIZONS: Final = (6, 12)
_RISKS: Final = ("0.25", "0.5", "1")
_GROUPS: Final = ("timeframe", "side", "session", "model")


@require_safe
@never_cache
def track_record(request: HttpRequest) -> HttpResponse:
    """Render everything that was measured of one origin; origins are never mixed."""
    page = make_record(request)
    return render(request, "frontend/track_record.html", {"page": page, "shell": page.shell})


@require_safe
def month(request: HttpRequest, origin: str, month: str) -> HttpResponse:
    """Send a month of the record, with the script that works its figures out again."""
    if origin not in signals.origins_with_signals():
        raise Http404
    try:
        made = signals.month_file(origin, month)
    except InvalidInput:
        raise Http404 from None
    answer = HttpResponse(made.content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return answer


@require_safe
@never_cache
def signal(request: HttpRequest, signal_id: UUID) -> HttpResponse:
    """Render one signal for good: what was promised, why, and what became of it."""
    shell = make_shell("signal", request)
    viewer_id = None if shell.person is None else shell.person.id
    try:
        found = signals.signal_detail(signal_id, viewer_id)
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from None
    if found is None:
        raise Http404
    rebuilt = signals.recomputed(signal_id) if "recompute" in request.GET else None
    page = SignalPage(
        shell=shell,
        signal=found,
        levels=signal_levels(found, None),
        evidence=found["evidence"],
        recomputed=rebuilt,
        address=request.build_absolute_uri(request.path),
    )
    return render(request, "frontend/signal.html", {"page": page, "shell": shell})


def make_record(request: HttpRequest) -> RecordPage:
    """Return the record's context; what is asked wrongly is as if it was not asked."""
    shell = make_shell("record", request)
    origins = signals.origins_with_signals()
    default = next((o for o in (signals.live_origin(), "backtest") if o in origins), "")
    origin = _one_of(request, "origin", origins, default or next(iter(origins), ""))
    if not origin:
        return RecordPage(shell=shell, origins=(), origin="", figures=None)
    viewer_id = None if shell.person is None else shell.person.id
    sought = signals.Sought(
        origin,
        symbol=request.GET.get("symbol", "").strip().upper()[:32],
        side=_one_of(request, "side", ("long", "short"), ""),
        timeframe=_one_of(request, "timeframe", [tf.value for tf in Timeframe], ""),
        result=_one_of(request, "result", signals.RESULTS, ""),
    )
    before = request.GET.get("before", "")
    rows, following = signals.record_list(
        sought, viewer_id, int(before) if before.isdecimal() and len(before) < _DECIMALS else None
    )
    figures = signals.record_figures(origin)
    ahead = int(_one_of(request, "months", [str(n) for n in _HORIZONS], "12"))
    risk = _one_of(request, "risk", _RISKS, "0.5")
    return RecordPage(
        shell=shell,
        origins=tuple(origins),
        origin=origin,
        figures=figures,
        is_enough=figures["counts"]["entered"] >= _ENOUGH,
        losers=tuple(signals.record_losers(origin)),
        equity=charts.line([(at, total) for at, total, _ in figures["curve"]]),
        drawdown=charts.line([(at, below) for at, _, below in figures["curve"]], 120),
        rolling=charts.line(figures["rolling"], 160),
        dots=charts.reliability(figures["reliability"]),
        square=charts.square_ticks(),
        bars=charts.bars(figures["histogram"]),
        symbols=tuple(figures["groups"]["symbol"][:12]),
        groups=tuple((name, tuple(figures["groups"][name])) for name in _GROUPS),
        turned_down=tuple(signals.turned_down(origin)),
        expectation=signals.expectation(origin, ahead, float(risk)),
        horizon=ahead,
        horizons=_HORIZONS,
        risk=risk,
        risks=_RISKS,
        sought=sought,
        rows=tuple(rows),
        before=following,
        months=tuple(signals.record_months(origin)),
        query=_query(request, "before"),
    )


def _one_of(request: HttpRequest, name: str, known: Any, default: str) -> str:
    asked = request.GET.get(name, "")
    return asked if asked in known else default


def _query(request: HttpRequest, without: str) -> str:
    """Return the question of this address without one name, to be gone on with."""
    asked = request.GET.copy()
    asked.pop(without, None)
    return asked.urlencode()
