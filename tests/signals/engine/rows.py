"""Rows of the market list as the engine's views make them; only what a test reads."""

from typing import Any


def market_row(symbol: str, price: str | None, **changes: Any) -> dict[str, Any]:
    """Return the part of a row that those who look at prices read."""
    return {"symbol": symbol, "price": price, "funding_rate": 0.0001, "stale": False, **changes}
