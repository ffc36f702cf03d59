"""A chart's frame leaves when its candle moves; over a real Redis-protocol server."""

import asyncio
import json
import subprocess
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from types import SimpleNamespace

import pytest

from cryptosystems.kernel.timeframes import Timeframe
from cryptosystems.management import embedded
from cryptosystems.management.benchmarks.market import warmed_pipeline
from signals.delivery import bus
from signals.engine.reporter import CHART_S, Reporter
from signals.engine.stages import StageTimes
from signals.engine.views import MarketViews
from signals.ingest.clock import MarketClock
from signals.market.events import BookPartial, CandleUpdate, MarkPrice

NOW_MS = 1_780_000_020_000
OPEN_MS = NOW_MS - NOW_MS % 60_000


@pytest.fixture
def redis_address(settings):
    with embedded.run_directory() as directory:
        server = subprocess.Popen(
            embedded.valkey_argv(directory, directory / "valkey"), stdout=subprocess.DEVNULL
        )
        path = directory / "valkey.sock"
        settings.REDIS_URL = f"unix://{path}?db=0"
        until = monotonic() + 10
        while not path.exists() or not bus.is_alive():
            assert monotonic() < until, "the server did not answer within 10 s"
        yield settings.REDIS_URL
        server.terminate()
        server.wait(5)


class Charts:
    """A reporter over a small market, and what it has published."""

    def __init__(self) -> None:
        self.pipeline = warmed_pipeline(3, NOW_MS, seed=1, warm=2)
        self.redis = bus.connect_async()
        self.reporter = Reporter(
            SimpleNamespace(
                views=MarketViews(self.pipeline),
                redis=self.redis,
                clock=MarketClock(),
                stages=StageTimes(),
            )
        )

    def happens(self, event) -> None:
        self.pipeline.apply(event)
        self.reporter.note(event)

    def candle(self, symbol: str, close: float, after_ms: int = 0) -> None:
        at = NOW_MS + after_ms
        values = (100.0, 120.0, 80.0, close, 5.0, 500.0, 2.0, 9.0)
        self.happens(CandleUpdate(symbol, at, at, OPEN_MS, *values, False))

    async def next(self) -> dict:
        message = await self.frames.get_message(ignore_subscribe_messages=True, timeout=3.0)
        assert message is not None, "no frame came within 3 s"
        return json.loads(bus.unpack(message["data"])[2])

    async def none_for(self, seconds: float) -> bool:
        found = await self.frames.get_message(ignore_subscribe_messages=True, timeout=seconds)
        return found is None


@pytest.fixture
async def charts(redis_address):
    made = Charts()
    made.reporter._want({"market:BTCUSDT:1m", "market:BTCUSDT:15m", "signals"})
    async with made.redis.pubsub() as frames:
        await frames.subscribe(bus.FRAMES)
        await frames.get_message(timeout=3.0)
        made.frames = frames
        sending = asyncio.create_task(made.reporter._forever(made.reporter._send_charts, 0.0))
        yield made
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
    await made.redis.aclose()


async def test_a_moved_candle_is_sent_at_once_to_every_chart_of_its_symbol(charts):
    charts.candle("BTCUSDT", 101.5)
    first, second = await charts.next(), await charts.next()
    assert {first["topic"], second["topic"]} == {"market:BTCUSDT:1m", "market:BTCUSDT:15m"}
    minute = first if first["topic"].endswith("1m") else second
    assert minute["data"]["candle"] == [OPEN_MS // 1000, 100.0, 120.0, 80.0, 101.5, 5.0]
    assert minute["data"]["event_at"].endswith("Z")


async def test_moves_in_quick_succession_make_one_later_frame_with_the_newest(charts):
    charts.reporter._want({"market:BTCUSDT:1m"})
    charts.candle("BTCUSDT", 101.0)
    assert (await charts.next())["data"]["candle"][4] == 101.0
    loop = asyncio.get_running_loop()
    began = loop.time()
    for step in range(5):
        charts.candle("BTCUSDT", 102.0 + step, after_ms=10 + step)
        await asyncio.sleep(0)
    assert (await charts.next())["data"]["candle"][4] == 106.0
    assert loop.time() - began > CHART_S / 2
    assert await charts.none_for(2 * CHART_S)


async def test_what_nobody_looks_at_is_not_sent(charts):
    charts.candle("ETHUSDT", 99.0)
    book = BookPartial("BTCUSDT", NOW_MS, NOW_MS, 1, [(99.0, 1.0)], [(101.0, 1.0)])
    charts.happens(book)
    assert await charts.none_for(2 * CHART_S)


async def test_a_new_mark_is_sent_without_holding_up_the_next_candle(charts):
    charts.reporter._want({"market:BTCUSDT:1m"})
    charts.candle("BTCUSDT", 101.0)
    await charts.next()
    await asyncio.sleep(CHART_S)  # until this chart's own pause is over
    charts.happens(MarkPrice("BTCUSDT", NOW_MS, NOW_MS, 100.7, 100.6, 1e-4, NOW_MS + 1000))
    assert (await charts.next())["data"]["mark"] == 100.7
    loop = asyncio.get_running_loop()
    began = loop.time()
    charts.candle("BTCUSDT", 103.0, after_ms=50)
    assert (await charts.next())["data"]["candle"][4] == 103.0
    assert loop.time() - began < CHART_S


async def test_a_chart_that_is_opened_gets_its_candle_without_waiting_for_a_move(charts):
    charts.candle("ETHUSDT", 99.0)
    charts.reporter._want({"market:ETHUSDT:1m"})
    frame = await charts.next()
    assert frame["topic"] == "market:ETHUSDT:1m"
    assert frame["data"]["candle"][4] == 99.0


async def test_a_timeframe_that_no_model_knows_is_said_to_be_so(charts):
    model = charts.pipeline.model
    known = {tf: sides for tf, sides in model.sides.items() if tf is not Timeframe.D1}
    charts.pipeline.use_model(replace(model, sides=known))
    asked = {"symbol": "BTCUSDT", "timeframe": "1d"}
    for kind in ("gates", "factors"):
        assert "Nothing judges 1d yet" in charts.reporter._find(kind, asked)["not_judged"]
    assert charts.reporter._find("gates", {**asked, "symbol": "NONEUSDT"}) is None
