"""What an exchange lists beside USDT perpetuals, so that clients learn to leave it alone.

Since the families were merged, all-market streams carry coin-margined contracts (`st` 2);
stocks and metals trade as `TRADIFI_PERPETUAL` and send their mark prices in an array of their
own; dated contracts have no funding; contracts in settlement stay listed.
"""

from typing import Any, Final

COIN, STOCK, DATED, SETTLING, OTHER_QUOTE = (
    "BTCUSD_PERP",
    "TSLAUSDT",
    "BTCUSDT_270326",
    "SRMUSDT",
    "BTCUSDC",
)
_ONBOARD_MS: Final = 1_700_000_000_000
_FOREVER_MS: Final = 4_133_404_800_000

# symbol, contract type, status, base, quote, underlying type, delivery
_LISTED: Final = (
    (STOCK, "TRADIFI_PERPETUAL", "TRADING", "TSLA", "USDT", "EQUITY", _FOREVER_MS),
    (DATED, "NEXT_QUARTER", "TRADING", "BTC", "USDT", "COIN", 1_806_048_000_000),
    (SETTLING, "PERPETUAL", "SETTLING", "SRM", "USDT", "COIN", 1_764_000_000_000),
    (OTHER_QUOTE, "PERPETUAL", "TRADING", "BTC", "USDC", "COIN", _FOREVER_MS),
)


def contracts(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows of `exchangeInfo` for the strangers, otherwise like `template`."""
    return [
        {
            **template,
            "symbol": symbol,
            "pair": symbol.split("_")[0],
            "contractType": kind,
            "status": status,
            "baseAsset": base,
            "quoteAsset": quote,
            "marginAsset": quote,
            "underlyingType": underlying,
            "deliveryDate": delivery_ms,
            "onboardDate": _ONBOARD_MS,
        }
        for symbol, kind, status, base, quote, underlying, delivery_ms in _LISTED
    ]


def _mark(
    symbol: str, price: str, rate: str, next_ms: int, family: int, at_ms: int
) -> dict[str, Any]:
    return {
        "e": "markPriceUpdate",
        "E": at_ms,
        "s": symbol,
        "p": price,
        "i": price,
        "P": price,
        "r": rate,
        "ap": price,
        "T": next_ms,
        "st": family,
    }


def marks_among_ours(at_ms: int) -> list[dict[str, Any]]:
    """Return the rows mixed into the array of our own family."""
    return [
        _mark(COIN, "67000.00000000", "0.00010000", at_ms + 3_600_000, 2, at_ms),
        _mark(DATED, "67900.00000000", "", 0, 1, at_ms),
    ]


def marks_apart(at_ms: int) -> list[dict[str, Any]]:
    """Return the array of the stocks, sent as a message of its own."""
    return [_mark(STOCK, "250.00000000", "0.00000000", at_ms + 3_600_000, 1, at_ms)]


def forced(at_ms: int) -> dict[str, Any]:
    """Return a liquidation of the other family."""
    order = {
        "s": COIN,
        "S": "SELL",
        "o": "LIMIT",
        "f": "IOC",
        "q": "10",
        "p": "66990.0",
        "ap": "66990.0",
        "X": "FILLED",
        "l": "10",
        "z": "10",
        "T": at_ms - 900,
    }
    return {"e": "forceOrder", "E": at_ms, "o": order, "ps": "BTCUSD", "st": 2}
