"""The price of a market at a past minute, by which fees in other coins are converted."""

from decimal import Decimal as D
from typing import Any

import pytest

from tests.trading.exchanges.odd import NOW_MS, serving_json
from tests.trading.exchanges.stage import hmac_credential
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.port import ReadFailed

MINUTE = NOW_MS - NOW_MS % 60_000


async def price_of(told: Any) -> D | None:
    async with serving_json({"/fapi/v1/klines": told}) as client:
        port = CcxtFutures(client, hmac_credential("k" * 20, "s" * 20))
        return await port.price_at("BNBUSDT", MINUTE + 12_345)


async def test_it_is_the_middle_of_that_minute() -> None:
    assert await price_of([[MINUTE, "600.0", "611", "590", "602.0", "1"]]) == D(601)


@pytest.mark.parametrize(
    "told", [[], [[MINUTE + 60_000, "1", "1", "1", "1", "1"]], {"code": -1121, "msg": "Invalid"}]
)
async def test_another_minute_or_no_market_is_no_price(told: Any) -> None:
    assert await price_of(told) is None


@pytest.mark.parametrize("told", [{"odd": 1}, ["odd"], "odd"])
async def test_an_odd_answer_is_none(told: Any) -> None:
    with pytest.raises(ReadFailed):
        await price_of(told)
