"""A socket to the user stream, and all it has heard."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.support.exchange_process import Venue, Who
from tests.support.servers import until


class Hearing:
    """What a private socket was sent."""

    def __init__(self, venue: Venue, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._venue = venue
        self.socket = socket
        self.heard: list[Any] = []

    async def listen(self) -> None:
        async for message in self.socket:
            self.heard.append(json.loads(message.data))

    @property
    def events(self) -> list[Any]:
        """Return payloads, unwrapped."""
        return [m.get("data", m) for m in self.heard if "e" in m.get("data", m)]

    def kinds(self) -> list[str]:
        return [event["e"] for event in self.events]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event["e"] == kind]

    async def wait(self, kind: str, count: int = 1) -> list[Any]:
        """Wait until so many events of a kind were heard; return them."""
        await until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)

    async def all_so_far(self) -> list[str]:
        """Return the kinds heard, sure that nothing is still on its way."""
        number = len(self.heard) + 1_000
        await self.socket.send_str(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        await until(lambda: any(m.get("id") == number for m in self.heard))
        return self.kinds()


def listen_key(who: Who, method: str = "POST") -> str:
    answer = who.venue.http.request(
        method, "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": who.api_key}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json().get("listenKey", ""))


@asynccontextmanager
async def hearing(venue: Venue, path: str) -> AsyncIterator[Hearing]:
    async with aiohttp.ClientSession(venue.base_url) as session:
        socket = await session.ws_connect(path)
        made = Hearing(venue, socket)
        task = asyncio.create_task(made.listen())
        try:
            await made.all_so_far()
            made.heard.clear()
            yield made
        finally:
            await socket.close()
            await task
