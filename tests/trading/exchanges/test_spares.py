"""The exchange bans one of our addresses: exits leave by another, nothing else does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.trading.exchanges.odd import NOW_MS
from tests.trading.exchanges.stage import hmac_credential, order
from trading.contracts import Venue
from trading.domain.venue import OutcomeClass
from trading.exchanges.addresses import addresses_of, ours
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient

FIRST, SPARE, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
CLOSE = order("cs-close", "SELL", quantity="0.01", reduce_only=True)
ENTRY = order("cs-entry", quantity="0.01")


@dataclass
class Door:
    """An exchange that bans addresses, and notes from where it was asked."""

    port: CcxtFutures
    banned: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    """Addresses that the key is not bound to."""
    asked: list[str] = field(default_factory=list)
    now_ms: int = NOW_MS


@asynccontextmanager
async def door(*egress: str) -> AsyncIterator[Door]:
    async def answer(request: web.Request) -> web.Response:
        told.asked.append(str(request.remote))
        if request.remote in told.banned:
            body = {"code": -1003, "msg": "Way too many requests; IP banned."}
            return web.json_response(body, status=418, headers={"Retry-After": "120"})
        if request.remote in told.forbidden:
            body = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
            return web.json_response(body, status=401)
        return web.json_response(
            {"code": -2022, "msg": "ReduceOnly Order is rejected."}, status=400
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, FIRST, 0).start()
    url = f"http://{FIRST}:{runner.addresses[0][1]}"
    addresses = addresses_of(Venue.SIMULATED, url, url.replace("http", "ws"))
    client = FuturesClient(addresses, lambda: told.now_ms, egress=egress)
    told = Door(CcxtFutures(client, hmac_credential("k" * 20, "s" * 20)))
    try:
        yield told
    finally:
        await client.close()
        await runner.cleanup()


async def test_after_a_ban_exits_leave_by_a_spare_address_and_entries_wait() -> None:
    async with door(FIRST, SPARE) as told:
        told.banned = {FIRST}
        assert (await told.port.submit(CLOSE)).kind is OutcomeClass.NOT_SENT
        assert (await told.port.submit(CLOSE)).code == -2022
        assert (await told.port.submit(ENTRY)).kind is OutcomeClass.NOT_SENT
        assert told.asked == [FIRST, SPARE]
        told.now_ms += 121_000
        told.banned = set()
        await told.port.submit(CLOSE)
        assert told.asked[-1] == FIRST, "the ban is over"


async def test_a_spare_that_is_banned_too_makes_way_for_the_next_and_then_all_wait() -> None:
    async with door(FIRST, SPARE, OTHER) as told:
        told.banned = {FIRST, SPARE, OTHER}
        for _ in range(4):
            outcome = await told.port.submit(CLOSE)
        assert told.asked == [FIRST, SPARE, OTHER]
        assert outcome.retry_after_s == 120.0


async def test_a_key_that_is_not_bound_to_a_spare_is_not_a_refused_key() -> None:
    async with door(FIRST, SPARE, OTHER) as told:
        told.banned, told.forbidden = {FIRST}, {SPARE}
        await told.port.submit(CLOSE)
        outcome = await told.port.submit(CLOSE)
        assert (outcome.kind, outcome.code) == (OutcomeClass.NOT_SENT, None)
        assert (await told.port.submit(CLOSE)).code == -2022, "the next one takes it"
        assert told.asked == [FIRST, SPARE, OTHER]


async def test_a_key_that_the_first_address_is_refused_for_is_refused() -> None:
    async with door(FIRST, SPARE) as told:
        told.forbidden = {FIRST}
        assert (await told.port.submit(CLOSE)).code == -2015


async def test_with_one_address_the_system_chooses_it_and_a_ban_holds_everything_back() -> None:
    async with door(SPARE) as told:
        told.banned = {FIRST}
        await told.port.submit(CLOSE)
        await told.port.submit(CLOSE)
        assert told.asked == [FIRST]


def test_only_addresses_of_this_machine_are_used() -> None:
    assert ours(("203.0.113.7", FIRST, "2001:db8::1", SPARE)) == (FIRST, SPARE)
