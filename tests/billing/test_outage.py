"""The payment provider is down for an hour: nobody who is in notices it at any door."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from billing import api, tasks
from billing.contracts import State
from billing.models import Customer, ProviderEvent
from billing.services import customers, inbox, sync, trials
from cryptosystems.kernel.errors import RetryLater
from tests.support.payments import NOON, Payments
from tests.support.people import person

DOWN = RetryLater("Payments do not answer right now.", after_s=60)
HOUR = timedelta(hours=1)


@pytest.mark.django_db
def test_an_hour_without_payments(payments: Payments) -> None:
    alice = person("alice", verified_at=NOON - timedelta(days=30))
    bob = person("bob", verified_at=NOON)
    theirs = payments.add_customer(alice.id)
    customers.adopt(alice.id, theirs.id)
    made = payments.subscribe(theirs.id)
    sync.sync_user(alice.id)
    inbox.sweep()
    payments.trouble = DOWN
    payments.end(made.id)  # it happens there, and the hint comes in here
    inbox.store(payments.events[-1], lambda pk: None, NOON)

    for minutes in range(0, 61, 5):
        now = NOON + timedelta(minutes=minutes)
        inbox.sweep(now)
        assert api.entitlements_for(alice.id, now).state is State.ACTIVE
        assert api.entitlements_for(bob.id, now).state is State.TRIAL

    assert "do not answer right now" in api.billing_view(alice.id).provider_trouble
    assert api.billing_view(bob.id).provider_trouble == ""
    for act in (
        lambda: api.start_checkout(
            bob.id,
            plan_slug="all-access",
            success_url="https://a.test",
            cancel_url="https://a.test",
        ),
        lambda: api.open_portal(alice.id, return_url="https://a.test"),
        lambda: api.cancel_subscription(alice.id),
    ):
        with pytest.raises(RetryLater, match="do not answer right now"):
            act()
    newcomer = person("newcomer", verified_at=NOON + HOUR)
    trials.make_missing()
    assert api.entitlements_for(newcomer.id, NOON + HOUR).state is State.TRIAL
    client = Client()
    client.force_login(User.objects.get(pk=alice.pk))
    assert client.get("/healthz").status_code == 200
    tasks.reconcile_all()
    tasks.reconcile_changed()
    waiting = ProviderEvent.objects.get()
    assert waiting.state == "waiting" and waiting.attempts > 3

    payments.trouble = None
    inbox.sweep(waiting.next_try_at)

    back = api.entitlements_for(alice.id, NOON + 2 * HOUR)
    assert (back.state, back.code) == (State.ENDED, "subscription_ended")
    assert api.billing_view(alice.id).provider_trouble == ""


@pytest.mark.django_db
def test_a_page_that_could_not_be_refreshed_is_fetched_within_the_hour(payments: Payments) -> None:
    alice = person("alice", verified_at=datetime(2026, 9, 1, tzinfo=UTC))
    theirs = payments.add_customer(alice.id)
    customers.adopt(alice.id, theirs.id)
    payments.subscribe(theirs.id)
    payments.events.clear()
    payments.trouble = DOWN
    with pytest.raises(RetryLater):
        api.sync_user(alice.id)
    assert Customer.objects.for_user(alice.id).get().trouble == "retry_later"

    payments.trouble = None
    tasks.reconcile_changed()

    assert Customer.objects.for_user(alice.id).get().trouble == ""
    assert api.entitlements_for(alice.id).state is State.ACTIVE
