"""Filters and leverage brackets of every contract, read from the exchange and kept fresh."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import structlog

from cryptosystems.kernel.errors import CryptoSystemsError
from trading.domain.venue import RiskBracket, TradingRules
from trading.exchanges import wire
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.outcomes import read_json
from trading.exchanges.port import ReadFailed

log = structlog.get_logger(__name__)

REFRESH_MS: Final = 600_000
_CONTRACTS: Final = ("PERPETUAL", "TRADIFI_PERPETUAL")
_D = Decimal
CAUTIOUS_BRACKETS: Final = (
    RiskBracket(_D(0), _D(5_000), 20, _D("0.025"), _D(0)),
    RiskBracket(_D(5_000), _D(25_000), 10, _D("0.05"), _D(125)),
    RiskBracket(_D(25_000), _D(10) ** 12, 5, _D("0.1"), _D(1_375)),
)
"""Where the real ones are not to be had without a key: the lowest ladder of small contracts."""


class RulesBook(Mapping[str, TradingRules]):
    """Rules by symbol; a symbol that is not known has none, and is not traded."""

    def __init__(self, client: FuturesClient) -> None:
        self._client = client
        self._rules: dict[str, TradingRules] = {}
        self._brackets: dict[str, tuple[RiskBracket, ...]] = {}
        self.read_ms: int | None = None
        self.has_real_brackets = False
        """False: cautious ones stand in, and leverage is lower than it might be."""

    def __getitem__(self, symbol: str) -> TradingRules:
        return self._rules[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def is_due(self, now_ms: int) -> bool:
        return self.read_ms is None or now_ms - self.read_ms >= REFRESH_MS

    async def refresh(self, port: CcxtFutures | None = None) -> None:
        """Read everything anew; brackets by the key of `port` where one is given.

        Raises
        ------
        ReadFailed
            If the exchange did not tell; what was known before stays.
        """
        reply = await self._client.send("fapiPublicGetExchangeInfo", is_signed=False)
        body = read_json(reply.body)
        if reply.status != 200 or not isinstance(body, dict) or not body.get("symbols"):
            why = reply.trouble or f"status {reply.status}"
            raise ReadFailed(
                f"the exchange did not tell its rules: {why}", after_s=reply.retry_after_s
            )
        self._take_limits(body)
        await self._read_brackets(port)
        self._take(body)
        self.read_ms = self._client.now_ms

    async def read_limits(self) -> None:
        """Learn the exchange's request limits, before its own count of them can be read wrongly.

        The count it tells with each answer is of all that comes from our address; where its limit
        is larger than the usual one, that count alone would shut us out.
        """
        reply = await self._client.send("fapiPublicGetExchangeInfo", is_signed=False)
        body = read_json(reply.body) if reply.status == 200 else None
        if isinstance(body, dict):
            self._take_limits(body)

    async def _read_brackets(self, port: CcxtFutures | None) -> None:
        """Keep what was known where brackets are refused: they need a key on the real exchange."""
        try:
            if port is not None:
                self._brackets = await port.brackets()
            else:
                reply = await self._client.send("fapiPrivateGetLeverageBracket", is_signed=False)
                if reply.status != 200:
                    return
                rows = read_json(reply.body)
                self._brackets = {wire.text(r, "symbol"): wire.brackets_of(r) for r in rows}
        except (CryptoSystemsError, wire.Unreadable, KeyError, TypeError, AttributeError):
            return
        self.has_real_brackets = bool(self._brackets)

    def _take_limits(self, body: dict[str, Any]) -> None:
        limits = _limits(body.get("rateLimits") or [])
        budget = self._client.budget
        self._client.set_limits(
            limits.get(("REQUEST_WEIGHT", "MINUTE", 1), budget.weight_limit),
            limits.get(("ORDERS", "MINUTE", 1), budget.orders_minute),
            limits.get(("ORDERS", "SECOND", 10), budget.orders_ten_seconds),
        )

    def _take(self, body: dict[str, Any]) -> None:
        rules: dict[str, TradingRules] = {}
        for row in body["symbols"]:
            if row.get("contractType") not in _CONTRACTS or row.get("quoteAsset") != "USDT":
                continue
            try:
                symbol = str(row["symbol"])
                rules[symbol] = rules_of(row, self._brackets.get(symbol) or CAUTIOUS_BRACKETS)
            except (wire.Unreadable, KeyError, TypeError) as error:
                # The other contracts are not its hostages.
                log.warning("rules_unreadable", symbol=row.get("symbol"), reason=str(error))
        for symbol, before in self._rules.items():
            if symbol not in rules:
                # Something may still be open there; nothing is opened any more.
                rules[symbol] = replace(before, status="CLOSED")
        self._rules = rules


def rules_of(row: Mapping[str, Any], brackets: tuple[RiskBracket, ...]) -> TradingRules:
    """Return the rules of one contract of `exchangeInfo`."""
    filters = {str(f.get("filterType")): f for f in row["filters"]}
    prices, sizes = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    market, band = filters.get("MARKET_LOT_SIZE", sizes), filters.get("PERCENT_PRICE", {})
    return TradingRules(
        symbol=str(row["symbol"]),
        base_asset=str(row["baseAsset"]),
        tick=_positive(prices, "tickSize"),
        step=_positive(sizes, "stepSize"),
        min_quantity=wire.number(sizes, "minQty"),
        max_quantity=wire.number(sizes, "maxQty"),
        market_max_quantity=wire.number(market, "maxQty"),
        min_notional=wire.number(filters.get("MIN_NOTIONAL", {}), "notional", _D(5)),
        price_up=wire.number(band, "multiplierUp", _D("1.05")),
        price_down=wire.number(band, "multiplierDown", _D("0.95")),
        market_bound=wire.number(row, "marketTakeBound", _D("0.05")),
        liquidation_fee=wire.number(row, "liquidationFee", _D("0.0125")),
        brackets=brackets,
        status=str(row.get("status") or row.get("contractStatus") or ""),
        max_orders=wire.whole(filters.get("MAX_NUM_ORDERS", {}), "limit", 200),
        max_leverage=max(b.max_leverage for b in brackets),
        trigger_protect=wire.number(row, "triggerProtect", _D("0.05")),
    )


def _positive(row: Mapping[str, Any], name: str) -> Decimal:
    found = wire.number(row, name)
    if found <= 0:
        raise wire.Unreadable(f"{name} is not above zero")
    return found


def _limits(rows: list[dict[str, Any]]) -> dict[tuple[str, str, int], int]:
    found = {}
    for row in rows:
        try:
            key = (str(row["rateLimitType"]), str(row["interval"]), int(row["intervalNum"]))
            found[key] = int(row["limit"])
        except (KeyError, TypeError, ValueError):
            continue
    return found
