"""Words and signs of trading for the first paint: `static/frontend/js/trading.js` is the twin."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import template
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cryptosystems.kernel.decimals import plain
from frontend.templatetags.formats import MISSING, Number, age, fixed, multiple, signed
from trading.contracts import ComparisonView, PositionView, StopProof, TradeState

register = template.Library()

OLD_S: Final = 120.0
"""A stop that was seen longer ago than this is shown as one to look at."""
_VENUES: Final = {
    # venue: word, kind of the badge's edge, what it means
    "paper": (
        gettext_noop("Paper"),
        "paper",
        gettext_noop("Our own matching at the market's live prices; no real money moves"),
    ),
    "simulated": (
        gettext_noop("Simulated"),
        "sim",
        gettext_noop("An account at our simulated exchange; no real money moves"),
    ),
    "demo": (
        gettext_noop("Binance demo"),
        "plain",
        gettext_noop("An account at Binance's demo exchange; no real money moves"),
    ),
    "binance": (gettext_noop("Live"), "live", gettext_noop("Real money at Binance")),
}
_PLACES: Final = {
    "paper": gettext_noop("Paper"),
    "simulated": gettext_noop("Simulated exchange"),
    "demo": gettext_noop("Binance demo"),
    "binance": gettext_noop("Binance"),
}
_STATES: Final = {
    "chosen": gettext_noop("chosen"),
    "offered": gettext_noop("waits for your yes"),
    "entering": gettext_noop("entering"),
    "open": gettext_noop("open"),
    "closing": gettext_noop("closing at market"),
    "closed": gettext_noop("closed"),
    "not_entered": gettext_noop("not entered"),
    "skipped": gettext_noop("skipped"),
    "parked": gettext_noop("held for a person to look at"),
}
_REASONS: Final = {
    "stop": gettext_noop("stopped"),
    "break_even": gettext_noop("closed at entry"),
    "plus_1r": gettext_noop("stopped at +1 R"),
    "trailing": gettext_noop("stopped by the trailing stop"),
    "targets": gettext_noop("all targets"),
    "time": gettext_noop("time limit"),
    "by_hand": gettext_noop("closed by hand"),
}
_LEGS: Final = {
    "guard": gettext_noop("Guard stop"),
    "entry": gettext_noop("Entry"),
    "stop": gettext_noop("Stop"),
    "tp1": "TP1",
    "tp2": "TP2",
    "tp3": "TP3",
    "close": gettext_noop("Close"),
}
_LEVELS: Final = {
    "initial": gettext_noop("Moving to the planned stop"),
    "break_even": gettext_noop("Moving to entry"),
    "plus_1r": gettext_noop("Moving to +1 R"),
    "trailing": gettext_noop("Moving with the price"),
}
_LEVEL_NAMES: Final = {
    "initial": gettext_noop("planned"),
    "break_even": gettext_noop("at entry, with costs"),
    "plus_1r": gettext_noop("at +1 R"),
    "trailing": gettext_noop("follows the price"),
}


@register.filter
def venue_word(venue: str) -> str:
    """Return the word of a mode badge: Paper, Simulated, Binance demo, Live."""
    return gettext(_VENUES[venue][0]) if venue in _VENUES else str(venue)


@register.filter
def venue_kind(venue: str) -> str:
    """Return the edge of a mode badge: paper (dotted), sim (hatched), plain or live (solid)."""
    return _VENUES[venue][1] if venue in _VENUES else "plain"


@register.filter
def venue_title(venue: str) -> str:
    """Say what a mode means, for the tooltip."""
    return gettext(_VENUES[venue][2]) if venue in _VENUES else ""


@register.filter
def venue_place(venue: str) -> str:
    """Name a venue as a place: Simulated exchange, Binance."""
    return gettext(_PLACES[venue]) if venue in _PLACES else str(venue)


@register.filter
def trade_state(state: str) -> str:
    """Say where a trade stands."""
    return gettext(_STATES[state]) if state in _STATES else str(state)


@register.filter
def outcome(trade: Any) -> str:
    """Say in words how a trade ended, or where it stands."""
    if trade.state == TradeState.CLOSED and trade.reason in _REASONS:
        return gettext(_REASONS[trade.reason])
    return trade_state(trade.state)


@register.filter
def leg_word(leg: str) -> str:
    """Name what an order is for."""
    return gettext(_LEGS[leg]) if leg in _LEGS else str(leg)


@register.filter
def level_name(level: str) -> str:
    """Say where a stop stands."""
    return gettext(_LEVEL_NAMES[level]) if level in _LEVEL_NAMES else str(level)


@register.filter
def quantity(x: Number) -> str:
    """Return a size without padding, thousands by comma: 0.047, 12,000."""
    if x is None or x == "":
        return MISSING
    try:
        text = plain(Decimal(str(x)).normalize())
    except (InvalidOperation, ValueError):
        return MISSING
    whole, point, part = text.partition(".")
    return f"{fixed(whole, 0)}{point}{part}"


@register.filter
def slip(x: Number) -> str:
    """Return slippage in basis points, signed: +6.5 bp; what cost us is positive."""
    return signed(x, 1, " bp")


@register.filter
def total_r(x: Number) -> str:
    """Return a result in R with two decimals, as results are written."""
    return multiple(x, 2)


@register.filter
def usdt(x: Number, decimals: int = 2) -> str:
    """Return an amount of the account's money: 25.00 USDT."""
    text = fixed(x, decimals)
    return text if text == MISSING else f"{text} USDT"


@register.filter
def signed_usdt(x: Number) -> str:
    """Return a gain or loss of the account's money: −10.42 USDT."""
    text = signed(x, 2)
    return text if text == MISSING else f"{text} USDT"


@register.filter
def net(trade: Any) -> Decimal:
    """Return what a trade brought, USDT, after fees and funding."""
    return Decimal(trade.realised - trade.fees + trade.funding)


@register.filter
def gap(comparison: ComparisonView) -> Decimal:
    """Return mine less the model's, R."""
    return comparison.mine_r - comparison.model_r


@register.filter
def tail(text: str) -> str:
    """Return the last five characters of an id: enough to find it by."""
    return str(text)[-5:]


@register.filter
def ms_time(ms: Any) -> datetime | None:
    """Return the moment of milliseconds, or None where there are none."""
    try:
        return datetime.fromtimestamp(int(ms) / 1000, tz=timezone.get_default_timezone())
    except (TypeError, ValueError, OverflowError, OSError):
        return None


@register.simple_tag
def light(position: PositionView, now: datetime) -> dict[str, str]:
    """Return class, icon and words of a stop's light."""
    if position.proof is StopProof.VERIFIED:
        seconds = None if position.proof_at is None else (now - position.proof_at).total_seconds()
        kind = "ok" if seconds is not None and seconds < OLD_S else "wait"
        words = gettext("Verified %(age)s ago") % {"age": age(seconds)}
        return {"kind": kind, "icon": "shield-check", "words": words}
    if position.proof is StopProof.MOVING:
        words = gettext(_LEVELS.get(position.stop_level, _LEVELS["initial"]))
        return {"kind": "wait", "icon": "hourglass", "words": words}
    if position.proof is StopProof.UNCONFIRMED:
        left = position.seconds_left
        words = (
            gettext("Unconfirmed")
            if left is None
            else gettext("Unconfirmed, %(seconds)s s left") % {"seconds": fixed(max(0.0, left), 0)}
        )
        return {"kind": "bad", "icon": "triangle-alert", "words": words}
    if position.proof is StopProof.FLATTENING:
        return {"kind": "bad", "icon": "triangle-alert", "words": gettext("Closing at market")}
    return {"kind": "wait", "icon": "circle-dashed", "words": gettext("Nothing open")}


@register.filter
def check_title(name: str) -> str:
    """Return the title of one line of the permission test."""
    return {
        "signature": gettext("Signature and clock"),
        "reading": gettext("Reading the account"),
        "futures": gettext("Futures trading"),
        "withdrawals": gettext("Withdrawals are off"),
        "addresses": gettext("Address allow-list"),
        "position_mode": gettext("Position mode"),
        "stop_order": gettext("Stop order on the exchange"),
    }.get(name, name)


@register.filter
def check_state(state: str) -> str:
    """Return how one line of the permission test stands, in words."""
    return {
        "passed": gettext("Passed"),
        "failed": gettext("Failed"),
        "running": gettext("Running"),
        "not_run": gettext("Not run"),
    }[state]
