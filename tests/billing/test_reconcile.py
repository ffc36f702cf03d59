"""Rows are damaged in many ways; the nightly comparison finds, mends and lists every one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from billing import api
from billing.models import Customer, Invoice, ProviderEvent, Subscription
from billing.providers.port import ProviderRefused
from billing.services import inbox, reconcile, sync
from billing.services.customers import adopt
from cryptosystems.platform import leases
from tests.support.payments import NOON, Payments
from tests.support.people import person

LATER = NOON + timedelta(days=2)
pytestmark = pytest.mark.django_db


def subscriber(payments: Payments, name: str) -> User:
    """Return somebody with a paid subscription, known here as it is there."""
    user = person(name, verified_at=NOON - timedelta(days=30))
    theirs = payments.add_customer(user.id, user.email)
    adopt(user.id, theirs.id)
    payments.subscribe(theirs.id)
    sync.sync_user(user.id, NOON)
    return user


def settle(payments: Payments) -> None:
    """Let every event so far have come in and been worked."""
    for event in payments.events:
        inbox.store(event, lambda pk: None, NOON)
    inbox.sweep(NOON)


def _subscription(user: User, **fields: Any) -> None:
    assert Subscription.objects.for_user(user.id).update(**fields) == 1


def _invoice(user: User, **fields: Any) -> None:
    assert Invoice.objects.for_user(user.id).update(**fields) == 1


def _plant_subscription(user: User) -> None:
    held = Subscription.objects.for_user(user.id).get()
    held.pk, held.provider_id, held.status = None, f"sub_planted_{user.id.hex[:8]}", "active"
    held.save(force_insert=True)


def _wrong_customer(user: User) -> None:
    Customer.objects.for_user(user.id).update(provider_id=f"cus_wrong_{user.id.hex[:8]}")


DAMAGE: dict[str, tuple[Callable[[User], Any], str]] = {
    "status": (lambda u: _subscription(u, status="canceled"), "status"),
    "end of period": (lambda u: _subscription(u, period_ends_at=NOON), "period_ends_at"),
    "cancelled flag": (lambda u: _subscription(u, is_ending=True), "is_ending"),
    "price": (lambda u: _subscription(u, amount_minor=1), "amount_minor"),
    "refund flag": (lambda u: _subscription(u, is_refunded=True), "is_refunded"),
    "debt": (lambda u: _subscription(u, past_due_since=NOON), "past_due_since"),
    "subscription lost": (lambda u: Subscription.objects.for_user(u.id).delete(), "missing"),
    "subscription planted": (_plant_subscription, "unknown"),
    "invoice total": (lambda u: _invoice(u, total_minor=0), "total_minor"),
    "invoice status": (lambda u: _invoice(u, status="open"), "status"),
    "invoice lost": (lambda u: Invoice.objects.for_user(u.id).delete(), "missing"),
    "customer lost": (lambda u: Customer.objects.for_user(u.id).delete(), "unknown_customer"),
    "another customer": (_wrong_customer, "unknown"),
}


def test_every_kind_of_damage_is_found_mended_and_listed(payments: Payments) -> None:
    people = {
        (what, number): subscriber(payments, f"p{index}-{number}")
        for index, what in enumerate(DAMAGE)
        for number in range(2)
    }
    settle(payments)
    healthy = {user.id: _rows(user) for user in people.values()}
    assert reconcile.reconcile_all(LATER) == []
    for (what, _), user in people.items():
        DAMAGE[what][0](user)

    drifts = reconcile.reconcile_all(LATER)

    for (what, _), user in people.items():
        mine = [each for each in drifts if each.user_id == user.id]
        assert DAMAGE[what][1] in {each.what for each in mine}, what
        assert all(each.is_mended for each in mine)
        assert _rows(user) == healthy[user.id], what
    assert reconcile.reconcile_all(LATER) == []


def _rows(user: User) -> Any:
    own = ("id", "fetched_at", "synced_at", "fetch_number", "written_number", "created_at")
    return [
        {k: v for k, v in row.items() if k not in own}
        for model in (Customer, Subscription, Invoice)
        for row in model.objects.for_user(user.id).order_by("provider_id").values()
    ]


def test_two_running_subscriptions_of_one_person_are_listed(payments: Payments) -> None:
    alice = subscriber(payments, "alice")
    payments.subscribe(Customer.objects.for_user(alice.id).get().provider_id)
    settle(payments)

    doubles = [each for each in reconcile.reconcile_all(LATER) if each.what == "two_live"]

    assert {each.thing for each in doubles} == set(payments.subscriptions)
    assert not any(each.is_mended for each in doubles)


def test_a_running_subscription_of_nobody_is_listed(payments: Payments) -> None:
    stray = payments.add_customer(uuid4())
    made = payments.subscribe(stray.id)
    other = payments.add_customer(None)

    drifts = reconcile.reconcile_all(LATER)

    assert [(each.what, each.thing, each.user_id) for each in drifts] == [
        ("unknown_subscription", made.id, None)
    ]
    payments.end(made.id)
    assert reconcile.reconcile_all(LATER) == [], f"{other.id} is not ours and harms nobody"


def test_events_that_never_came_are_stored_and_worked(payments: Payments) -> None:
    alice = subscriber(payments, "alice")
    settle(payments)
    [held] = payments.subscriptions
    payments.end(held)
    payments.at = LATER
    payments.tell(
        "customer.updated", "customer", next(iter(payments.people)), next(iter(payments.people))
    )

    drifts = reconcile.reconcile_changed(NOON + timedelta(hours=1))

    assert [each.what for each in drifts if each.what == "missed_event"] == ["missed_event"]
    assert Subscription.objects.for_user(alice.id).get().status == "canceled"
    assert ProviderEvent.objects.filter(type="customer.updated").count() == 0, "it is on its way"


def test_the_share_of_drift_rings_an_alarm(
    payments: Payments, caplog: pytest.LogCaptureFixture
) -> None:
    alice = subscriber(payments, "alice")
    settle(payments)
    reconcile.reconcile_all(LATER)
    assert "billing_drift_alarm" not in caplog.text
    _subscription(alice, status="canceled")

    assert api.reconcile(LATER)

    assert "billing_drift_alarm" in caplog.text


def test_two_beats_do_the_work_once(payments: Payments) -> None:
    subscriber(payments, "alice")
    payments.calls.clear()
    holding = leases.take("billing:reconcile", "the other beat")
    assert holding is not None

    assert reconcile.reconcile_all(LATER) == []
    assert payments.calls == []

    leases.give_back(holding)
    reconcile.reconcile_all(LATER)
    assert "customers" in payments.calls


def move(user: User, email: str) -> None:
    """Let somebody have another confirmed address."""
    User.objects.filter(pk=user.pk).update(email=email)


def test_a_changed_address_reaches_the_provider_once_and_back_again(payments: Payments) -> None:
    alice, bob = subscriber(payments, "alice"), subscriber(payments, "bob")
    mine, his = (Customer.objects.for_user(each.pk).get().provider_id for each in (alice, bob))

    for email in ("new@example.org", "alice@example.org", "new@example.org"):
        move(alice, email)
        sync.sync_user(alice.pk)
        assert payments.people[mine].email == email
        sync.sync_user(alice.pk)

    assert payments.calls.count("set_email") == 3, "each change once, and another key each time"
    assert payments.people[his].email == bob.email


def test_the_night_finds_a_changed_address_and_a_refusal_harms_nothing(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = subscriber(payments, "alice")
    customer = Customer.objects.for_user(alice.pk).get().provider_id
    settle(payments)
    move(alice, "new@example.org")

    def refuse(*_args: Any, **_fields: Any) -> None:
        raise ProviderRefused("Invalid email address", reason="email_invalid")

    with monkeypatch.context() as broken:
        broken.setattr(payments, "set_email", refuse)
        assert reconcile.reconcile_all(NOON) == []
    assert payments.people[customer].email == "alice@example.org"
    assert reconcile.reconcile_all(NOON) == []
    assert payments.people[customer].email == "new@example.org"
