"""Recordings behind the exchange: frames as they were, candles with what follows from them."""

import gzip
import json
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from tests.support.servers import START_MS, exchange, market, until
from trading.simulator import replay
from trading.simulator.frames import read_recording
from trading.simulator.replay import WEEK_MS

SYMBOL = "龙马USDT"
BEGAN_MS = START_MS + 55_000


def frame(at_ms: int, stream: str, late_ms: int = 1_200, **data: Any) -> dict[str, Any]:
    """A frame told at `at_ms` and received by a clock that was `late_ms` behind."""
    data = {"E": at_ms, **data}
    return {
        "recv_ns": (at_ms - late_ms) * 1_000_000,
        "msg": {"stream": f"{SYMBOL.lower()}@{stream}", "data": data},
    }


def diff(at_ms: int, before: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    ids = {"U": before + 3, "u": before + 10, "pu": before}
    return frame(at_ms, "depth@0ms", e="depthUpdate", T=at_ms, s=SYMBOL, b=bids, a=asks, **ids)


def trade(at_ms: int, price: str, quantity: str, maker: bool) -> dict[str, Any]:
    return frame(
        at_ms, "aggTrade", e="aggTrade", s=SYMBOL, a=at_ms, p=price, q=quantity, nq=quantity,
        f=1, l=2, T=at_ms - 5, m=maker, st=1,
    )  # fmt: skip


def kline(at_ms: int, close: str, volume: str, closed: bool) -> dict[str, Any]:
    k = {
        "t": START_MS, "T": START_MS + MINUTE_MS - 1, "s": SYMBOL, "i": "1m", "f": 1, "L": 9,
        "o": "0.1010", "c": close, "h": "0.1030", "l": "0.1000", "v": volume, "n": 9, "x": closed,
        "q": "10.20", "V": "40", "Q": "4.10", "B": "0",
    }  # fmt: skip
    return frame(at_ms, "kline_1m", e="kline", s=SYMBOL, k=k)


FRAMES = [
    diff(BEGAN_MS, 90, [["0.1010", "5"]], []),
    trade(BEGAN_MS + 400, "0.1020", "30", False),
    diff(BEGAN_MS + 500, 100, [["0.1010", "7"], ["0.1000", "0"]], [["0.1030", "2"]]),
    kline(BEGAN_MS + 1_000, "0.1020", "90", False),
    diff(BEGAN_MS + 1_000, 110, [["0.1015", "4"]], [["0.1020", "0"]]),
    kline(START_MS + MINUTE_MS + 300, "0.1025", "100", True),
    diff(START_MS + MINUTE_MS + 500, 120, [], [["0.1040", "9"]]),
]
SNAPSHOT = {
    "recv_ns": 1,
    "url": f"https://example.org/fapi/v1/depth?symbol={SYMBOL}&limit=1000",
    "msg": {
        "lastUpdateId": 100,
        "E": BEGAN_MS,
        "T": BEGAN_MS,
        "bids": [["0.1010", "5"], ["0.1000", "3"]],
        "asks": [["0.1020", "8"]],
    },
}
INFO = {
    "recv_ns": 1,
    "url": "https://example.org/fapi/v1/exchangeInfo",
    "msg": {
        "symbols": [
            {
                "symbol": SYMBOL,
                "filters": [
                    {"filterType": "PRICE_FILTER", "tickSize": "0.0005"},
                    {"filterType": "LOT_SIZE", "stepSize": "1"},
                    {"filterType": "MIN_NOTIONAL", "notional": "7"},
                ],
            }
        ]
    },
}


def write(directory: Path, name: str, rows: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if name.endswith(".gz"):
        (directory / name).write_bytes(gzip.compress(text.encode()))
    else:
        (directory / name).write_text(text, encoding="utf-8")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    write(tmp_path, "one_session.jsonl.gz", FRAMES)
    write(tmp_path, "one_session_rest.jsonl", [INFO, SNAPSHOT])
    return tmp_path


async def test_recorded_frames_are_played_byte_for_byte_on_their_routes_at_their_time(
    recorded: Path,
) -> None:
    name = SYMBOL.lower()
    async with exchange(world="replay", replay=recorded) as server, aiohttp.ClientSession() as http:
        assert server.clock.now_ms() == BEGAN_MS, "by the exchange's clock, not the recorder's"
        base = server.base_url.replace("http", "ws")
        public = await http.ws_connect(f"{base}/public/ws/{name}@depth@0ms")
        on_market = await http.ws_connect(f"{base}/market/ws/{name}@aggTrade/{name}@kline_1m")
        wrong = await http.ws_connect(f"{base}/market/ws/{name}@depth@0ms")
        await until(lambda: len(server.hub.clients) == 3)
        await server.advance(450)
        assert json.loads((await public.receive(timeout=3)).data) == FRAMES[0]["msg"]["data"]
        text = (await on_market.receive(timeout=3)).data
        sent = json.dumps(FRAMES[1]["msg"]["data"], separators=(",", ":"), ensure_ascii=False)
        assert text == sent, "not later than fifty milliseconds, and as it was"
        await server.advance(30_000)
        rest = [json.loads((await public.receive(timeout=3)).data) for _ in range(3)]
        assert rest == [FRAMES[k]["msg"]["data"] for k in (2, 4, 6)]
        assert not wrong._reader._buffer, "a wrong route stays silent"


async def test_instruments_books_and_candles_come_from_the_recording(recorded: Path) -> None:
    async with (
        exchange(world="replay", replay=recorded) as server,
        market(server, deep_symbols=(SYMBOL,), warm_minutes=0) as following,
    ):
        (rule,) = await following.rest.instruments()
        assert (rule.symbol, str(rule.tick_size), str(rule.min_notional)) == (SYMBOL, "0.0005", "7")
        state = following.state
        for _ in range(70):
            await server.advance(500)
        await until(lambda: not following.feed.deep.resyncing)
        bids, asks = [(0.1015, 4.0), (0.101, 7.0)], [(0.103, 2.0), (0.104, 9.0)]
        await until(lambda: state.book.levels[0] == (bids, asks))
        panel = state.panels[Timeframe.M1]
        await until(lambda: panel.last_open_ms[0] == START_MS)
        held = panel.at(START_MS)[:, 0].tolist()
        assert held[:5] == [0.101, 0.103, 0.1, 0.1025, 100.0], "the closed frame's own values"
        open_ms, told = await following.rest.klines(SYMBOL, "1m", START_MS, START_MS)
        assert open_ms.tolist() == [START_MS] and told[0, :5].tolist() == held[:5]


async def test_without_klines_candles_are_made_from_the_recorded_trades(tmp_path: Path) -> None:
    rows = [
        trade(BEGAN_MS, "0.1020", "30", False),
        trade(BEGAN_MS + 1_000, "0.1035", "10", True),
        trade(BEGAN_MS + 2_000, "0.1010", "5", False),
        trade(START_MS + MINUTE_MS + 1_000, "0.1015", "1", False),
    ]
    write(tmp_path, "a.jsonl", rows)
    async with exchange(world="replay", replay=tmp_path) as server:
        await server.advance(20_000)
        (row,) = server.world.tape.rows(0)[:1].tolist()
        assert row[:6] == [1020, 1035, 1010, 1010, 45, 35]
        assert any("candles, from recorded trades" in d for d in server.world.info()["derived"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no recorded frame"),
        ("not json\n", r"a\.jsonl:1 must be"),
        ('{"recv_ns": 1}\n', r"a\.jsonl:1 must be"),
        ('{"recv_ns": 1, "msg": [1]}\n', r"a\.jsonl:1 must be"),
    ],
)
def test_a_recording_that_cannot_be_read_is_refused_by_file_and_line(
    tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(InvalidInput, match=told):
        read_recording(tmp_path)


# --- candles ---------------------------------------------------------------------------------


def candles(n: int, seed: int) -> dict[str, list[Any]]:
    """Make a walk of `n` minutes on a tick of 0.01."""
    random = np.random.default_rng(seed)
    closes = 100 + np.round(np.cumsum(random.normal(0, 0.05, n)), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    highs = np.maximum(opens, closes) + np.round(random.uniform(0, 0.05, n), 2)
    lows = np.minimum(opens, closes) - np.round(random.uniform(0, 0.05, n), 2)
    volumes = np.round(random.uniform(1, 9, n), 3)
    return {
        "open_time": [START_MS + k * MINUTE_MS for k in range(n)],
        "open": opens.round(2).tolist(),
        "high": highs.round(2).tolist(),
        "low": lows.round(2).tolist(),
        "close": closes.tolist(),
        "volume": volumes.tolist(),
        "quote_volume": (volumes * closes).round(2).tolist(),
        "trades": [40] * n,
        "taker_buy_volume": (volumes / 2).round(3).tolist(),
    }


async def test_recorded_candles_come_back_from_stream_and_rest_as_they_were(tmp_path: Path) -> None:
    told = candles(90, seed=3)
    pq.write_table(pa.table(told), tmp_path / "ABCUSDT.parquet")
    async with (
        exchange(world="replay", replay=tmp_path, history_share=2 / 3) as server,
        market(server, warm_minutes=10) as following,
    ):
        assert server.clock.now_ms() == START_MS + 60 * MINUTE_MS
        await server.advance(20 * MINUTE_MS + 1_000, 2_000)
        panel = following.state.panels[Timeframe.M1]
        await until(lambda: panel.last_open_ms[0] == START_MS + 79 * MINUTE_MS)
        names = ("open", "high", "low", "close", "volume")
        for k in range(60, 80):
            held = panel.at(START_MS + k * MINUTE_MS)[:5, 0].tolist()
            assert held == [told[name][k] for name in names]
        assert {"trades", "book", "mark price"} <= set(server.world.info()["derived"])


async def test_a_minute_that_ended_between_two_beats_is_told_whole(tmp_path: Path) -> None:
    told = candles(90, seed=7)
    pq.write_table(pa.table(told), tmp_path / "ABCUSDT.parquet")
    async with (
        exchange(world="replay", replay=tmp_path) as server,
        aiohttp.ClientSession() as http,
    ):
        await server.advance(30_000)
        server.clock.advance(MINUTE_MS)  # fast time: the minute ends, and no beat has come yet
        ask = {"symbol": "ABCUSDT", "interval": "1m", "startTime": START_MS + 60 * MINUTE_MS}
        async with http.get(f"{server.base_url}/fapi/v1/klines", params=ask) as answer:
            closed = (await answer.json())[0]
        names = ("open", "high", "low", "close", "volume")
        assert [float(x) for x in closed[1:6]] == [told[name][60] for name in names]


async def test_trades_derived_within_a_candle_are_together_that_candle(tmp_path: Path) -> None:
    told = candles(90, seed=4)
    pq.write_table(pa.table(told), tmp_path / "ABCUSDT.parquet")
    async with (
        exchange(world="replay", replay=tmp_path) as server,
        aiohttp.ClientSession() as http,
    ):
        base = server.base_url.replace("http", "ws")
        socket = await http.ws_connect(f"{base}/market/ws/abcusdt@aggTrade")
        await until(lambda: server.hub.listeners)
        await server.advance(MINUTE_MS + 500)
        closed = server.world.tape.rows(0)[60]
        prints: list[dict[str, Any]] = []
        while sum(float(p["q"]) for p in prints) < told["volume"][60] - 1e-9:
            prints.append(json.loads((await socket.receive(timeout=5)).data))
        assert sum(float(p["q"]) for p in prints) == pytest.approx(told["volume"][60])
        bought = sum(float(p["q"]) for p in prints if not p["m"])
        assert bought == pytest.approx(int(closed[5]) * 0.001)
        prices = [float(p["p"]) for p in prints]
        assert (max(prices), min(prices)) == (told["high"][60], told["low"][60])
        assert [p["a"] for p in prints] == list(range(prints[0]["a"], prints[0]["a"] + len(prints)))


async def test_recordings_of_other_times_play_together_and_older_parts_are_history(
    tmp_path: Path,
) -> None:
    pq.write_table(pa.table(candles(90, seed=8)), tmp_path / "ABCUSDT_now.parquet")
    for name, weeks in (("ABCUSDT_before", 9), ("XYZUSDT", 3)):
        told = candles(90, seed=9)
        told["open_time"] = [at - weeks * WEEK_MS for at in told["open_time"]]
        pq.write_table(pa.table(told), tmp_path / f"{name}.parquet")
    async with exchange(world="replay", replay=tmp_path) as server:
        assert server.clock.now_ms() == START_MS + 60 * MINUTE_MS
        assert server.world.info()["shifts_ms"] == {"ABCUSDT": 0, "XYZUSDT": 3 * WEEK_MS}
        assert server.world.start_ms == START_MS - 9 * WEEK_MS
        prices = server.world.columns.price
        assert (prices > 0).all()


async def test_a_recording_goes_on_where_it_stood_and_says_when_it_is_over(tmp_path: Path) -> None:
    pq.write_table(pa.table(candles(90, seed=6)), tmp_path / "ABCUSDT.parquet")
    options = {"world": "replay", "replay": tmp_path, "data_dir": tmp_path / "kept"}
    async with exchange(**options) as server:
        await server.advance(7 * MINUTE_MS + 1_000, 2_000)
    async with exchange(**options) as server:
        assert server.clock.now_ms() == START_MS + 67 * MINUTE_MS
        assert server.world.tape.n_minutes == 67
        await server.advance(30 * MINUTE_MS, 2_000)
    with pytest.raises(InvalidInput, match="played to its end"):
        async with exchange(**options):
            pass


async def test_a_recording_plays_as_many_times_faster_as_asked(tmp_path: Path) -> None:
    pq.write_table(pa.table(candles(90, seed=5)), tmp_path / "ABCUSDT.parquet")
    async with exchange(world="replay", replay=tmp_path, manual_clock=False, speed=600.0) as server:
        began = server.clock.now_ms()
        await until(lambda: server.world.tape.n_minutes >= 70)
        passed = server.clock.now_ms() - began
        assert passed >= 9 * MINUTE_MS


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"open_time": [1, 2, 3]}, "missing column"),
        ({**candles(3, 1), "open_time": [3, 2, 1]}, "must rise strictly"),
    ],
)
async def test_candle_files_that_cannot_be_used_are_refused_with_a_reason(
    tmp_path: Path, columns: dict[str, list[Any]], told: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "ABCUSDT.parquet")
    with pytest.raises(InvalidInput, match=told):
        async with exchange(world="replay", replay=tmp_path):
            pass


async def test_more_than_memory_holds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MOST_MINUTES", 80)
    pq.write_table(pa.table(candles(90, seed=2)), tmp_path / "ABCUSDT.parquet")
    with pytest.raises(InvalidInput, match="choose fewer or shorter files"):
        async with exchange(world="replay", replay=tmp_path):
            pass


async def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no \.parquet file"):
        async with exchange(world="replay", replay=tmp_path):
            pass
