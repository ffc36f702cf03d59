"""The dashboard: its first paint carries what the engine already knows."""

import re
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from frontend.context import DashboardPage, LevelRow
from frontend.following import followed_of, lock_of
from frontend.holdings import position_rows
from frontend.shell import make_shell
from frontend.templatetags.formats import price
from signals import api
from trading import api as trading

FIRST_MARKETS: Final = 40
_DEFAULT_SYMBOL: Final = "BTCUSDT"
_PAST: Final = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\dZ")


@require_safe
@never_cache
def dashboard(request: HttpRequest) -> HttpResponse:
    """Render the dashboard of `?symbol=`, with or without the engine."""
    page = make_dashboard(
        request.GET.get("symbol", ""), request.user.pk, request, past=request.GET.get("at", "")
    )
    return render(request, "frontend/dashboard.html", {"page": page, "shell": page.shell})


def make_dashboard(
    asked: str,
    viewer_id: UUID | None = None,
    request: HttpRequest | None = None,
    *,
    past: str = "",
) -> DashboardPage:
    """Return the page's context; an unknown symbol falls back to the newest signal's.

    With a past minute it holds nothing of now: the script reads what was known then.
    """
    past = past if _PAST.fullmatch(past) else ""
    # The sequence first: what is issued while we read is then sent again, never missed.
    after = api.newest_sequence()
    status = api.status()
    rows = sorted(api.market_rows(viewer_id), key=lambda row: -(row["volume_24h"] or 0))
    open_signals = [] if past else api.open_signals(viewer_id)
    symbol = _symbol(asked, rows, open_signals)
    rows = [] if past else rows
    market = next((row for row in rows if row["symbol"] == symbol), None)
    signal = None if past else api.current_signal(symbol, viewer_id)
    first_rows = rows[:FIRST_MARKETS]
    if market is not None and market not in first_rows:
        first_rows = [market, *first_rows[:-1]]
    known = {held["id"]: held for held in [*open_signals, *([signal] if signal else [])]}
    shell = make_shell("dashboard", request)
    followed = followed_of(viewer_id, known)
    lock = lock_of(shell)
    return DashboardPage(
        shell=shell,
        symbol=symbol,
        market=market,
        markets=first_rows,
        n_markets=len(rows),
        n_with_signal=len({held["symbol"] for held in open_signals}),
        status=status,
        past=past,
        ribbon=_ribbon(status, bool(rows)),
        signal=signal,
        levels=() if signal is None else signal_levels(signal, market),
        open_signals=open_signals,
        signals_delay_s=api.delay_s(viewer_id),
        followed=None if signal is None else followed.get(signal["id"]),
        paper_lock=lock,
        positions=() if viewer_id is None else position_rows(trading.positions_of(viewer_id)),
        first={
            "symbol": symbol,
            "now": status["now"] if status else None,
            "status": status,
            "markets": _light(first_rows),
            "signals": list(known.values()),
            "after": after,
            "followed": followed,
            "paper": "" if viewer_id is None else "locked" if lock else "open",
            "paper_lock": lock,
            "trading": None if viewer_id is None else trading.live_state(viewer_id),
        },
    )


def _light(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the script starts from until it has read the whole list itself."""
    if not rows:
        return None
    light = [{name: row[name] for name in row if name != "spark"} for row in rows]
    return {"origin": api.live_origin(), "markets": light}


def _ribbon(status: dict[str, Any] | None, has_markets: bool) -> tuple[str, str] | None:
    if status is None:
        return (
            _("No data yet."),
            _("Connecting. The page fills by itself when the engine answers."),
        )
    if status["warming"] is None:
        return None
    rest = (
        _("Prices and charts are live; signals begin when this is done.")
        if has_markets
        else _("Markets appear as soon as their history is loaded.")
    )
    return _("Warming up:"), f"{status['warming']['text']}. {rest}"


def _symbol(asked: str, rows: list[dict[str, Any]], open_signals: list[dict[str, Any]]) -> str:
    names = [row["symbol"] for row in rows]
    wanted = asked.upper()[:32]
    if wanted in names:
        return wanted
    for signal in open_signals:
        if not names or signal["symbol"] in names:
            return str(signal["symbol"])
    return _DEFAULT_SYMBOL if not names or _DEFAULT_SYMBOL in names else str(names[0])


def signal_levels(signal: dict[str, Any], market: dict[str, Any] | None) -> tuple[LevelRow, ...]:
    """Return the lines of a signal's levels, the farthest target first."""
    decimals = signal["decimals"]
    now = float(market["price"]) if market and market["price"] else None

    def distance(level: str) -> float | None:
        return None if now is None else float(level) / now - 1

    rows = [
        LevelRow(
            f"TP{number}",
            target["share"],
            price(target["price"], decimals),
            distance(target["price"]),
            target["r"],
            "",
        )
        for number, target in enumerate(signal["targets"], 1)
    ]
    rows.reverse()
    low, high = signal["entry"]["low"], signal["entry"]["high"]
    inside = now is not None and float(low) <= now <= float(high)
    word = _("entered") if signal["fill_price"] else _("in zone") if inside else _("waiting")
    zone = f"{price(low, decimals)}–{price(high, decimals)}"
    rows.append(LevelRow("Entry", None, zone, None, None, word))
    rows.append(
        LevelRow("Stop", None, price(signal["stop"], decimals), distance(signal["stop"]), -1.0, "")
    )
    return tuple(rows)
