"""The account's own socket, over real ones: keys that end, gaps that are told, a reader that lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import pytest
from aiohttp import WSMsgType, web

from cryptosystems.kernel.retry import Backoff
from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who
from tests.support.servers import until
from tests.trading.exchanges.stage import BTC, client_of, hmac_credential
from trading.contracts import Venue
from trading.domain.venue import BalanceEvent, OrderEvent, StreamGap, VenueEvent
from trading.exchanges.addresses import addresses_of
from trading.exchanges.client import FuturesClient
from trading.exchanges.port import KeyRefused
from trading.exchanges.user_stream import UserStream

QUICK = Backoff(first_s=0.01, cap_s=0.02)
BALANCE = (
    '{"e":"ACCOUNT_UPDATE","T":1,"E":1,"a":{"m":"DEPOSIT","B":[{"a":"USDT","wb":"5"}],"P":[]}}'
)


@dataclass
class Listening:
    """A stream that runs, and what it has told."""

    stream: UserStream
    told: list[VenueEvent] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None

    @property
    def gaps(self) -> int:
        return sum(isinstance(event, StreamGap) for event in self.told)

    def of(self, kind: type) -> list[VenueEvent]:
        return [event for event in self.told if isinstance(event, kind)]


@asynccontextmanager
async def listening(
    client: FuturesClient, key_id: str, secret: str, *, keep_alive_s: float = 1_800.0
) -> AsyncIterator[Listening]:
    stream = UserStream(
        client,
        hmac_credential(key_id, secret),
        backoff=QUICK,
        keep_alive_s=keep_alive_s,
        random=Random(1),
    )
    held = Listening(stream)

    async def read() -> None:
        async for event in stream.events():
            held.told.append(event)

    held.task = asyncio.create_task(read())
    try:
        yield held
    finally:
        held.task.cancel()
        await asyncio.gather(held.task, return_exceptions=True)
        await client.close()


@pytest.fixture
def who(exchange: Exchange) -> Who:
    return exchange.account()


def by_hand(who: Who) -> None:
    """The owner buys something by hand."""
    who.by_hand("POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.01")


async def test_a_gap_comes_first_then_what_happens(exchange: Exchange, who: Who) -> None:
    async with listening(client_of(exchange), who.api_key, who.secret) as held:
        await until(lambda: held.told)
        await asyncio.to_thread(by_hand, who)

        await until(lambda: held.of(BalanceEvent))

        assert isinstance(held.told[0], StreamGap)
        assert held.gaps == 1
        [fill] = [e.fill for e in held.of(OrderEvent) if isinstance(e, OrderEvent) and e.fill]
        assert fill.quantity == fill.quantity.__class__("0.01")


@pytest.mark.parametrize(
    "trouble", [{"expire_listen_key": True}, {"close_streams": True}], ids=["expired", "closed"]
)
async def test_a_lost_stream_comes_back_with_a_gap_and_hears_again(
    exchange: Exchange, who: Who, trouble: dict[str, bool]
) -> None:
    async with listening(client_of(exchange), who.api_key, who.secret) as held:
        await until(lambda: held.told)

        await asyncio.to_thread(who.change, **trouble)
        await until(lambda: held.stream.counters.connects == 2)
        await until(lambda: held.gaps >= 2)
        await asyncio.to_thread(by_hand, who)

        await until(lambda: held.of(OrderEvent))


async def test_a_key_that_the_exchange_forgot_is_found_out_by_keeping_it_alive(
    exchange: Exchange, who: Who
) -> None:
    """-1125: the socket is open and says nothing, and nothing else would tell."""
    async with listening(client_of(exchange), who.api_key, who.secret, keep_alive_s=0.1) as held:
        await until(lambda: held.told)

        await asyncio.to_thread(_forget_key, exchange, who)

        await until(lambda: held.stream.counters.keys == 2)
        await asyncio.to_thread(by_hand, who)
        await until(lambda: held.of(OrderEvent))


def _forget_key(exchange: Exchange, who: Who) -> None:
    """Another process of the owner deletes the key that all of them share."""
    answer = exchange.http.request(
        "DELETE", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": who.api_key}
    )
    assert answer.status_code == 200


async def test_a_revoked_key_ends_the_stream_and_is_not_tried_again(
    exchange: Exchange, who: Who
) -> None:
    await asyncio.to_thread(who.revoke)
    async with listening(client_of(exchange), who.api_key, who.secret) as held:
        assert held.task is not None

        with pytest.raises(KeyRefused):
            await asyncio.wait_for(asyncio.shield(held.task), 5)


# --- what only an odd server does -----------------------------------------------------------------


@asynccontextmanager
async def odd_exchange(*frames: str | bytes) -> AsyncIterator[FuturesClient]:
    """A server that gives a listen key and then these frames, and stays silent."""

    async def key(request: web.Request) -> web.Response:
        return web.json_response({"listenKey": "k1"})

    async def private(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in frames:
            if isinstance(frame, bytes):
                await socket.send_bytes(frame)
            else:
                await socket.send_str(frame)
        async for message in socket:
            if message.type is WSMsgType.CLOSE:
                break
        return socket

    app = web.Application()
    app.router.add_route("*", "/fapi/v1/listenKey", key)
    app.router.add_get("/private/ws", private)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    addresses = addresses_of(Venue.SIMULATED, url, url.replace("http", "ws"))
    try:
        yield FuturesClient(addresses, lambda: 7)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("frame", "unknown", "unreadable"),
    [
        ('{"e":"SOMETHING_NEW","E":1}', 1, 0),
        ('{"e":"ORDER_TRADE_UPDATE","E":1,"o":{"s":"BTC"}}', 0, 1),
        ("not json at all", 0, 1),
        ('{"e":"TRADE_LITE","E":1}', 0, 0),
        (b"\x00\x01", 0, 0),
    ],
    ids=["unknown", "cut", "no-json", "ignored", "binary"],
)
async def test_an_odd_frame_is_counted_and_the_reader_lives(
    frame: str | bytes, unknown: int, unreadable: int
) -> None:
    async with odd_exchange(frame, BALANCE) as client, listening(client, "k", "s") as held:
        await until(lambda: held.of(BalanceEvent))

        counters = held.stream.counters
        assert (counters.unknown, counters.unreadable) == (unknown, unreadable)
        assert counters.connects == 1
        # What could not be read may have been a fill: everything is read again.
        assert held.gaps == 1 + unreadable
