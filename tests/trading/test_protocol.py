"""The simulated exchange's manners: routes, commands, limits, and answers, as Binance has them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from tests.support.servers import START_MS, exchange, until
from trading.simulator.feed import ForcedOrder, Happenings
from trading.simulator.server import ExchangeServer

MINUTE_MS, HOUR_MS = 60_000, 3_600_000


@pytest.fixture
async def server() -> AsyncIterator[ExchangeServer]:
    async with exchange(days=0.2) as started:
        yield started


@pytest.fixture
async def http(server: ExchangeServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.base_url) as session:
        yield session


async def get(http: aiohttp.ClientSession, path: str, **query: Any) -> Any:
    async with http.get(path, params=query) as answer:
        return await answer.json()


class Ear:
    """A socket, and all it has heard."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[Any] = []
        self.close_code: int | None = None

    async def listen(self) -> None:
        async for message in self.socket:
            self.heard.append(json.loads(message.data))
        self.close_code = self.socket.close_code

    async def ask(self, method: str, *params: Any, number: int = 1) -> Any:
        before = len(self.heard)
        order = {"method": method, "params": list(params), "id": number}
        await self.socket.send_str(json.dumps(order))
        await until(lambda: any(not self._is_event(m) for m in self.heard[before:]))
        return next(m for m in self.heard[before:] if not self._is_event(m))

    @staticmethod
    def _is_event(message: Any) -> bool:
        return isinstance(message, list) or "e" in message or "stream" in message


@asynccontextmanager
async def ear(http: aiohttp.ClientSession, path: str) -> AsyncIterator[Ear]:
    socket = await http.ws_connect(path)
    made = Ear(socket)
    task = asyncio.create_task(made.listen())
    try:
        yield made
    finally:
        await socket.close()
        await task


# --- routes ----------------------------------------------------------------------------------

PUBLIC_STREAMS = ("btcusdt@depth@100ms", "btcusdt@depth20@100ms", "btcusdt@bookTicker")
MARKET_STREAMS = ("btcusdt@kline_1m", "btcusdt@markPrice@1s", "btcusdt@ticker", "!markPrice@arr@1s")


@pytest.mark.parametrize(
    ("root", "speaks"),
    [("/public", PUBLIC_STREAMS), ("/market", MARKET_STREAMS), ("", PUBLIC_STREAMS)],
)
async def test_each_route_acknowledges_every_stream_and_sends_only_its_own(
    server: ExchangeServer, http: aiohttp.ClientSession, root: str, speaks: tuple[str, ...]
) -> None:
    """The old root still connects and acknowledges, and serves the public side only."""
    async with ear(http, f"{root}/stream") as client:
        everything = (*PUBLIC_STREAMS, *MARKET_STREAMS, "btcusdt@nothing")
        assert await client.ask("SUBSCRIBE", *everything) == {"result": None, "id": 1}
        assert (await client.ask("LIST_SUBSCRIPTIONS"))["result"] == list(everything)
        await server.advance(5_000)
        await until(lambda: {m["stream"] for m in client.heard if "stream" in m} >= set(speaks))
        assert {m["stream"] for m in client.heard if "stream" in m} == set(speaks)


async def test_a_raw_socket_sends_bare_payloads_under_any_trailing_number(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    async with ear(http, "/market/ws/7") as client:
        await client.ask("SUBSCRIBE", "btcusdt@kline_1m")
        await server.advance(2_000)
        frame = await until(lambda: [m for m in client.heard if "e" in m])
        assert frame[0]["e"] == "kline" and "stream" not in frame[0]


async def test_unsubscribing_ends_a_stream_and_leaves_the_others(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    path = "/public/stream?streams=btcusdt@depth20@500ms/ethusdt@depth20@500ms"
    async with ear(http, path) as client:
        await client.ask("UNSUBSCRIBE", "btcusdt@depth20@500ms")
        await server.advance(2_000)
        await until(lambda: sum("stream" in m for m in client.heard) == 4)
        assert {m["stream"] for m in client.heard if "stream" in m} == {"ethusdt@depth20@500ms"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 3),
        ("[]", 2),
        ('{"method":"DANCE","params":[],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":"btcusdt@depth","id":1}', 1),
        ('{"method":"SET_PROPERTY","params":["colour","red"],"id":1}', 0),
    ],
)
async def test_commands_that_make_no_sense_are_answered_with_the_documented_codes(
    http: aiohttp.ClientSession, text: str, code: int
) -> None:
    async with ear(http, "/market/ws") as client:
        await client.socket.send_str(text)
        (answer,) = await until(lambda: client.heard)
        assert answer["code"] == code


async def test_too_many_messages_too_many_streams_and_binary_frames_end_the_connection(
    http: aiohttp.ClientSession,
) -> None:
    async with ear(http, "/market/ws") as flooding:
        for number in range(12):
            await flooding.socket.send_str(
                json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number})
            )
        await until(lambda: flooding.close_code == 1008)
    async with ear(http, "/market/ws") as greedy:
        names = [f"s{k}usdt@kline_1m" for k in range(1025)]
        await greedy.socket.send_str(json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}))
        await until(lambda: greedy.close_code == 1008)
    async with ear(http, "/market/ws") as binary:
        await binary.socket.send_bytes(b"\x00")
        await until(lambda: binary.close_code == 1008)


async def test_a_connection_lives_as_long_as_its_configured_day() -> None:
    async with (
        exchange(life_s=0.2) as server,
        aiohttp.ClientSession(server.base_url) as http,
        ear(http, "/market/ws") as client,
    ):
        await until(lambda: client.close_code is not None, 2)
        assert client.close_code == 1001


# --- streams -----------------------------------------------------------------------------------


async def test_all_market_marks_mix_families_and_stocks_come_in_an_array_of_their_own(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    async with ear(http, "/market/ws/!markPrice@arr@1s") as client:
        await server.advance(1_000)
        ours, stocks = await until(lambda: client.heard if len(client.heard) == 2 else None)
        assert {row["s"]: row["st"] for row in ours} == {
            "BTCUSDT": 1, "ETHUSDT": 1, "SOLUSDT": 1, "BTCUSD_PERP": 2, "BTCUSDT_270326": 1
        }  # fmt: skip
        assert [row["s"] for row in stocks] == ["TSLAUSDT"]
        dated = next(row for row in ours if row["s"] == "BTCUSDT_270326")
        assert (dated["r"], dated["T"]) == ("", 0)


async def test_diffs_form_one_chain_with_jumping_ids_and_fit_the_snapshot(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    async with ear(http, "/public/ws/btcusdt@depth@100ms") as client:
        await server.advance(3_000)
        snapshot = await get(http, "/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
        await server.advance(2_000)
        diffs = await until(lambda: client.heard if len(client.heard) == 9 else None)
    for before, after in pairwise(diffs):
        assert after["pu"] == before["u"] and after["U"] > before["u"]
        assert after["u"] >= after["U"]
    assert any(b["U"] != a["u"] + 1 for a, b in pairwise(diffs))
    assert snapshot["lastUpdateId"] in [d["u"] for d in diffs]
    bids = dict(snapshot["bids"])
    for diff in diffs:
        if diff["u"] > snapshot["lastUpdateId"]:
            for price, quantity in diff["b"]:
                bids[price] = quantity
                if float(quantity) == 0:
                    del bids[price]
    now = await get(http, "/fapi/v1/depth", symbol="BTCUSDT", limit=1000)
    assert bids == dict(now["bids"])


async def test_of_several_liquidations_within_a_second_only_the_latest_is_told(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    async with ear(http, "/market/ws/!forceOrder@arr") as client:
        at = server.clock.now_ms()
        orders = [
            ForcedOrder(symbol, 0, 67_000.0, 1.0 + k, at + 1_000 * second + 100 * k)
            for symbol in (0, 1)
            for second in (1, 2)
            for k in (0, 1, 2)
        ]
        await server.hub.tick(Happenings(forced=orders), at + 3_000, 1)
        again = ForcedOrder(0, 1, 67_000.0, 9.0, at + 2_900)
        await server.hub.tick(Happenings(forced=[again]), at + 3_000, 3)
        found = await until(lambda: client.heard if len(client.heard) == 4 else None)
    assert [(m["o"]["s"], m["o"]["z"]) for m in found] == [
        ("BTCUSDT", "3.000"), ("BTCUSDT", "3.000"), ("ETHUSDT", "3.000"), ("ETHUSDT", "3.000")
    ]  # fmt: skip


async def test_liquidations_come_from_the_market_and_a_coin_margined_one_among_them(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    async with ear(http, "/market/ws/!forceOrder@arr") as client:
        await server.advance(60 * MINUTE_MS, 5_000)
        await until(lambda: {m["st"] for m in client.heard} == {1, 2})
        seconds = [(m["o"]["s"], m["o"]["T"] // 1000) for m in client.heard if m["st"] == 1]
    assert len(seconds) == len(set(seconds))


async def test_a_burst_multiplies_best_prices(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    async with ear(http, "/public/ws/btcusdt@bookTicker") as client:
        await server.advance(1_000)
        await until(lambda: len(client.heard) == 2)
        async with http.post("/sim/burst", json={"times": 20}) as answer:
            assert answer.status == 200
        await server.advance(1_000)
        await until(lambda: len(client.heard) == 42)
        ids = [m["u"] for m in client.heard]
        assert ids == sorted(set(ids))


async def test_a_delisting_is_told_and_its_streams_fall_silent(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    async with ear(http, "/market/ws/!contractInfo/ethusdt@kline_1m") as client:
        async with http.post("/sim/listing", json={"symbol": "ETHUSDT", "status": "SETTLING"}):
            pass
        await server.advance(2_000)
        (told,) = await until(lambda: client.heard)
        assert (told["e"], told["s"], told["cs"]) == ("contractInfo", "ETHUSDT", "SETTLING")
        info = await get(http, "/fapi/v1/exchangeInfo")
        assert {r["symbol"]: r["status"] for r in info["symbols"]}["ETHUSDT"] == "SETTLING"


# --- REST --------------------------------------------------------------------------------------


async def test_streamed_and_asked_candles_are_equal_to_the_last_letter(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    path = "/market/ws/btcusdt@kline_1m/btcusdt@kline_5m/btcusdt@kline_1h"
    async with ear(http, path) as client:
        await server.advance(HOUR_MS + 1_000, 1_000)
        await until(lambda: sum(m["k"]["x"] for m in client.heard) == 60 + 12 + 1)
    for interval in ("1m", "5m", "1h"):
        rows = await get(
            http, "/fapi/v1/klines", symbol="BTCUSDT", interval=interval,
            startTime=START_MS, endTime=START_MS + HOUR_MS - 1,
        )  # fmt: skip
        told = [
            [
                k["t"],
                k["o"],
                k["h"],
                k["l"],
                k["c"],
                k["v"],
                k["T"],
                k["q"],
                k["n"],
                k["V"],
                k["Q"],
                k["B"],
            ]
            for m in client.heard
            if (k := m["k"])["x"] and k["i"] == interval
        ]
        assert rows == told


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("/fapi/v1/klines", {"symbol": "NOSUCHUSDT", "interval": "1m"}, -1121),
        ("/fapi/v1/klines", {"interval": "1m"}, -1102),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "startTime": "soon"}, -1100),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "-3"}, -1130),
        ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "7"}, -4021),
        ("/futures/data/openInterestHist", {"symbol": "BTCUSDT", "period": "7m"}, -1130),
        ("/fapi/v1/nothing", {}, -5000),
    ],
)
async def test_wrong_questions_get_binances_codes(
    http: aiohttp.ClientSession, path: str, query: dict[str, str], code: int
) -> None:
    answer = await get(http, path, **query)
    assert answer["code"] == code and answer["msg"]


async def test_every_market_endpoint_answers_in_the_documented_shape(
    server: ExchangeServer, http: aiohttp.ClientSession
) -> None:
    await server.advance(5_000)
    one, period = {"symbol": "BTCUSDT"}, {"symbol": "BTCUSDT", "period": "5m", "limit": 3}
    expected: dict[str, tuple[dict[str, Any], set[str]]] = {
        "/fapi/v1/premiumIndex": (
            one,
            {"markPrice", "indexPrice", "lastFundingRate", "nextFundingTime"},
        ),
        "/fapi/v1/openInterest": (one, {"openInterest", "symbol", "time"}),
        "/fapi/v1/ticker/24hr": (one, {"lastPrice", "quoteVolume", "priceChangePercent"}),
        "/fapi/v2/ticker/price": (one, {"price", "time"}),
        "/fapi/v1/ticker/bookTicker": (one, {"bidPrice", "askQty"}),
    }
    for path, (query, keys) in expected.items():
        assert keys <= set(await get(http, path, **query)), path
    lists: dict[str, tuple[dict[str, Any], set[str]]] = {
        "/fapi/v1/trades": (one, {"id", "price", "qty", "isBuyerMaker"}),
        "/fapi/v1/aggTrades": (one, {"a", "p", "q", "nq", "f", "l", "T", "m"}),
        "/fapi/v1/fundingInfo": ({}, {"symbol", "fundingIntervalHours"}),
        "/fapi/v1/leverageBracket": (one, {"symbol", "brackets"}),
        "/futures/data/openInterestHist": (period, {"sumOpenInterest", "sumOpenInterestValue"}),
        "/futures/data/globalLongShortAccountRatio": (period, {"longShortRatio", "longAccount"}),
        "/futures/data/topLongShortPositionRatio": (period, {"longShortRatio"}),
        "/futures/data/takerlongshortRatio": (period, {"buySellRatio", "buyVol", "sellVol"}),
        "/futures/data/basis": (
            {"pair": "BTCUSDT", "contractType": "PERPETUAL", "period": "5m"},
            {"basis"},
        ),
    }
    async with (
        exchange(symbols=4, days=0.4) as fuller,
        aiohttp.ClientSession(fuller.base_url) as other,
    ):
        await fuller.advance(5_000)
        for path, (query, keys) in lists.items():
            rows = await get(other, path, **query)
            assert rows and keys <= set(rows[0]), path


async def test_weights_are_counted_and_over_the_limit_comes_429_and_then_a_ban() -> None:
    async with (
        exchange(weight_limit=50) as server,
        aiohttp.ClientSession(server.base_url) as http,
    ):

        async def ask(path: str, **query: Any) -> tuple[int, str, str]:
            async with http.get(path, params=query) as answer:
                headers = answer.headers
                return (
                    answer.status,
                    headers["X-MBX-USED-WEIGHT-1M"],
                    headers.get("Retry-After", ""),
                )

        one = {"symbol": "BTCUSDT"}
        assert await ask("/fapi/v1/time") == (200, "1", "")
        assert (await ask("/fapi/v1/klines", **one, interval="1m", limit=99))[1] == "2"
        assert (await ask("/fapi/v1/klines", **one, interval="1m", limit=500))[1] == "7"
        assert (await ask("/fapi/v1/depth", **one, limit=1000))[1] == "27"
        assert (await ask("/fapi/v1/ticker/24hr"))[1] == "67"
        status, used, after = await ask("/fapi/v1/time")
        assert (status, used) == (429, "67") and 0 < int(after) <= 60
        for _ in range(25):
            status, _, after = await ask("/fapi/v1/time")
        assert status == 418 and int(after) >= 100


async def test_unknown_faults_and_a_moved_machine_clock_are_refused_in_words(
    http: aiohttp.ClientSession,
) -> None:
    async with http.post("/sim/faults", json={"channel": "ws", "action": "explode"}) as answer:
        assert answer.status == 400 and "must be one of" in (await answer.json())["error"]
    async with (
        exchange(manual_clock=False, start_ms=None) as live,
        http.post(f"{live.base_url}/sim/advance", json={"ms": 500}) as answer,
    ):
        assert answer.status == 400 and "manual clock" in (await answer.json())["error"]
