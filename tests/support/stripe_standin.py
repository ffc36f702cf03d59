"""The Stripe stand-in in a thread of this process, for tests that are not asynchronous."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import stripe

from billing.standin.server import StandInConfig, StandInServer
from billing.standin.state import Obj

KEY = "sk_standin_tests"
WEBHOOK_SECRET = "whsec_tests"  # opens nothing but this stand-in
PRICE_ID = "price_standin_monthly"
Found = TypeVar("Found")


@dataclass(slots=True)
class RunningStandIn:
    """A stand-in that answers at `base_url`."""

    server: StandInServer
    _loop: asyncio.AbstractEventLoop

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return self.server.base_url

    def client(self, key: str = "") -> stripe.StripeClient:
        """Return Stripe's own client, pointed here."""
        return stripe.StripeClient(
            key or self.server.config.secret_key,
            base_addresses={"api": self.base_url},
            max_network_retries=0,
        )

    def call(self, work: Callable[[StandInServer], Found]) -> Found:
        """Run something in the server's thread, where nothing else happens meanwhile."""

        async def run() -> Found:
            return work(self.server)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def objects(self, kind: str, **wanted: Any) -> list[Obj]:
        """Return what it holds of a kind, the newest first."""
        return self.call(lambda server: server.state.all(kind, **wanted))

    def has_delivered(self) -> bool:
        """Say whether every event has been taken by the product."""
        return self.call(lambda server: not server.state.deliveries)


@contextmanager
def stripe_standin(**options: Any) -> Iterator[RunningStandIn]:
    """Run a stand-in; options are those of `StandInConfig`."""
    settings: dict[str, Any] = {"secret_key": KEY, "webhook_secret": WEBHOOK_SECRET, **options}
    server = StandInServer(StandInConfig(**settings))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stripe-standin", daemon=True)
    thread.start()

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    try:
        wait(server.start())
        try:
            yield RunningStandIn(server, loop)
        finally:
            wait(server.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
