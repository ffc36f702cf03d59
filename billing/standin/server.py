"""The stand-in as one process: Stripe's API, the hosted pages, and signed webhooks, on loopback."""

import asyncio
import ipaddress
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from billing.standin import catalogue, storage, timeline
from billing.standin.api import Api, Call
from billing.standin.faults import ApiFaults, Cut
from billing.standin.site import Site
from billing.standin.state import API_VERSION, State
from billing.standin.subscriptions import Dunning
from billing.standin.webhooks import Courier, WebhookFaults

KEY_PREFIX: Final = "sk_standin"
_TICK_S: Final = 1.0
_MOST_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class StandInConfig:
    """What a stand-in is started with."""

    secret_key: str = "sk_standin_local"  # noqa: S105 - opens nothing but this stand-in
    webhook_url: str = ""
    webhook_secret: str = "whsec_standin"  # noqa: S105
    storage: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    dunning: Dunning = field(default_factory=Dunning)
    faults: WebhookFaults = field(default_factory=WebhookFaults)
    wall: Callable[[], float] = field(default=time.time, compare=False)


class StandInServer:
    """Start it, talk Stripe to `base_url`, stop it."""

    def __init__(self, config: StandInConfig) -> None:
        if not config.secret_key.startswith(KEY_PREFIX):
            raise ValueError(f"the stand-in's key begins with {KEY_PREFIX}")
        if not ipaddress.ip_address(config.host).is_loopback:
            raise ValueError(f"the stand-in listens on loopback only, not on {config.host}")
        self.config = config
        self.state = State(config.wall)
        self.base_url = ""
        self.faults = ApiFaults()
        self._api = Api(self.state, config.secret_key, config.dunning)
        self._site = Site(self.state, config.dunning)
        self._courier = Courier(
            self.state, config.webhook_url, config.webhook_secret, config.faults, self._keep
        )
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        """Load what was kept, open the port; return the base address."""
        if self.config.storage is not None:
            storage.load(self.state, self.config.storage)
        catalogue.stock(self.state)
        app = web.Application(client_max_size=_MOST_BYTES, middlewares=[self._guard])
        app.router.add_route("*", "/{where:v1|_standin}/{rest:.+}", self._answer)
        app.router.add_route("*", "/{path:.*}", self._page)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=0.5
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self.config.host, self.config.port).start()
        port = self._runner.addresses[0][1]
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        self.base_url = self.state.base_url = f"http://{host}:{port}"
        self._keep()
        self._tasks = [
            asyncio.create_task(self._courier.run()),
            asyncio.create_task(self._tick()),
        ]
        return self.base_url

    async def run_until(self, ended: asyncio.Event) -> None:
        """Serve until `ended` is set; a part that stopped by itself raises what stopped it."""
        waiting = asyncio.create_task(ended.wait())
        try:
            done, _ = await asyncio.wait(
                {waiting, *self._tasks}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Close the port and keep the state; what waits is sent after the next start."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._runner is not None:
            await self._runner.cleanup()
        self._keep()

    # --- time and keeping -----------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            self._let_time_pass()
            self._settle()
            await asyncio.sleep(_TICK_S)

    def _let_time_pass(self) -> None:
        timeline.let_pass(self.state, self.config.dunning)
        self.state.forget_old()

    def _settle(self) -> None:
        """Keep and send what a step has brought."""
        if self.state.is_dirty:
            self._keep()
        if self.state.deliveries:
            self._courier.wake()

    def _keep(self) -> None:
        if self.config.storage is not None:
            storage.save(self.state, self.config.storage)
        self.state.is_dirty = False

    # --- requests -------------------------------------------------------------------------------

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer to our own address only: a name that leads here is somebody else's."""
        own = urlsplit(self.base_url).netloc
        port = own.rpartition(":")[2]
        if request.headers.get("Host") not in (own, f"localhost:{port}"):
            return web.Response(status=421, text="The stand-in answers to its own address only.")
        answer = await handler(request)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        # Not `no-referrer`: browsers would then send our own forms with `Origin: null`.
        answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode("utf-8", "replace")
        pairs = parse_qsl(request.query_string, keep_blank_values=True)
        pairs += parse_qsl(body, keep_blank_values=True)
        call = Call(
            request.method,
            request.path,
            pairs,
            re.sub("^Bearer ", "", request.headers.get("Authorization", "")),
            request.headers.get("Idempotency-Key", ""),
        )
        try:
            fault = await self.faults.before(call)
            if fault is not None:
                return fault
            self._let_time_pass()
            status, found, is_again = self._api.answer(call)
            self._settle()
            self.faults.after(call)
        except Cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        answer = web.json_response(found, status=status)
        answer.headers["Stripe-Version"] = API_VERSION
        answer.headers["Request-Id"] = call.request_id
        if is_again:
            answer.headers["Idempotent-Replayed"] = "true"
        return answer

    async def _page(self, request: web.Request) -> web.StreamResponse:
        form: dict[str, str] = {}
        if request.method == "POST":
            origin = request.headers.get("Origin")
            if origin not in (None, self.base_url, f"http://{request.headers['Host']}"):
                return web.Response(status=403, text="This form was sent from another site.")
            form = {name: str(value) for name, value in (await request.post()).items()}
        self._let_time_pass()
        answer = self._site.answer(request.method, request.path, form)
        self._settle()
        response = web.Response(
            status=answer.status, body=answer.body, headers=dict(answer.headers)
        )
        return response
