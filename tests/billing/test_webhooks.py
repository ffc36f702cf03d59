"""What comes in at the door for signed events, and what does not."""

import json
import random
import time
from typing import Any

import pytest
import stripe
from django.test import Client

from billing.models import ProviderEvent
from billing.services import customers, inbox
from billing.webhooks import LARGEST
from tests.support.payments import Payments
from tests.support.people import person
from tests.support.threads import together

URL = "/billing/webhook"
NEW, OLD = "whsec_new", "whsec_old"
pytestmark = pytest.mark.django_db


def event(**changes: Any) -> dict[str, Any]:
    """Return an event as Stripe writes it."""
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28",
        "created": int(time.time()),
        "livemode": False,
        "type": "customer.subscription.updated",
        "data": {
            "object": {
                "id": "sub_1",
                "object": "subscription",
                "customer": "cus_1",
                "customer_email": "alice@example.org",
            }
        },
        **changes,
    }


def signed(body: str, secret: str = NEW, at: int | None = None) -> str:
    return stripe.WebhookSignature.generate_signature_header(body, secret, at)


def post(body: str | bytes, signature: str | None) -> Any:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return Client(enforce_csrf_checks=True).post(
        URL, body, content_type="application/json", headers=headers
    )


def test_a_signed_event_is_stored_and_answered_without_asking_anybody(payments: Payments) -> None:
    body = json.dumps(event())

    answer = post(body, signed(body))

    assert (answer.status_code, answer.json()) == (200, {"received": True, "new": True})
    row = ProviderEvent.objects.get()
    assert (row.provider_id, row.customer_id, row.state) == ("evt_1", "cus_1", "waiting")
    assert "alice" not in json.dumps(row.payload), "what identifies people is not kept"
    assert payments.calls == []


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_both_secrets_hold_while_they_are_rolled(payments: Payments, secret: str) -> None:
    body = json.dumps(event())

    assert post(body, signed(body, secret)).status_code == 200


def test_a_doubled_event_is_stored_once(payments: Payments) -> None:
    body = json.dumps(event())

    answers = [post(body, signed(body)).json()["new"] for _ in range(3)]

    assert answers == [True, False, False]
    assert ProviderEvent.objects.count() == 1


def _refused() -> dict[str, tuple[str, str | None]]:
    good = json.dumps(event())
    now = int(time.time())
    spaced = json.dumps(event(), indent=1)
    live = json.dumps(event(livemode=True))
    connect = json.dumps(event(account="acct_other"))
    no_mode = json.dumps({k: v for k, v in event().items() if k != "livemode"})
    cases = {
        "no signature": (good, None),
        "an empty one": (good, ""),
        "nonsense": (good, "t=1,v1=ü"),
        "no time": (good, signed(good).partition(",")[2]),
        "another secret": (good, signed(good, "whsec_else")),
        "no secret": (good, signed(good, "")),
        "301 s old": (good, signed(good, at=now - 301)),
        "from the future": (good, signed(good, at=now + 330)),
        "serialised anew": (spaced, signed(good)),
        "of live mode": (live, signed(live)),
        "of another account": (connect, signed(connect)),
        "of no mode": (no_mode, signed(no_mode)),
        "no JSON": ("{", signed("{")),
        "a list": ("[]", signed("[]")),
        "a number": ("7", signed("7")),
        "no object": ('{"id":"evt_1","object":"event"}', signed('{"id":"evt_1","object":"event"}')),
    }
    for name, change in {
        "object is text": {"data": {"object": "x"}},
        "time is text": {"created": "soon"},
        "time is beyond time": {"created": 10**18},
        "long id": {"id": "evt_" + "1" * 80},
        "no id": {"id": ""},
    }.items():
        body = json.dumps(event(**change))
        cases[name] = (body, signed(body))
    return cases


@pytest.mark.parametrize("name", _refused())
def test_what_cannot_be_believed_is_refused_and_not_stored(payments: Payments, name: str) -> None:
    body, signature = _refused()[name]

    answer = post(body, signature)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] in ("bad_signature", "bad_event")
    assert not ProviderEvent.objects.exists()


def test_an_event_of_test_mode_is_refused_where_money_is_real(
    payments: Payments, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_live_x"
    tested, real = json.dumps(event()), json.dumps(event(livemode=True))

    assert post(tested, signed(tested)).status_code == 400
    assert post(real, signed(real)).status_code == 200


def test_without_secrets_nothing_is_believed(payments: Payments, settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ()
    body = json.dumps(event())

    assert post(body, signed(body, "whsec_new")).status_code == 400


def test_any_changed_byte_is_noticed(payments: Payments) -> None:
    good = json.dumps(event())
    signature = signed(good)
    draw = random.Random(7)

    for _ in range(200):
        at = draw.randrange(len(good))
        other = draw.choice([c for c in map(chr, range(32, 127)) if c != good[at]])
        changed = good[:at] + other + good[at + 1 :]
        assert post(changed, signature).status_code == 400

    assert not ProviderEvent.objects.exists()
    assert post(good, signature).status_code == 200


def test_a_huge_body_is_refused(payments: Payments) -> None:
    largest = json.dumps(event(padding=""))
    largest = json.dumps(event(padding="x" * (LARGEST - len(largest))))
    assert len(largest) == LARGEST
    larger = largest + " "

    assert post(larger, signed(larger)).status_code == 413
    assert not ProviderEvent.objects.exists()
    assert post(largest, signed(largest)).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_events_are_posted(payments: Payments, method: str) -> None:
    answer = getattr(Client(), method)(URL)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_a_type_nobody_knows_is_parked(payments: Payments) -> None:
    body = json.dumps(
        event(type="product.created", data={"object": {"id": "p", "object": "product"}})
    )
    assert post(body, signed(body)).status_code == 200

    assert inbox.sweep() == 1

    row = ProviderEvent.objects.get()
    assert (row.state, row.note) == ("parked", "it names no customer")


def test_a_customer_of_nobody_is_parked(payments: Payments) -> None:
    body = json.dumps(event())
    post(body, signed(body))

    inbox.sweep()

    assert ProviderEvent.objects.get().note == "no user of ours is cus_1"


@pytest.mark.django_db(transaction=True)
def test_a_stored_event_wakes_a_worker_after_the_commit(payments: Payments) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id, alice.email)
    customers.adopt(alice.id, theirs.id)
    body = json.dumps(event(data={"object": {"id": theirs.id, "object": "customer"}}))

    assert post(body, signed(body)).status_code == 200

    assert ProviderEvent.objects.get().state == "done"
    assert payments.calls == ["snapshot"]


@pytest.mark.django_db(transaction=True)
def test_the_same_event_at_once_is_stored_once(payments: Payments) -> None:
    body = json.dumps(event())

    codes = together(*[lambda: post(body, signed(body)).status_code for _ in range(4)])

    assert codes == [200] * 4
    assert ProviderEvent.objects.count() == 1
