"""Pages that say what this is, and on what terms."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing import api as billing
from blog import api as blog
from blog.contracts import ArticleCard
from frontend.context import LandingPage, LevelRow
from frontend.figures import backtest, measured
from frontend.pages.dashboard import signal_levels
from frontend.preview import N_CANDLES, Preview, draw, result_bars
from frontend.shell import make_shell
from frontend.templatetags.formats import price
from signals import api as signals

N_ARTICLES: Final = 3
FIRST_READS: Final = (
    "what-is-crypto-liquidation",
    "how-crypto-trading-bots-work",
    "what-is-leverage-in-crypto-trading",
)
N_RESULTS: Final = 60


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
    symbol = str(signal["symbol"] if signal else rows[0]["symbol"] if rows else "BTCUSDT")
    market = next((row for row in rows if row["symbol"] == symbol), None)
    levels = () if signal is None else signal_levels(signal, market)
    timeframe = str(signal["timeframe"]) if signal else "15m"
    status = signals.status()
    articles = blog.articles()
    results = signals.last_results(signals.live_origin(), N_RESULTS)
    return LandingPage(
        shell=shell,
        plan=plan,
        signal=signal,
        levels=levels,
        market=market,
        record=measured(signals.live_origin()),
        backtest=backtest(),
        status=status,
        stages={stage["name"]: stage for stage in (status or {}).get("stages", ())},
        n_markets=len(rows),
        symbol=symbol,
        timeframe=timeframe,
        decimals=int(market["decimals"]) if market else 1,
        preview=_preview(symbol, timeframe, signal, market, levels),
        results=result_bars(results),
        n_wins=sum(1 for result in results if result > 0),
        articles=tuple(sorted(articles, key=_place)[:N_ARTICLES]),
        reads=frozenset(card.slug for card in articles),
        delay_min=signals.delay_s(viewer_id) // 60,
    )


def _place(card: ArticleCard) -> int:
    """Return where an article stands among those to read next: the first steps, then the newest."""
    return FIRST_READS.index(card.slug) if card.slug in FIRST_READS else len(FIRST_READS)


def _preview(
    symbol: str,
    timeframe: str,
    signal: dict[str, Any] | None,
    market: dict[str, Any] | None,
    levels: tuple[LevelRow, ...],
) -> Preview | None:
    now = float(market["price"]) if market and market["price"] else None
    texts = {row.name: row.text for row in levels}
    if market and now is not None:
        texts["now"] = price(now, market["decimals"])
    issued = datetime.fromisoformat(signal["issued_at"]).timestamp() if signal else None
    candles = signals.stored_candles(symbol, timeframe, N_CANDLES)
    return draw(candles, signal, now, texts, issued)


def _document(request: HttpRequest, name: str, version: str) -> HttpResponse:
    plan = billing.offer()
    context = {"shell": make_shell(name, request), "version": version, "plan": plan}
    return render(request, f"frontend/{name}.html", context)
