"""Events on their way: signed, tried again, doubled, mixed, late, and kept over a restart."""

from pathlib import Path

import httpx
import pytest
import stripe

from billing.standin.webhooks import WebhookFaults
from tests.billing.standin.conftest import Inbox, Shop
from tests.support.stripe_standin import stripe_standin
from tests.support.waiting import wait_until


def test_an_event_is_sent_again_until_it_is_taken(shop: Shop) -> None:
    shop.inbox.refuse = 2
    shop.customer()
    assert shop.events() == ["customer.created"]
    assert shop.inbox.refuse == 0
    [event] = shop.stripe.v1.events.list().data
    assert event.pending_webhooks == 0


def test_a_changed_body_does_not_carry_the_signature(shop: Shop) -> None:
    taken: list[bool] = []
    honest = shop.inbox.take

    def meddle(payload: bytes, signature: str) -> int:
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(
                payload.replace(b"alice", b"malice"), signature, "whsec_tests"
            )
        taken.append(True)
        return honest(payload, signature)

    shop.inbox.take = meddle  # type: ignore[method-assign]
    shop.customer()
    assert shop.events() and taken


def test_events_come_twice_and_in_any_order_if_asked_for(inbox: Inbox) -> None:
    faults = WebhookFaults(copies=2, is_shuffled=True, is_held=True)
    with stripe_standin(webhook_url=inbox.url, faults=faults) as standin:
        shop = Shop(standin, inbox)
        shop.subscriber()
        assert inbox.events == []
        made = [event["id"] for event in reversed(standin.objects("event"))]
        faults.is_held = False
        standin.call(lambda server: server._courier.wake())
        wait_until(standin.has_delivered)
        came = [event.id for event in inbox.events]
        assert sorted(came) == sorted(made * 2)
        assert list(dict.fromkeys(came)) != made


def test_late_events_wait(inbox: Inbox) -> None:
    with stripe_standin(webhook_url=inbox.url, faults=WebhookFaults(delay_s=0.3)) as standin:
        shop = Shop(standin, inbox)
        shop.customer()
        assert not standin.has_delivered()
        assert shop.events() == ["customer.created"]


def test_a_restart_keeps_everything_and_sends_what_was_left(tmp_path: Path, inbox: Inbox) -> None:
    kept = tmp_path / "stripe" / "state.json"
    faults = WebhookFaults(is_held=True)
    with stripe_standin(webhook_url=inbox.url, storage=kept, faults=faults) as standin:
        shop = Shop(standin, inbox)
        customer = shop.subscriber()
        before = shop.subscription(customer).to_dict()
        portal = shop.portal(customer)
        old_address = standin.base_url
        key = {"idempotency_key": "cust:a"}
        first = shop.stripe.v1.customers.create({"email": "b@example.org"}, key)  # type: ignore[arg-type]
    assert inbox.events == []
    with stripe_standin(webhook_url=inbox.url, storage=kept) as standin:
        shop = Shop(standin, inbox)
        assert shop.subscription(customer).to_dict() == before
        again = shop.stripe.v1.customers.create({"email": "b@example.org"}, key)  # type: ignore[arg-type]
        assert again.id == first.id
        assert "checkout.session.completed" in shop.events()
        page = httpx.get(portal.replace(old_address, standin.base_url))
        assert page.status_code == 200
        [invoice] = shop.invoices(customer)
        assert str(invoice.hosted_invoice_url).startswith(standin.base_url)
    assert list(kept.parent.iterdir()) == [kept]
