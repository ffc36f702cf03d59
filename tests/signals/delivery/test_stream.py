"""The socket: what is asked for comes, what was missed comes too, what is not allowed is said."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from signals.delivery import bus, hub
from signals.services.publish import publish
from tests.support.servers import until
from tests.support.setups import AT_MS, HOUR_MS, make_draft
from tests.support.sockets import browser

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]


def send(topic: str, sequence: int, data: dict[str, Any]) -> None:
    """Publish a frame as the engine does."""
    text = bus.frame_text(topic, sequence, "2026-01-01T00:00:00.000Z", json.dumps(data))
    bus.connect().publish(bus.FRAMES, bus.pack(topic, sequence, text))


def publish_signals(count: int, first: int = 0) -> list[int]:
    """Store signals and return the numbers of their frames."""
    entries = [publish(make_draft(at_ms=AT_MS + (first + k) * HOUR_MS)) for k in range(count)]
    return [entry.sequence for entry in entries if entry is not None]


async def test_a_topic_that_was_asked_for_comes_and_another_does_not() -> None:
    async with browser() as one:
        await one.say(op="subscribe", topics=["market:BTCUSDT:1m"])
        await until(lambda: "market:BTCUSDT:1m" in hub.hub_of_this_loop()._by_topic)
        await sync_to_async(send)("market:ETHUSDT:1m", 1, {"price": "1"})
        await sync_to_async(send)("market:BTCUSDT:1m", 2, {"price": "60000.0"})
        frame = await one.hear()
    assert (frame["topic"], frame["seq"]) == ("market:BTCUSDT:1m", 2)
    assert frame["data"] == {"price": "60000.0"}
    assert frame["at"] == "2026-01-01T00:00:00.000Z"


async def test_a_client_that_comes_back_misses_no_signal() -> None:
    numbers = await sync_to_async(publish_signals)(4)
    async with browser() as one:
        await one.say(op="subscribe", topics=["signals"], after={"signals": numbers[1]})
        frames = [await one.hear() for _ in range(2)]
    assert [frame["seq"] for frame in frames] == numbers[2:]
    assert frames[0]["data"]["kind"] == "issued"


async def test_a_signal_that_is_sent_and_resumed_at_once_comes_once() -> None:
    (first,) = await sync_to_async(publish_signals)(1)
    async with browser() as one:
        await one.say(op="subscribe", topics=["signals"], after={"signals": 0})
        frame = await one.hear()
        await sync_to_async(send)("signals", first, frame["data"])
        await sync_to_async(send)("signals", first + 1, {"kind": "issued", "signal": {}})
        assert (await one.hear())["seq"] == first + 1


async def test_signals_that_went_by_while_the_bus_was_away_are_passed_on() -> None:
    """The hub's own subscription is cut; meanwhile a signal is committed and its frame lost."""
    numbers = await sync_to_async(publish_signals)(1)
    async with browser() as one:
        await one.say(op="subscribe", topics=["signals"], after={"signals": numbers[0] - 1})
        assert (await one.hear())["seq"] == numbers[0]
        await sync_to_async(send)("signals", numbers[0], {"kind": "issued", "signal": {}})
        await until(lambda: hub.hub_of_this_loop()._newest_signal == numbers[0])
        missed = await sync_to_async(publish_signals)(1, first=9)
        await sync_to_async(bus.connect().execute_command)("CLIENT", "KILL", "TYPE", "pubsub")
        assert (await one.hear())["seq"] == missed[0]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"op": "subscribe", "topics": ["secrets"]}, "unknown_topic"),
        ({"op": "subscribe", "topics": ["market:BTC:7m"]}, "unknown_topic"),
        ({"op": "subscribe", "topics": [7]}, "unknown_topic"),
        ({"op": "subscribe", "topics": ["account"]}, "sign_in_first"),
        ({"op": "fly"}, "bad_message"),
        ({"op": "subscribe", "topics": "signals"}, "bad_message"),
    ],
)
async def test_what_cannot_be_had_gets_an_error_frame_that_says_why(
    order: dict[str, Any], code: str
) -> None:
    async with browser() as one:
        await one.say(**order)
        frame = await one.hear()
    assert frame["topic"] == "error"
    assert frame["data"]["code"] == code
    assert frame["data"]["detail"].endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "x" * 4_097,
        "ü" * 2_049,
        "[" * 4_000,
        '{"op":' * 600,
        "\0",
        "null",
        '{"op":1e999}',
    ],
)
async def test_what_is_no_order_leaves_the_socket_open(text: str) -> None:
    async with browser() as one:
        await one.write(text)
        assert (await one.hear())["data"]["code"] == "bad_message"
        await one.say(op="ping")
        assert (await one.hear())["topic"] == "pong"


async def test_a_flood_is_cut() -> None:
    async with browser() as one:
        for _ in range(21):
            await one.say(op="ping")
        frames = [await one.hear() for _ in range(21)]
        assert frames[-1]["data"]["code"] == "too_many_messages"
        assert (await one.socket.receive_output(5))["code"] == 1008


async def test_the_first_tickers_frame_has_every_market() -> None:
    row = {
        "symbol": "BTCUSDT",
        "price": "60000.0",
        "change_24h": 0.01,
        "funding_rate": 1e-4,
        "oi_change_4h": 0.02,
        "age_s": 0.3,
        "mark": 60001.0,
        "open_interest_usd": 5e9,
    }
    held = json.dumps({"origin": "simulated", "at": None, "markets": [row]})
    await sync_to_async(bus.connect().set)(bus.MARKETS, held)
    async with browser() as one:
        await one.say(op="subscribe", topics=["tickers"])
        frame = await one.hear()
    assert frame["data"]["rows"] == [list(row.values())]


async def test_a_slow_reader_gets_the_newest_price_and_never_an_older_one() -> None:
    sent: list[str] = []

    async def send_text(text: str) -> None:
        sent.append(text)

    viewer = hub.Viewer(send_text)
    for price in range(100):
        viewer.offer("market:BTCUSDT:1m", price, str(price))
    task = asyncio.create_task(viewer.run())
    await until(lambda: sent)
    task.cancel()
    assert sent == ["99"]


async def test_the_hub_tells_the_engine_what_is_looked_at() -> None:
    async with browser() as one:
        await one.say(op="subscribe", topics=["heatmap:BTCUSDT"])
        client = bus.connect()
        await until(lambda: client.zscore(bus.WANTED, "heatmap:BTCUSDT"))
