"""A client built by others for Binance works against the simulated exchange, address apart."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.servers import START_MS, exchange, running, until
from trading.simulator.server import ExchangeServer

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
HOUR_MS = 3_600_000


def point_at(client: Any, http: str) -> Any:
    """Replace the host of every address the client knows; nothing else is touched."""

    def walk(node: dict[str, Any]) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(value)
            elif isinstance(value, str):
                address = re.sub(r"^https?://[^/]+", http, value)
                node[key] = re.sub(r"^wss?://[^/]+", http.replace("http", "ws"), address)

    walk(client.urls["api"])
    return client


@asynccontextmanager
async def client_of(server: ExchangeServer) -> AsyncIterator[Any]:
    ccxt = pytest.importorskip("ccxt.pro")
    options = {"fetchCurrencies": False, "fetchMargins": False}
    client = point_at(
        ccxt.binanceusdm({"options": options, "enableRateLimit": False}), server.base_url
    )
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


@pytest.fixture
async def server() -> AsyncIterator[ExchangeServer]:
    async with exchange(symbols=4, days=1.0) as started:
        yield started


async def test_ccxt_reads_markets_candles_books_trades_and_tickers(server: ExchangeServer) -> None:
    async with client_of(server) as client:
        found = client.market(BTC)
        assert found["swap"] and found["linear"] and found["active"]
        assert found["precision"] == {**found["precision"], "price": 0.1, "amount": 0.001}
        assert found["limits"]["cost"]["min"] == 100.0
        stock, settling = client.market("TSLA/USDT:USDT"), client.market("SRM/USDT:USDT")
        assert stock["info"]["contractType"] == "TRADIFI_PERPETUAL" and not settling["active"]
        assert await client.fetch_time() == START_MS
        assert (await client.fetch_status())["status"] == "ok"

        await server.advance(90_000)
        candles = await client.fetch_ohlcv(BTC, "1h", limit=5)
        assert [c[0] for c in candles] == [START_MS - k * HOUR_MS for k in (4, 3, 2, 1, 0)]
        assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in candles)
        book = await client.fetch_order_book(BTC, 20)
        assert len(book["bids"]) == len(book["asks"]) == 20
        assert book["bids"][0][0] < book["asks"][0][0]
        trades = await client.fetch_trades(BTC, limit=50)
        assert trades and {trade["side"] for trade in trades} <= {"buy", "sell"}
        ticker = await client.fetch_ticker(BTC)
        assert ticker["last"] == candles[-1][4] and ticker["low"] <= ticker["last"]
        assert BTC in await client.fetch_tickers() and BTC in await client.fetch_bids_asks()
        assert (await client.fetch_last_prices())[ETH]["price"] > 0


async def test_ccxt_reads_funding_open_interest_ratios_and_leverage_tiers(
    server: ExchangeServer,
) -> None:
    async with client_of(server) as client:
        rate = await client.fetch_funding_rate(BTC)
        assert rate["fundingTimestamp"] == START_MS + 5 * HOUR_MS and rate["markPrice"] > 0
        assert abs(rate["fundingRate"]) <= 0.003
        assert {BTC, ETH} <= set(await client.fetch_funding_rates())
        history = await client.fetch_funding_rate_history(BTC, limit=10)
        assert [row["timestamp"] % (8 * HOUR_MS) for row in history] == [0, 0, 0]
        intervals = await client.fetch_funding_intervals()
        assert intervals["BNB/USDT:USDT"]["interval"] == "4h" and BTC not in intervals
        interest = await client.fetch_open_interest(BTC)
        assert interest["openInterestAmount"] > 0
        past = await client.fetch_open_interest_history(BTC, "5m", limit=12)
        assert [row["timestamp"] - past[0]["timestamp"] for row in past] == [
            300_000 * k for k in range(12)
        ]
        ratios = await client.fetch_long_short_ratio_history(BTC, "5m", limit=4)
        assert len(ratios) == 4 and all(0 < row["longShortRatio"] < 10 for row in ratios)
        client.apiKey, client.secret = "any", "key"
        tiers = (await client.fetch_leverage_tiers([BTC]))[BTC]
        assert tiers[0]["maxLeverage"] == 125
        assert [t["minNotional"] for t in tiers[1:]] == [t["maxNotional"] for t in tiers[:-1]]


async def test_ccxt_follows_candles_books_trades_marks_and_liquidations_by_socket(
    server: ExchangeServer,
) -> None:
    async with client_of(server) as client, running(server):

        async def soon(watching: Any) -> Any:
            return await asyncio.wait_for(watching, 10)

        candles = await soon(client.watch_ohlcv(BTC, "1m"))
        assert candles[-1][0] % 60_000 == 0
        book = await soon(client.watch_order_book(BTC))
        for _ in range(20):
            book = await soon(client.watch_order_book(BTC))
            assert book["bids"][0][0] < book["asks"][0][0], "diffs and snapshot fit together"
        assert (await soon(client.watch_trades(BTC)))[0]["amount"] > 0
        client.options["watchTrades"] = {"name": "aggTrade"}
        assert (await soon(client.watch_trades(ETH)))[0]["amount"] > 0
        assert (await soon(client.watch_ticker(BTC)))["last"] > 0
        assert (await soon(client.watch_bids_asks([ETH])))[ETH]["bid"] > 0
        assert (await soon(client.watch_mark_price(BTC)))["markPrice"] > 0
        marks = await soon(client.watch_mark_prices())
        assert marks[ETH]["markPrice"] > 0
        liquidated = await asyncio.wait_for(client.watch_liquidations_for_symbols([BTC, ETH]), 30)
        assert liquidated[0]["contracts"] > 0
    await until(lambda: not server.hub.clients)


async def test_errors_reach_ccxt_as_binance_words_them(server: ExchangeServer) -> None:
    ccxt = pytest.importorskip("ccxt")
    async with client_of(server) as client:
        with pytest.raises(ccxt.BadSymbol, match="-1121"):
            await client.fapiPublicGetKlines({"symbol": "NOSUCHUSDT", "interval": "1m"})
        with pytest.raises(ccxt.BadRequest, match="-1102"):
            await client.fapiPublicGetDepth({})
        server.faults.add(
            {
                "channel": "rest",
                "match": "time",
                "action": "status",
                "args": {"status": 429, "retry_after": 7},
            }
        )
        with pytest.raises(ccxt.DDoSProtection):
            await client.fetch_time()
        assert client.last_response_headers["Retry-After"] == "7"
