"""The addresses of a market at a past moment: what `?at=` answers, from stored rows."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from rest_framework.exceptions import APIException
from rest_framework.request import Request

from cryptosystems.kernel.clock import SystemClock, to_datetime
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from cryptosystems.platform.http import iso
from cryptosystems.platform.query import moment
from signals import api
from signals.delivery import bus
from signals.selectors import past
from signals.store import judgements

MINUTE_MS: Final = 60_000
MOST_POINTS: Final = 200
_AHEAD_MS: Final = 365 * 86_400_000
"""A simulated market may run ahead of our clock."""


class NotKept(APIException):
    """Nothing is stored of this moment; the detail says how far back it goes."""

    status_code = 404
    default_code = "not_kept"


def asked_ms(request: Request) -> int | None:
    """Return the past minute that a request asks about, in milliseconds; None: it asks about now.

    Raises
    ------
    InvalidInput
        If the minute has not been yet, by the market's clock.
    """
    at = moment(request, "at")
    if at is None:
        return None
    at_ms = int(at.timestamp() * 1000) // MINUTE_MS * MINUTE_MS
    status = api.status()
    now_ms = SystemClock().now_ms()
    if status is not None and status.get("now"):
        now_ms = int(datetime.fromisoformat(status["now"]).timestamp() * 1000)
    if at_ms > now_ms:
        raise InvalidInput(
            f"at lies in the past; the market's clock says {iso(to_datetime(now_ms))}"
        )
    return at_ms


def _head(symbol: str, at_ms: int) -> dict[str, Any]:
    return {"symbol": symbol, "at": iso(to_datetime(at_ms))}


def candles(symbol: str, timeframe: str, limit: int, at_ms: int) -> dict[str, Any]:
    """Return the candles known at a moment, and the liquidations reported by then that are held."""
    origin = Origin(api.live_origin())
    rows, gaps = past.candles_at(origin, symbol, Timeframe(timeframe), at_ms, limit)
    if not rows:
        raise NotKept("No candles are kept of this moment. Minutes are kept for about a day.")
    reported = bus.ask("liquidations", symbol=symbol, at_ms=at_ms)
    held = reported if isinstance(reported, list) else []
    return {
        **_head(symbol, at_ms),
        "timeframe": timeframe,
        "origin": origin.value,
        "candles": rows,
        "gaps": gaps,
        "liquidations": [x for x in held if rows[0][0] <= x["at_s"] <= at_ms // 1000],
    }


def _judgement(symbol: str, timeframe: str, at_ms: int) -> Any:
    row = judgements.read_judgement(api.live_origin(), symbol, timeframe, at_ms)
    if row is None:
        raise NotKept(
            f"No judgement of {symbol} on {timeframe} is kept of this moment. They are kept from "
            "the first minute the engine ran: two days of minutes, a month of closes."
        )
    return row


def factors(symbol: str, timeframe: str, at_ms: int) -> dict[str, Any]:
    """Return the factors as they were judged last before a moment."""
    return judgements.factors_of(_judgement(symbol, timeframe, at_ms))


def gates(symbol: str, timeframe: str, at_ms: int) -> dict[str, Any]:
    """Return the gates as they were judged last before a moment."""
    found = judgements.gates_of(_judgement(symbol, timeframe, at_ms))
    at = to_datetime(at_ms)
    rejected = past.rejected_at(api.live_origin(), symbol, timeframe, at)
    return {**found, "rejected_30d": rejected}


def heatmap(symbol: str, timeframe: str, at_ms: int) -> dict[str, Any] | None:
    """Return the map as it had been drawn by a moment; None while the engine is silent."""
    price = past.price_at(api.live_origin(), symbol, at_ms)
    if price is None:
        raise NotKept("No price is kept of this moment, so its map cannot be placed.")
    found: dict[str, Any] | None = bus.ask(
        "heatmap", symbol=symbol, timeframe=timeframe, at_ms=at_ms, price=price
    )
    return found


def book(symbol: str, at_ms: int) -> dict[str, Any]:
    """Return an empty book with the reason: depth is not stored."""
    return {
        **_head(symbol, at_ms),
        "age_s": None,
        "mid": None,
        "spread_bps": None,
        "bids": [],
        "asks": [],
        "bands": [],
        "reason": "Order books are not kept: only what the factors read of them. See the tab "
        "Factors for its imbalance at this moment.",
    }


def funding(symbol: str, at_ms: int) -> dict[str, Any]:
    """Return funding and open interest as they were known beside the last judgement."""
    for timeframe in ("15m", "1h", "4h"):
        row = judgements.read_judgement(api.live_origin(), symbol, timeframe, at_ms)
        if row is not None:
            break
    else:
        raise NotKept(f"No judgement of {symbol} is kept of this moment.")
    held = judgements.market_of(row)
    series = bus.ask("funding", symbol=symbol, at_ms=at_ms)
    known = series if isinstance(series, dict) and "history" in series else {}
    return {
        **_head(symbol, at_ms),
        "rate": held["funding_rate"],
        "settled_8h": None,
        "interval_hours": known.get("interval_hours", 8),
        "next_at": held["next_funding_at"],
        "percentile": held["percentile"],
        "history": [pair for pair in known.get("history", []) if pair[0] * 1000 <= at_ms],
        "open_interest": [
            pair for pair in known.get("open_interest", []) if pair[0] * 1000 <= at_ms
        ],
        "quadrant": held["quadrant"],
        "oi_change_4h": held["oi_change_4h"],
    }


def markets(viewer_id: UUID | None, at_ms: int) -> dict[str, Any]:
    """Return the market list of a moment, with the open symbol's figures where they are kept."""
    origin = api.live_origin()
    rows = past.markets_at(origin, at_ms, sees_live=api.sees_live(viewer_id))
    if not rows:
        raise NotKept("No prices are kept of this moment. Minutes are kept for about a day.")
    return {"origin": origin, "at": iso(to_datetime(at_ms)), "markets": rows}


def correlation(symbol: str) -> dict[str, Any]:
    """Return no company with the reason: betas are measured by the engine for now only."""
    return {
        "symbol": symbol,
        "window": "",
        "markets": [],
        "knock_on": None,
        "reason": "Betas of a past minute are not kept; they are measured anew each minute for now.",
    }


def factor_history(symbol: str, name: str, timeframe: str, at_ms: int | None) -> dict[str, Any]:
    """Return [seconds, reading, log-odds] of a factor at the closes kept up to a moment."""
    until_ms = SystemClock().now_ms() + _AHEAD_MS if at_ms is None else at_ms
    rows = judgements.read_judgements(
        api.live_origin(), symbol, timeframe, 0, until_ms, MOST_POINTS
    )
    return {
        "symbol": symbol,
        "timeframe": timeframe,
        "name": name,
        "points": judgements.history_of(rows, name),
    }
