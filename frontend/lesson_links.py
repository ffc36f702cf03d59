"""Which lesson explains which field of the dashboard and of the bot's page: the one list of it."""

from typing import Final

from django.utils.translation import gettext_noop as _

LESSON_OF: Final[dict[str, tuple[str, str, str]]] = {
    "signal": ("what-a-signal-is", "", _("What a signal is")),
    "levels": ("fields-of-a-signal", "the-five-lines-of-prices", _("The levels of a signal")),
    "stop": ("stop-and-targets", "where-the-stop-stands", _("Stop and targets")),
    "confidence": ("confidence-and-calibration", "", _("Confidence and calibration")),
    "reasons": ("fields-of-a-signal", "why-this-number", _("The reasons of a signal")),
    "funding": ("funding", "", _("Funding")),
    "open_interest": ("open-interest", "", _("Open interest")),
    "liquidated": (
        "liquidation-and-heatmap",
        "reported-liquidations",
        _("Reported liquidations"),
    ),
    "heatmap": ("liquidation-and-heatmap", "how-the-map-is-made", _("The liquidation heatmap")),
    "book": ("order-book", "", _("The order book")),
    "correlation": ("correlation-and-beta", "", _("Correlation and beta")),
    "factors": ("trend-volatility-volume", "", _("Factors")),
    "gates": ("what-a-signal-is", "when-there-is-no-signal", _("When there is no signal")),
    "automation": ("automation-step-by-step", "", _("Automation step by step")),
    "risk_percent": ("sizing-and-leverage", "size-follows-from-risk", _("Size from risk")),
    "max_leverage": ("sizing-and-leverage", "what-leverage-changes", _("Leverage")),
    "daily_loss_percent": ("risk-and-psychology", "limits-that-act-for-you", _("Limits of loss")),
    "min_confidence": ("confidence-and-calibration", "", _("Confidence and calibration")),
    "key": ("connecting-a-key", "", _("Connecting a key safely")),
}
"""Field → (lesson, heading in it, name of the link). A test holds that each leads somewhere."""
