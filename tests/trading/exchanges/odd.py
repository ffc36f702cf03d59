"""A server that says what a test tells it to say."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from trading.contracts import Venue
from trading.exchanges.addresses import addresses_of
from trading.exchanges.client import FuturesClient

NOW_MS = 1_764_010_800_000


@asynccontextmanager
async def serving_json(told: Mapping[str, Any]) -> AsyncIterator[FuturesClient]:
    """Answer each path with what `told` holds for it then, and 404 for others."""

    async def answer(request: web.Request) -> web.Response:
        if request.path not in told:
            return web.json_response({"code": -5000, "msg": "Path is invalid"}, status=404)
        return web.json_response(told[request.path])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = FuturesClient(
        addresses_of(Venue.SIMULATED, url, url.replace("http", "ws")), lambda: NOW_MS
    )
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()
