"""What stands around every page."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest

from frontend.context import Badge, Shell

_DEMO: Final = Badge("Demo", "plain", "Everything here can be seen without an account")
_BADGES: Final = {
    "simulated": (
        _DEMO,
        Badge(
            "Simulated market",
            "sim",
            "Prices come from our simulated exchange, not from Binance",
        ),
    ),
    "replay": (
        _DEMO,
        Badge(
            "Replay",
            "replay",
            "Recorded candles of Binance are played again. Trades, order book, mark price and the "
            "path inside a candle are derived from them",
        ),
    ),
    "binance": (Badge("Live", "live", "Prices come from Binance USD-M Futures"),),
    "demo": (
        Badge("Live", "live", "Prices come from a live stream"),
        Badge("Binance demo", "plain", "The stream is Binance's demo market, not the real one"),
    ),
}


def make_shell(page: str) -> Shell:
    """Return the frame of a page, with the badges of the market this server follows."""
    return Shell(page, _BADGES[settings.MARKET])


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Give every template its frame (context processor); a page that names its own keeps it."""
    match = getattr(request, "resolver_match", None)
    return {"shell": make_shell(match.url_name or "" if match else "error")}
