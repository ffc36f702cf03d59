"""Clients that others wrote for Binance trade on the simulated exchange, address apart."""

import asyncio
import importlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.support.exchange_process import Venue, Who, exchange_process
from tests.support.servers import until

BTC = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with exchange_process() as running:
        yield running


@asynccontextmanager
async def ccxt_client(who: Who) -> AsyncIterator[Any]:
    """Return ccxt.pro with the host replaced, and the futures error table it has in production."""
    ccxt = pytest.importorskip("ccxt.pro")

    class Linear(ccxt.binanceusdm):  # type: ignore[misc, name-defined]
        def get_exceptions_by_url(self, url: str, exact_or_broad: str) -> Any:
            return self.exceptions["linear"].get(exact_or_broad, {})

    client = Linear({"apiKey": who.api_key, "secret": who.secret, "enableRateLimit": False})
    client.nonce = client.milliseconds = who.venue.now_ms

    def walk(node: dict[str, Any]) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(value)
            elif isinstance(value, str):
                http = re.sub(r"^https?://[^/]+", who.venue.base_url, value)
                node[key] = re.sub(r"^wss?://[^/]+", who.venue.ws_url, http)

    walk(client.urls["api"])
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


async def test_ccxt_trades_from_entry_to_stop(venue: Venue) -> None:
    """Markets with keys, settings, orders of both services, positions, fills and incomes."""
    ccxt = pytest.importorskip("ccxt")
    who = venue.account()
    venue.price("BTCUSDT", 67_000)
    async with ccxt_client(who) as client:
        assert (await client.fetch_balance())["USDT"]["free"] == 10_000
        await client.set_leverage(10, BTC)
        await client.set_margin_mode("isolated", BTC)
        with pytest.raises(ccxt.MarginModeAlreadySet, match="-4046"):
            await client.set_margin_mode("isolated", BTC)
        with pytest.raises(ccxt.OperationRejected, match="-4059"):
            await client.set_position_mode(False)
        assert (await client.fetch_position_mode())["hedged"] is False

        entry = await client.create_order(
            BTC, "limit", "buy", 0.02, 66_000, {"clientOrderId": "entry-1"}
        )
        assert entry["status"] == "open" and entry["clientOrderId"] == "entry-1"
        assert entry["average"] is None, "placement answers carry no average price"
        with pytest.raises(ccxt.InvalidOrder, match="-4116"):
            await client.create_order(
                BTC, "limit", "buy", 0.02, 66_000, {"clientOrderId": "entry-1"}
            )
        amended = await client.edit_order(entry["id"], BTC, "limit", "buy", 0.02, 66_500)
        assert amended["price"] == 66_500 and amended["id"] == entry["id"]
        assert [o["id"] for o in await client.fetch_open_orders(BTC)] == [entry["id"]]

        venue.price("BTCUSDT", 66_400)
        found = await client.fetch_order(None, BTC, {"clientOrderId": "entry-1"})
        assert (found["status"], found["average"], found["filled"]) == ("closed", 66_500, 0.02)
        (position,) = await client.fetch_positions([BTC])
        assert (position["side"], position["contracts"]) == ("long", 0.02)
        assert 0 < position["liquidationPrice"] < 66_400

        stop = await client.create_order(
            BTC,
            "market",
            "sell",
            0.02,
            None,
            {"stopLossPrice": 65_000, "reduceOnly": True, "clientOrderId": "stop-1"},
        )
        assert (await client.fetch_open_orders(BTC, params={"trigger": True}))[0]["id"] == (
            stop["id"]
        )
        await client.cancel_all_orders(BTC)
        assert await client.fetch_open_orders(BTC, params={"trigger": True}), "stops stay"
        with pytest.raises(ccxt.OrderImmediatelyFillable, match="-2021"):
            await client.create_order(
                BTC, "market", "sell", 0.02, None, {"stopLossPrice": 70_000, "reduceOnly": True}
            )

        venue.price("BTCUSDT", 64_900)
        fired = await client.fetch_order(stop["id"], BTC, {"trigger": True})
        assert fired["status"] == "closed"
        child = await client.fetch_order(fired["info"]["actualOrderId"], BTC)
        assert (child["filled"], child["clientOrderId"]) == (0.02, "stop-1")
        assert await client.fetch_positions([BTC]) == []
        trades = await client.fetch_my_trades(BTC)
        assert [(t["side"], t["amount"], t["takerOrMaker"]) for t in trades] == [
            ("buy", 0.02, "maker"),
            ("sell", 0.02, "taker"),
        ]
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.cancel_order(stop["id"], BTC, {"trigger": True})
        with pytest.raises(ccxt.InvalidOrder, match="-2022"):
            await client.create_order(BTC, "market", "sell", 0.02, None, {"reduceOnly": True})
        assert (await client.fetch_trading_fee(BTC))["taker"] == 0.0005


async def test_ccxt_hears_of_orders_by_its_user_stream(venue: Venue) -> None:
    who = venue.account()
    venue.price("BTCUSDT", 67_000)
    async with ccxt_client(who) as client:
        heard: list[Any] = []

        async def listen() -> None:
            while True:
                heard.extend(await client.watch_orders(BTC))

        task = asyncio.create_task(listen())
        try:
            await until(
                lambda: client.clients and any(c.connection for c in client.clients.values())
            )
            await until(lambda: venue.sim("GET", "stats")["user_sockets"] == 1)
            await client.create_order(BTC, "market", "buy", 0.02, None, {"clientOrderId": "m"})
            await until(lambda: any(o["status"] == "closed" for o in heard))
        finally:
            task.cancel()
        assert {o["clientOrderId"] for o in heard} == {"m"}


async def test_the_exchange_s_own_client_signs_with_ed25519_and_trades() -> None:
    """Binance's own Python package: orders, conditional orders, positions, user stream."""
    package = pytest.importorskip("binance_sdk_derivatives_trading_usds_futures")
    common = pytest.importorskip("binance_common.configuration")
    whole = importlib.import_module(f"{package.__name__}.derivatives_trading_usds_futures")
    private = Ed25519PrivateKey.generate()
    public_key = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with exchange_process(manual_clock=False) as venue:
        key = venue.account().add_key(kind="ed25519", public_key=public_key.decode())
        client = whole.DerivativesTradingUsdsFutures(
            config_rest_api=common.ConfigurationRestAPI(
                api_key=key["api_key"], private_key=pem, base_path=venue.base_url, retries=0
            ),
            config_ws_streams=common.ConfigurationWebSocketStreams(stream_url=venue.ws_url),
        )
        rest = client.rest_api
        listen_key = (await asyncio.to_thread(rest.start_user_data_stream)).data().listen_key
        streams = await client.websocket_streams.create_connection()
        heard: list[Any] = []
        try:
            stream = await streams.user_data(listen_key)
            stream.on("message", heard.append)
            await asyncio.to_thread(_trade, rest)
            await until(lambda: len(heard) >= 5)
        finally:
            await streams.close_connection(close_session=True)
        kinds = {type(event.actual_instance).__name__ for event in heard}
        assert {"OrderTradeUpdate", "AccountUpdate", "AlgoUpdate"} <= kinds


def _trade(rest: Any) -> None:
    """Open, protect, look, and close."""
    placed = rest.new_order(
        symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01, new_order_resp_type="RESULT"
    ).data()
    assert placed.status == "FILLED"
    stop = rest.new_algo_order(
        algo_type="CONDITIONAL",
        symbol="BTCUSDT",
        side="SELL",
        type="STOP_MARKET",
        quantity=0.01,
        trigger_price=60_000,
        reduce_only="true",
        working_type="MARK_PRICE",
    ).data()
    held = rest.current_all_algo_open_orders(symbol="BTCUSDT").data()
    assert [order.algo_id for order in held] == [stop.algo_id]
    (position,) = rest.position_information_v3().data()
    assert (position.symbol, position.position_amt) == ("BTCUSDT", "0.01")
    assert rest.cancel_algo_order(algo_id=stop.algo_id).data().msg == "success"
    rest.new_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity=0.01, reduce_only="true")
    assert not rest.position_information_v3().data()
    assert len(rest.account_trade_list(symbol="BTCUSDT").data()) == 2
    assert rest.futures_account_balance_v3().data()[0].asset == "USDT"
