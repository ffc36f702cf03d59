"""Events on their way to the product: signed, retried, and on order doubled, mixed or late."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

import aiohttp

from billing.standin.state import Obj, State
from cryptosystems.kernel.retry import Backoff

_BACKOFF: Final = Backoff(first_s=0.5, cap_s=60.0)
_TRY_FOR_S: Final = 3 * 86_400
_ANSWER_WITHIN_S: Final = 10.0
_LOOK_EVERY_S: Final = 1.0


@dataclass(slots=True)
class WebhookFaults:
    """What goes wrong on the way, for tests."""

    copies: int = 1
    """How often each event is sent."""
    is_shuffled: bool = False
    """Whether events that are due together arrive in any order."""
    delay_s: float = 0.0
    """How long an event waits before it is first sent."""
    seed: int = 1
    is_held: bool = False
    """Whether nothing is sent at all, until this is taken back."""


def signature(payload: str, secret: str, at: int) -> str:
    """Return the header by which the product knows that an event is ours."""
    signed = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


@dataclass(slots=True)
class Courier:
    """Sends what waits, in the background."""

    state: State
    url: str
    secret: str
    faults: WebhookFaults
    changed: Callable[[], None]
    """Called when the state has to be kept."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.faults.seed)

    def wake(self) -> None:
        """Look now whether something waits."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        if not self.url:
            self.state.deliveries.clear()
        timeout = aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._wake.clear()
                due = self._due()
                for delivery in due:
                    await self._deliver(session, delivery)
                if due:
                    self.changed()
                    continue
                await self._rest()

    def _due(self) -> list[Obj]:
        if not self.url:
            self.state.deliveries.clear()
        if self.faults.is_held:
            return []
        now = self.state.wall()
        late = self.faults.delay_s
        due = [
            each
            for each in self.state.deliveries
            if each["due"] + (0 if each["attempts"] else late) <= now
        ]
        if self.faults.is_shuffled:
            self._random.shuffle(due)
        return due

    async def _rest(self) -> None:
        now = self.state.wall()
        waits = [each["due"] + self.faults.delay_s - now for each in self.state.deliveries]
        wait_s = max(0.01, min([_LOOK_EVERY_S, *waits])) if waits else _LOOK_EVERY_S
        # Not `wait_for`: Python 3.11's can lose a cancellation that meets a wake-up.
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Obj) -> None:
        event = self.state.objects.get(delivery["event"])
        taken = event is not None
        if event is not None:
            payload = json.dumps(self.state.render(event), indent=2)
            for _ in range(max(1, self.faults.copies)):
                taken = await self._post(session, payload) and taken
        if taken or delivery not in self.state.deliveries:
            self._done(delivery, event)
            return
        delivery["attempts"] += 1
        began: float = delivery["since"]
        due = self.state.wall() + _BACKOFF.pause_s(delivery["attempts"], self._random)
        delivery["due"] = due
        if due > began + _TRY_FOR_S:
            self._done(delivery, None)

    def _done(self, delivery: Obj, event: Obj | None) -> None:
        if delivery in self.state.deliveries:
            self.state.deliveries.remove(delivery)
        if event is not None:
            event["pending_webhooks"] = 0

    async def _post(self, session: aiohttp.ClientSession, payload: str) -> bool:
        # The product judges the age of a signature by the machine's clock, not by a test clock.
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self.secret, int(self.state.wall())),
            "User-Agent": "Stripe/1.0 (stand-in)",
        }
        try:
            async with session.post(
                self.url, data=payload.encode(), headers=headers, allow_redirects=False
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False
