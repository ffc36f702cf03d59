"""Topics of the socket, and what a name may be."""

import re
from typing import Final

SIGNALS: Final = "signals"
TICKERS: Final = "tickers"
STATUS: Final = "status"
ACCOUNT: Final = "account"

_SYMBOL: Final = r"[^\s:/\"\\]{2,32}"
_PATTERN: Final = re.compile(
    rf"^(signals|tickers|status|account|market:{_SYMBOL}:(1m|5m|15m|1h|4h|1d)|heatmap:{_SYMBOL})$"
)


def is_topic(name: object) -> bool:
    """Say whether a name is a topic at all."""
    return isinstance(name, str) and len(name) <= 64 and _PATTERN.match(name) is not None
