"""Two people do 2,000 things at random; nothing that leaves the product mixes them up."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from billing.providers import replaced
from tests.console.conftest import staff_member
from tests.support.payments import PRICE, Payments
from tests.support.people import signed_in
from tests.support.sockets import Browser, listening
from tests.tenancy.walk import Tenant, Walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

STEPS: Final = 2_000
SOCKET_EVERY: Final = 10
"""At every so many steps both listen anew, with whatever session they have."""
HAPPENED: Final = {
    "sign in 302",
    "mistyped 200",
    "sign out 302",
    "look 200",
    "settings 302",
    "settings 400",
    "token 200",
    "revoke 302",
    "api by token 200",
    "api by session 200",
    "data 200",
    "delete 302",
    "stay 302",
    "checkout 303",
    "done 200",
    "cancel 303",
    "keep 303",
    "webhook 200",
    "staff extend-trial 302",
    "staff give-access 302",
    "staff fetch-payments 302",
    "staff end-sessions 302",
    "staff deactivate 302",
    "staff reactivate 302",
    "staff page 200",
    "staff export 200",
    "reach 404",
    "lost 404",
    "forged 403",
    "fault 500",
    "reset 302",
    "swept",
}


@pytest.fixture
async def walk(settings: Any) -> AsyncIterator[Walk]:
    settings.STRIPE_SECRET_KEY = "sk_standin_tests"
    settings.STRIPE_PRICE_ID = PRICE
    settings.STRIPE_WEBHOOK_SECRETS = ("whsec_walk",)
    # Mails go their whole way: a row, a task, and the test runner's mailbox last.
    settings.EMAIL_BACKEND = "cryptosystems.platform.mail.OutboxBackend"
    payments = Payments()

    def begin() -> Walk:
        boss = signed_in(staff_member("boss", is_superuser=True))
        return Walk(payments, boss, seed=20261125)

    with replaced(payments):
        made = await sync_to_async(begin)()
        logging.getLogger().addHandler(made.ears)
        yield made
        logging.getLogger().removeHandler(made.ears)


class Listener:
    """One tenant's socket, and what came over it."""

    def __init__(self, owner: Tenant) -> None:
        self.owner = owner
        self.frames: list[str] = []
        self.socket: Browser | None = None

    async def listen_anew(self) -> None:
        """Open a socket with the session of now, and follow one's account."""
        await self.hang_up()
        cookie = self.owner.browser.cookies.get(settings.SESSION_COOKIE_NAME)
        session = SessionStore(cookie.value) if cookie else None
        is_in = session is not None and await sync_to_async(session.get)("_auth_user_id")
        self.socket = Browser(self.owner.user if is_in else None, session, address="192.0.2.1")
        await self.socket.open()
        await self.socket.say(op="subscribe", topics=["account", "status"])

    def hear(self) -> None:
        """Take what has come."""
        while self.socket is not None and not self.socket.socket.output_queue.empty():
            event = self.socket.socket.output_queue.get_nowait()
            self.frames.append(event.get("text") or json.dumps(event))

    async def hang_up(self) -> None:
        if self.socket is not None:
            self.hear()
            await self.socket.close()
            self.hear()
        self.socket = None


async def test_two_tenants_never_meet(walk: Walk) -> None:
    one, two = (Listener(owner) for owner in walk.tenants)
    async with listening():
        for number in range(STEPS):
            if number % SOCKET_EVERY == 0:
                for listener in (one, two):
                    await listener.listen_anew()
            await sync_to_async(walk.step)()
            await asyncio.sleep(0)  # lets the sockets pass on what they were told
            for listener, other in ((one, two), (two, one)):
                listener.hear()
                for text in listener.frames[-20:]:
                    found = [mark for mark in other.owner.marks if mark in text]
                    assert not found, f"{listener.owner.word} heard {found}: {text}"
        for listener in (one, two):
            await listener.hang_up()
    told = [sum('"state"' in text for text in listener.frames) for listener in (one, two)]
    assert min(told) > 20, "both heard of their own accounts"
    assert walk.own > STEPS / 10, "the search for marks finds what is there"
    missed = {what for what in HAPPENED if not walk.done[what]}
    assert not missed, f"the walk never came to these: {missed}"
    assert all(walk.kinds[kind] > 20 for kind in ("mail", "task", "cache", "log"))
