"""Topics of the socket, and what a name may be."""

import re
from typing import Final

SIGNALS: Final = "signals"
TICKERS: Final = "tickers"
STATUS: Final = "status"
ACCOUNT: Final = "account"

SYMBOL_PATTERN: Final = r'^[^\u0000-\u0020\u007f:/"\\]{2,32}$'
"""What the name of a market looks like, in words that JSON Schema knows too."""
_SYMBOL: Final = r'[^\u0000-\u0020\u007f:/"\\\ud800-\udfff]{2,32}'
_TOPIC: Final = re.compile(
    rf"signals|tickers|status|account|market:{_SYMBOL}:(1m|5m|15m|1h|4h|1d)|heatmap:{_SYMBOL}"
)


def is_topic(name: object) -> bool:
    """Say whether a name is a topic at all."""
    return isinstance(name, str) and len(name) <= 64 and _TOPIC.fullmatch(name) is not None


def is_symbol(name: str) -> bool:
    """Say whether a text can be the name of a market; whether one is followed, the engine knows."""
    return re.fullmatch(_SYMBOL, name) is not None
