"""Filters and brackets, exact, and cautious where they are not told."""

from decimal import Decimal as D
from typing import Any

import pytest

from tests.trading.exchanges.odd import serving_json
from trading.exchanges.port import ReadFailed
from trading.exchanges.rules import CAUTIOUS_BRACKETS, REFRESH_MS, RulesBook

ROW: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "contractType": "PERPETUAL",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "liquidationFee": "0.012500",
    "marketTakeBound": "0.05",
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "9", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500"},
    ],
}
LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
    {"rateLimitType": "NEW_KIND"},
]
BRACKETS = [
    {
        "symbol": "BTCUSDT",
        "brackets": [
            {**{"initialLeverage": 50, "notionalCap": 1e6, "notionalFloor": 5e4}, "maintMarginRatio": 0.005, "cum": 50.0},
            {**{"initialLeverage": 125, "notionalCap": 5e4, "notionalFloor": 0}, "maintMarginRatio": 0.004, "cum": 0.0},
        ],
    }
]  # fmt: skip


def info(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"symbols": list(rows), "rateLimits": LIMITS}


async def test_rules_are_read_exactly_with_the_brackets_in_order() -> None:
    told = {"/fapi/v1/exchangeInfo": info(ROW), "/fapi/v1/leverageBracket": BRACKETS}
    async with serving_json(told) as client:
        book = RulesBook(client)
        await book.refresh()

        rules = book["BTCUSDT"]
        assert (rules.tick, rules.step, rules.min_notional) == (D("0.10"), D("0.001"), D(100))
        assert (rules.max_quantity, rules.market_max_quantity) == (D(1000), D(120))
        assert (rules.price_up, rules.price_down) == (D("1.0500"), D("0.9500"))
        assert [b.max_leverage for b in rules.brackets] == [125, 50]
        assert rules.max_leverage == 125
        assert book.has_real_brackets
        assert client.budget.weight_limit == 6_000


async def test_without_brackets_cautious_ones_stand_in_and_that_is_said() -> None:
    async with serving_json({"/fapi/v1/exchangeInfo": info(ROW)}) as client:
        book = RulesBook(client)
        await book.refresh()

        assert book["BTCUSDT"].brackets == CAUTIOUS_BRACKETS
        assert not book.has_real_brackets


async def test_one_broken_contract_does_not_hide_the_others() -> None:
    broken = {**ROW, "symbol": "ETHUSDT", "filters": [{"filterType": "LOT_SIZE"}]}
    zero = {**ROW, "symbol": "XRPUSDT", "filters": [{**ROW["filters"][0], "tickSize": "0"}]}
    dated = {**ROW, "symbol": "BTCUSDT_260327", "contractType": "CURRENT_QUARTER"}
    coin = {**ROW, "symbol": "BTCUSDC", "quoteAsset": "USDC"}
    async with serving_json({"/fapi/v1/exchangeInfo": info(broken, zero, dated, coin, ROW)}) as c:
        book = RulesBook(c)
        await book.refresh()

        assert list(book) == ["BTCUSDT"]
        assert book.get("ETHUSDT") is None


async def test_a_contract_that_vanishes_is_closed_to_new_positions_not_forgotten() -> None:
    """Something may be open there: what is open needs its tick and its step."""
    other = {**ROW, "symbol": "ETHUSDT"}
    told: dict[str, Any] = {"/fapi/v1/exchangeInfo": info(ROW, other)}
    async with serving_json(told) as client:
        book = RulesBook(client)
        await book.refresh()
        told["/fapi/v1/exchangeInfo"] = info(other)
        await book.refresh()

        assert not book["BTCUSDT"].is_trading
        assert book["ETHUSDT"].is_trading


@pytest.mark.parametrize("answer", [{}, [], {"symbols": []}, None], ids=str)
async def test_an_odd_answer_leaves_what_was_known(answer: Any) -> None:
    told: dict[str, Any] = {"/fapi/v1/exchangeInfo": info(ROW)}
    async with serving_json(told) as client:
        book = RulesBook(client)
        await book.refresh()
        told["/fapi/v1/exchangeInfo"] = answer

        with pytest.raises(ReadFailed):
            await book.refresh()

        assert "BTCUSDT" in book


async def test_rules_are_due_at_first_and_each_ten_minutes() -> None:
    async with serving_json({"/fapi/v1/exchangeInfo": info(ROW)}) as client:
        book = RulesBook(client)
        assert book.is_due(0)
        await book.refresh()

        assert not book.is_due(client.now_ms + REFRESH_MS - 1)
        assert book.is_due(client.now_ms + REFRESH_MS)
