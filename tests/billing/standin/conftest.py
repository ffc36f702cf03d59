"""A stand-in, Stripe's own client, and somebody who takes the events."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import stripe

from tests.support.stripe_standin import (
    PRICE_ID,
    WEBHOOK_SECRET,
    RunningStandIn,
    stripe_standin,
)
from tests.support.waiting import wait_until

START = 1_764_547_200
"""1 December 2025, 00:00 UTC."""
DAY = 86_400


@dataclass
class Inbox:
    """Takes webhooks as the product would, checking each signature."""

    url: str = ""
    events: list[Any] = field(default_factory=list)
    refuse: int = 0
    """How many are answered with an error before one is taken."""

    def types(self) -> list[str]:
        """Return the types in the order they came."""
        return [event.type for event in self.events]

    def take(self, payload: bytes, signature: str) -> int:
        """Check and keep an event; return the status of the answer."""
        event = stripe.Webhook.construct_event(payload, signature, WEBHOOK_SECRET)
        if self.refuse > 0:
            self.refuse -= 1
            return 503
        self.events.append(event)
        return 200


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """Listen for events."""
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(box.take(body, self.headers["Stripe-Signature"]))
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    box.url = f"http://127.0.0.1:{server.server_port}/billing/webhook"
    yield box
    server.shutdown()
    server.server_close()


class Shop:
    """What a test does with a stand-in: as the product, and as a person with a browser."""

    def __init__(self, standin: RunningStandIn, inbox: Inbox) -> None:
        self.standin = standin
        self.inbox = inbox
        self.stripe = standin.client()
        self.browser = httpx.Client(base_url=standin.base_url)

    def clock(self, frozen: int = START) -> str:
        """Make a test clock."""
        return self.stripe.v1.test_helpers.test_clocks.create({"frozen_time": frozen}).id

    def customer(self, email: str = "alice@example.org", **more: Any) -> str:
        """Make a customer."""
        return self.stripe.v1.customers.create({"email": email, **more}).id

    def checkout(self, customer: str, **more: Any) -> stripe.checkout.Session:
        """Begin a checkout."""
        order: Any = {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": PRICE_ID, "quantity": 1}],
            "success_url": "http://127.0.0.1:8000/account/billing?from={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://127.0.0.1:8000/ai-trading/plans-pricing",
            "allow_promotion_codes": True,
            **more,
        }
        return self.stripe.v1.checkout.sessions.create(order)

    def press(
        self, url: str | None, button: str, value: str = "1", **fields: str
    ) -> httpx.Response:
        """Open a page and press one of its buttons."""
        assert url is not None
        page = self.browser.get(url)
        assert f'name="{button}" value="{value}"' in page.text, page.text
        token = re.search(r'name="token" value="([0-9a-f]+)"', page.text)
        assert token is not None
        return self.browser.post(url, data={"token": token[1], button: value, **fields})

    def portal(self, customer: str) -> str:
        """Open the portal."""
        made = self.stripe.v1.billing_portal.sessions.create(
            {"customer": customer, "return_url": "http://127.0.0.1:8000/account/billing"}
        )
        return made.url

    def subscriber(self, *, clock: str = "", **more: Any) -> str:
        """Make a customer who has paid; return the customer's id."""
        customer = self.customer(**({"test_clock": clock} if clock else {}))
        answer = self.press(self.checkout(customer, **more).url, "pay")
        assert answer.status_code == 303, answer.text
        return customer

    def subscription(self, customer: str) -> stripe.Subscription:
        """Return the one subscription of a customer."""
        found = self.stripe.v1.subscriptions.list({"customer": customer, "status": "all"}).data
        assert len(found) == 1
        return found[0]

    def invoices(self, customer: str) -> list[stripe.Invoice]:
        """Return the invoices of a customer, the newest first, with what paid them."""
        return self.stripe.v1.invoices.list(
            {"customer": customer, "expand": ["data.payments"]}
        ).data

    def advance(self, clock: str, to: int) -> None:
        """Move a test clock."""
        self.stripe.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": to})

    def events(self) -> list[str]:
        """Return the types of all events that the product has taken, once none waits."""
        wait_until(self.standin.has_delivered)
        return self.inbox.types()


@pytest.fixture
def shop(inbox: Inbox) -> Iterator[Shop]:
    """Run a stand-in whose events reach the inbox."""
    with stripe_standin(webhook_url=inbox.url) as standin:
        made = Shop(standin, inbox)
        yield made
        made.browser.close()
