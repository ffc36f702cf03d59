"""Topics of the socket, and what a name may be."""

import re
from typing import Final

SIGNALS: Final = "signals"
TICKERS: Final = "tickers"
STATUS: Final = "status"
ACCOUNT: Final = "account"

_SYMBOL: Final = r"[^\s:/\"\\\x00-\x1f\x7f\ud800-\udfff]{2,32}"
_SYMBOL_PATTERN: Final = re.compile(_SYMBOL)
_PATTERN: Final = re.compile(
    rf"^(signals|tickers|status|account|market:{_SYMBOL}:(1m|5m|15m|1h|4h|1d)|heatmap:{_SYMBOL})$"
)


def is_topic(name: object) -> bool:
    """Say whether a name is a topic at all."""
    return isinstance(name, str) and len(name) <= 64 and _PATTERN.fullmatch(name) is not None


def is_symbol(name: str) -> bool:
    """Say whether a text can be the name of a market; whether one is followed, the engine knows."""
    return _SYMBOL_PATTERN.fullmatch(name) is not None
