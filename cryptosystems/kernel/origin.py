"""Where a figure comes from. No aggregate ever mixes two origins."""

from enum import StrEnum


class Origin(StrEnum):
    """The source behind every candle, signal, trade and figure."""

    LIVE = "live"
    """Binance, as it happened."""
    REPLAY = "replay"
    """Recorded market data, played again."""
    SIMULATED = "simulated"
    """Our synthetic market."""
    BACKTEST = "backtest"
    """Computed afterwards over stored history, walk-forward."""
