"""A socket as a page opens it, on a hub that listens to the bus."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from accounts.models import User
from signals.delivery import hub
from signals.delivery.routing import websocket_urlpatterns
from tests.support.servers import until

HOST: Final = "testserver"
OWN: Final = f"http://{HOST}"
HOME: Final = "203.0.113.9"


class Browser:
    """One socket, spoken to as a page does."""

    def __init__(
        self,
        user: Any = None,
        session: Any = None,
        origin: str | None = OWN,
        host: str = HOST,
        address: str = HOME,
    ) -> None:
        headers = [(b"host", host.encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        scope = {
            "type": "websocket",
            "path": "/ws/stream",
            "scheme": "ws",
            "client": (address, 5000),
            "headers": headers,
            "query_string": b"",
            "subprotocols": [],
            "user": user or AnonymousUser(),
            "session": session,
        }
        self.socket = ApplicationCommunicator(URLRouter(websocket_urlpatterns), scope)

    async def knock(self) -> dict[str, Any]:
        """Ask to be let in and return the answer."""
        await self.socket.send_input({"type": "websocket.connect"})
        answer: dict[str, Any] = await self.socket.receive_output(5)
        return answer

    async def open(self) -> None:
        assert (await self.knock())["type"] == "websocket.accept"

    async def next(self) -> dict[str, Any]:
        """Return what the server does next, a frame or a close."""
        event: dict[str, Any] = await self.socket.receive_output(10)
        return event

    async def say(self, **order: Any) -> None:
        await self.write(json.dumps(order))

    async def write(self, text: str) -> None:
        await self.socket.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads((await self.socket.receive_output(5))["text"])
        return frame

    async def close(self) -> None:
        await self.socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.socket.wait(5)


@asynccontextmanager
async def listening() -> AsyncIterator[hub.Hub]:
    """Let this loop's hub listen to the bus, and end with the block."""
    one = hub.hub_of_this_loop()
    await until(lambda: one.is_connected)
    try:
        yield one
    finally:
        await one.stop()
        hub.forget_hub()


@asynccontextmanager
async def browser(user: Any = None, session: Any = None, **more: Any) -> AsyncIterator[Browser]:
    """Open a socket on a hub that listens to the bus."""
    one = Browser(user, session, **more)
    await one.open()
    async with listening():
        try:
            yield one
        finally:
            await one.close()


async def session_of(user: User) -> tuple[Client, SessionStore]:
    """Sign somebody in; return their browser and the session their sockets carry."""

    def sign_in() -> tuple[Client, SessionStore]:
        client = Client()
        client.force_login(user)
        return client, SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value)

    return await sync_to_async(sign_in)()
