"""Whatever a server does to a request over a real socket, it ends in one class, sent once."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from tests.trading.exchanges.stage import BTC, hmac_credential, order
from trading.contracts import Venue
from trading.domain.venue import OutcomeClass, Service
from trading.exchanges.addresses import addresses_of
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.port import KeyRefused, ReadFailed

KEY_ID, SECRET = "key-id-of-the-canary", "canary-secret-5f0e"
NOW_MS = 1_764_010_800_000
ENTRY = order("cs-entry", quantity="0.01")
A, R, N, D, U = (
    OutcomeClass.ACCEPTED,
    OutcomeClass.REJECTED,
    OutcomeClass.NOT_SENT,
    OutcomeClass.ALREADY,
    OutcomeClass.UNKNOWN,
)
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A server that does one odd thing, and remembers what it was asked."""

    url: str
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    held = Server("")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    (
                        int(line.split(":")[1])
                        for line in head.splitlines()
                        if line.lower().startswith("content-length")
                    ),
                    0,
                )
                held.asked.append(head + (await reader.readexactly(length)).decode())
                await answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    held.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield held
    finally:
        server.close()


PortAt = Callable[..., CcxtFutures]


@pytest_asyncio.fixture
async def port_at() -> AsyncIterator[PortAt]:
    """Makes ports to an address; what they hold open is let go at the end."""
    clients: list[FuturesClient] = []

    def make(url: str, timeout_s: float = 5.0) -> CcxtFutures:
        addresses = addresses_of(Venue.SIMULATED, url, url.replace("http", "ws"))
        client = FuturesClient(addresses, lambda: NOW_MS, timeout_s=timeout_s)
        clients.append(client)
        return CcxtFutures(client, hmac_credential(KEY_ID, SECRET))

    yield make
    for client in clients:
        await client.close()


def says(status: int, body: bytes, *headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def refuses(status: int, code: int, *headers: str) -> Answer:
    return says(status, json.dumps({"code": code, "msg": "why"}).encode(), *headers)


async def cut(writer: asyncio.StreamWriter) -> None:
    """Promise more than comes."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"orderId": 1, "clientOrderId"')
    await writer.drain()
    writer.close()


async def cut_chunk(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30\r\n{"orderId": 1')
    await writer.drain()
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silent(writer: asyncio.StreamWriter) -> None:
    """Say nothing, and keep the line."""


async def no_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


async def endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000)
    await writer.drain()


ODD: list[tuple[str, Answer, OutcomeClass]] = [
    ("cut", cut, U),
    ("cut-chunk", cut_chunk, U),
    ("reset", reset, U),
    ("silent", silent, U),
    ("no-http", no_http, U),
    ("endless-head", endless_head, U),
    ("empty-200", says(200, b""), U),
    ("html-200", says(200, b"<html>maintenance</html>", "Content-Type: text/html"), U),
    ("html-403", says(403, b"<html>firewall</html>"), U),
    ("503-text", says(503, b"Service Unavailable."), U),
    ("503-code", refuses(503, -1008), U),
    ("408", refuses(408, -1007), U),
    ("redirect", says(307, b"", "Location: http://127.0.0.1:9/elsewhere"), U),
    ("other-id", says(200, b'{"orderId":1,"clientOrderId":"x","symbol":"BTCUSDT","side":"BUY","status":"NEW"}'), U),
    ("refused", refuses(400, -2019), R),
    ("key", refuses(401, -2015), R),
    ("clock", refuses(400, -1021), N),
    ("limit", refuses(429, -1003, "Retry-After: 7"), N),
    ("ban", refuses(418, -1003, "Retry-After: 120"), N),
    ("duplicate", refuses(400, -4116), D),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "kind"), [o[1:] for o in ODD], ids=[o[0] for o in ODD])
async def test_an_entry_is_sent_once_and_ends_in_its_class(
    port_at: PortAt, answer: Answer, kind: OutcomeClass
) -> None:
    async with serving(answer) as server:
        port = port_at(server.url, timeout_s=0.3)

        outcome = await port.submit(ENTRY)

        assert outcome.kind is kind
        assert len(server.asked) == 1
        assert KEY_ID not in outcome.message
        assert "signature" not in outcome.message


async def test_nobody_at_home_means_surely_not_sent(port_at: PortAt) -> None:
    async with serving(silent) as server:
        url = server.url
    outcome = await port_at(url).submit(ENTRY)

    assert outcome.kind is N
    assert outcome.status is None


async def test_a_name_that_nobody_knows_means_surely_not_sent(port_at: PortAt) -> None:
    outcome = await port_at("http://nobody.invalid").submit(ENTRY)

    assert outcome.kind is N


async def test_a_server_without_tls_means_surely_not_sent(port_at: PortAt) -> None:
    async with serving(says(200, b"{}")) as server:
        port = port_at(server.url.replace("http", "https"), timeout_s=1.0)

        outcome = await port.submit(ENTRY)

    assert outcome.kind is N
    assert server.asked == []


@pytest.mark.parametrize(
    "answer",
    [cut, reset, silent, says(200, b""), says(200, b"<html/>"), says(200, b"{}"), refuses(400, -1000),
     says(500, b"[]"), refuses(429, -1003)],
    ids=["cut", "reset", "silent", "empty", "html", "object", "code", "500", "limit"],
)  # fmt: skip
async def test_a_read_that_failed_is_never_an_empty_list(port_at: PortAt, answer: Answer) -> None:
    async with serving(answer) as server:
        port = port_at(server.url, timeout_s=0.3)

        with pytest.raises(ReadFailed):
            await port.positions()
        with pytest.raises(ReadFailed):
            await port.order(BTC, "cs-entry", Service.ORDER)


@pytest.mark.parametrize("code", [-2014, -2015, -1022])
async def test_a_refused_key_is_told_apart_from_a_failed_read(port_at: PortAt, code: int) -> None:
    async with serving(refuses(401, code)) as server:
        port = port_at(server.url)

        with pytest.raises(KeyRefused) as caught:
            await port.account()

        assert caught.value.exchange_code == code


async def test_only_the_exchanges_own_word_says_that_an_order_is_not_there(port_at: PortAt) -> None:
    async with serving(refuses(400, -2013)) as server:
        port = port_at(server.url)

        assert await port.order(BTC, "cs-entry", Service.ORDER) is None
        assert await port.order(BTC, "cs-stop", Service.ALGO) is None


async def test_a_limit_holds_entries_back_and_lets_exits_through(port_at: PortAt) -> None:
    async with serving(refuses(429, -1003, "Retry-After: 7")) as server:
        port = port_at(server.url)
        await port.submit(ENTRY)

        entry = await port.submit(ENTRY)
        close = await port.submit(order("cs-close", "SELL", quantity="0.01", reduce_only=True))

        assert (entry.kind, entry.status) == (N, None)
        assert entry.retry_after_s == 7.0
        assert close.status == 429
        assert len(server.asked) == 2


async def test_a_ban_holds_everything_back(port_at: PortAt) -> None:
    async with serving(refuses(418, -1003, "Retry-After: 120")) as server:
        port = port_at(server.url)
        await port.submit(ENTRY)

        close = await port.submit(order("cs-close", "SELL", quantity="0.01", reduce_only=True))

        assert (close.kind, close.retry_after_s) == (N, 120.0)
        assert len(server.asked) == 1


async def test_no_log_and_no_object_holds_key_or_signature(
    port_at: PortAt, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(says(503, b"Service Unavailable.")) as server:
        port = port_at(server.url)
        await port.submit(ENTRY)
        [asked] = server.asked
        signature = asked.rpartition("signature=")[2]

        shown = caplog.text + repr(port) + str(vars(port)) + str(vars(port._client))
        shown += "".join(
            f"{name}={value!r}" for name, value in vars(port._client._endpoints).items()
        )

        assert KEY_ID in asked
        assert len(signature) == 64
        for secret in (KEY_ID, SECRET, signature):
            assert secret not in shown
        assert port._client._endpoints.secret == port._client._endpoints.apiKey == ""
