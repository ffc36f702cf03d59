"""Words of the record page."""

from typing import Final

from django import template
from django.utils.translation import gettext, gettext_noop

from frontend.templatetags.formats import moment

register = template.Library()

_ORIGINS: Final = {
    "live": gettext_noop("Live"),
    "replay": gettext_noop("Replay"),
    "simulated": gettext_noop("Simulated market"),
    "backtest": gettext_noop("Back-test"),
}
_GROUPS: Final = {
    "timeframe": gettext_noop("Time frame"),
    "side": gettext_noop("Side"),
    "session": gettext_noop("Session, UTC"),
    "model": gettext_noop("Model"),
}
_GATES: Final = {
    "reward_risk": gettext_noop("Reward to risk"),
    "spread": gettext_noop("Spread"),
    "liquidity": gettext_noop("Turnover"),
    "liquidation_safety": gettext_noop("Distance to liquidation"),
    "fresh_data": gettext_noop("Fresh data"),
    "known_factors": gettext_noop("Factors known"),
    "familiar": gettext_noop("Familiar situation"),
    "edge": gettext_noop("Chance against break-even"),
    "tick_size": gettext_noop("Room for the plan"),
    "single": gettext_noop("One at a time"),
    "pause": gettext_noop("Pause"),
    "best_of_moment": gettext_noop("Best of the moment"),
}


def _worded(table: dict[str, str], name: str) -> str:
    return gettext(table[name]) if name in table else name.replace("_", " ")


@register.filter
def origin_name(origin: str) -> str:
    """Name a source as a heading does."""
    return _worded(_ORIGINS, origin)


@register.filter
def group_words(name: str) -> str:
    """Say by what results are grouped."""
    return _worded(_GROUPS, name)


@register.filter
def gate_words(name: str) -> str:
    """Say which gate it is."""
    return _worded(_GATES, name)


@register.filter
def is_whole(x: float) -> bool:
    """Say whether a number has no fraction."""
    return float(x).is_integer()


@register.filter
def from_ms(ms: int) -> str:
    """Return day and time of milliseconds, UTC."""
    return moment(ms)
