"""An event is only a hint: in whatever order, however often, the end is the same."""

import copy
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.core.mail import EmailMessage

from billing import api
from billing.contracts import State
from billing.models import Customer, Invoice, Letter, ProviderEvent, Subscription
from billing.providers.port import EventData
from billing.services import customers, inbox, sync
from cryptosystems.kernel.errors import RetryLater
from tests.support.payments import MONTH, NOON, Payments
from tests.support.people import person
from tests.support.threads import together

S = timedelta(seconds=1)


def nobody(_pk: int) -> None:
    """No worker is awake; the test works the events itself."""


def deliver(event: EventData, times: int = 1, now: datetime | None = None) -> None:
    """Let an event come in and be worked, `times` times."""
    for _ in range(times):
        inbox.store(event, nobody, now)
        inbox.work(ProviderEvent.objects.get(provider_id=event.id).pk, now)


class Journey:
    """Checkout, active, cancelled, end of the period: the provider's state after each event."""

    def __init__(self, payments: Payments, user_id: Any) -> None:
        self.payments = payments
        self.customer = payments.add_customer(user_id)
        self.stages = [self._state()]
        payments.tell("checkout.session.completed", "checkout.session", "cs_1", self.customer.id)
        self.stages.append(self._state())
        made = payments.subscribe(self.customer.id)
        self.stages += [self._state(), self._state()]
        payments.at = NOON + timedelta(days=10)
        payments.set_ending(made.id, True, key="once")
        self.stages.append(self._state())
        payments.at = NOON + MONTH
        payments.end(made.id)
        self.stages.append(self._state())
        self.events = list(payments.events)

    def _state(self) -> Any:
        return copy.deepcopy(
            (self.payments.subscriptions, self.payments.invoices, self.payments.charges)
        )

    def stand_at(self, stage: int) -> None:
        """Turn the provider back, or on, to what it was after an event."""
        kept = copy.deepcopy(self.stages[stage])
        self.payments.subscriptions, self.payments.invoices, self.payments.charges = kept


def rows(user_id: Any) -> Any:
    """Return everything we hold of a person, without row numbers and times of asking."""
    own = ("id", "fetched_at")
    return [
        [
            {k: v for k, v in row.items() if k not in own}
            for row in model.objects.for_user(user_id).values()
        ]
        for model in (Subscription, Invoice)
    ]


@pytest.mark.django_db
def test_all_720_orders_of_six_events_end_alike(
    payments: Payments, mailoutbox: list[EmailMessage]
) -> None:
    alice = person("alice", verified_at=NOON - 30 * 24 * 3600 * S)
    journey = Journey(payments, alice.id)
    assert len(journey.events) == 6
    customers.adopt(alice.id, journey.customer.id)
    ends = []

    for number, order in enumerate(permutations(journey.events)):
        for stage, event in enumerate(order):
            journey.stand_at(stage)  # the provider moves on while the hints come in disorder
            now = journey.events[stage].created_at
            deliver(event, times=2 if stage == number % 6 else 1, now=now)
        ends.append(rows(alice.id))
        assert sorted(mail.subject for mail in mailoutbox) == [
            "You have subscribed",
            "Your subscription has ended",
            "Your subscription is cancelled",
        ]
        mailoutbox.clear()
        Letter.objects.for_user(alice.id).delete()
        ProviderEvent.objects.all().delete()
        Subscription.objects.for_user(alice.id).delete()
        Invoice.objects.for_user(alice.id).delete()

    assert len(ends) == 720
    assert all(end == ends[0] for end in ends)
    [[subscription], [invoice]] = ends[0]
    assert (subscription["status"], subscription["is_ending"]) == ("canceled", True)
    assert (invoice["status"], invoice["total_minor"]) == ("paid", 5999)


@pytest.mark.django_db
def test_the_journey_as_the_person_sees_it(payments: Payments) -> None:
    alice = person("alice", verified_at=NOON - timedelta(days=30))
    journey = Journey(payments, alice.id)
    customers.adopt(alice.id, journey.customer.id)
    seen = []

    for stage, event in enumerate(journey.events):
        journey.stand_at(stage)
        deliver(event)
        held = api.entitlements_for(alice.id, NOON + timedelta(days=11))
        seen.append((held.state, held.code))

    assert seen == [
        (State.ENDED, "trial_over"),
        (State.ENDED, "trial_over"),
        (State.ACTIVE, "subscribed"),
        (State.ACTIVE, "subscribed"),
        (State.ACTIVE, "cancelled_to_period_end"),
        (State.ENDED, "subscription_ended"),
    ]


@pytest.mark.django_db
def test_an_older_fetch_never_wins(payments: Payments) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id)
    customer = customers.adopt(alice.id, theirs.id)
    made = payments.subscribe(theirs.id)
    old = payments.snapshot(theirs.id)
    payments.end(made.id)
    sync.sync_customer(theirs.id)
    newest = Customer.objects.for_user(alice.id).get()
    assert newest.fetch_number > customer.fetch_number

    assert sync.write(customer, old, NOON) is None

    assert Subscription.objects.for_user(alice.id).get().status == "canceled"
    # Were it not for the number, the old state would come back: the guard is what holds.
    newest.fetch_number += 1
    assert sync.write(newest, old, NOON)
    assert Subscription.objects.for_user(alice.id).get().status == "active"


@pytest.mark.django_db(transaction=True)
def test_a_slow_fetch_is_overtaken_and_dropped(payments: Payments) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id)
    customers.adopt(alice.id, theirs.id)
    made = payments.subscribe(theirs.id)
    has_read, may_go_on = threading.Event(), threading.Event()
    names: list[str] = []

    def hold_the_first(_customer: str) -> None:
        names.append(threading.current_thread().name)
        if len(names) == 1:
            has_read.set()
            assert may_go_on.wait(30)

    payments.before_answer = hold_the_first

    def slow() -> None:
        sync.sync_customer(theirs.id)

    def fast() -> None:
        assert has_read.wait(30)
        payments.end(made.id)
        sync.sync_customer(theirs.id)
        may_go_on.set()

    together(slow, fast)

    assert Subscription.objects.for_user(alice.id).get().status == "canceled"
    assert len(names) == 2, "nobody asks again for what is known already"


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_work_an_event_once(payments: Payments) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id, alice.email)
    customers.adopt(alice.id, theirs.id)
    inbox.store(payments.events[0], nobody)
    pk = ProviderEvent.objects.get().pk

    worked = together(*[lambda: inbox.work(pk) for _ in range(4)])

    assert worked.count(inbox.Outcome.WORKED) == 1
    assert worked.count(inbox.Outcome.NOT_MINE) == 3
    assert payments.calls == ["snapshot"]
    row = ProviderEvent.objects.get()
    assert (row.state, row.attempts) == ("done", 1)


@pytest.mark.django_db
def test_of_two_workers_that_read_the_same_row_one_has_it(payments: Payments) -> None:
    payments.add_customer(None)
    inbox.store(payments.events[0], nobody, NOON)
    first, second = ProviderEvent.objects.get(), ProviderEvent.objects.get()

    assert [inbox.claim(first, NOON), inbox.claim(second, NOON)] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_two_events_a_millisecond_apart_leave_the_newest_state(payments: Payments) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id)
    customers.adopt(alice.id, theirs.id)
    made = payments.subscribe(theirs.id)
    payments.end(made.id)
    pks = []
    for event in payments.events:
        inbox.store(event, nobody)
        pks.append(ProviderEvent.objects.get(provider_id=event.id).pk)
    assert len(pks) == 4

    def work_until_done(pk: int) -> None:
        inbox.work(pk)
        at = ProviderEvent.objects.get(pk=pk).next_try_at
        inbox.work(pk, at)

    together(*[lambda pk=pk: work_until_done(pk) for pk in pks])

    assert Subscription.objects.for_user(alice.id).get().status == "canceled"
    assert Invoice.objects.for_user(alice.id).count() == 1
    assert set(ProviderEvent.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.django_db
def test_an_event_that_cannot_be_worked_is_tried_eight_times(payments: Payments) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id)
    customers.adopt(alice.id, theirs.id)
    inbox.store(payments.events[0], nobody, NOON)
    payments.trouble = RetryLater("Payments do not answer right now.")
    now, pauses = NOON, []

    while (row := ProviderEvent.objects.get()).state == "waiting":
        assert inbox.sweep(row.next_try_at - S) == 0
        pauses.append((row.next_try_at - now).total_seconds())
        now = row.next_try_at
        assert inbox.sweep(now) == 0

    assert (row.state, row.attempts) == ("failed", 8)
    assert pauses == [0, 30, 60, 120, 300, 900, 3600, 7200]
    payments.trouble = None
    api.replay_event(row.pk, staff_id=alice.id)
    inbox.sweep()
    assert ProviderEvent.objects.get().state == "done"


@pytest.mark.django_db
def test_a_dispute_names_a_charge_and_finds_its_customer(payments: Payments) -> None:
    alice = person("alice", verified_at=NOON - timedelta(days=30))
    theirs = payments.add_customer(alice.id)
    customers.adopt(alice.id, theirs.id)
    made = payments.subscribe(theirs.id)
    invoice = next(each for _, each in payments.invoices.values())
    states = []

    for status in ("warning_needs_response", "needs_response", "under_review", "won", "lost"):
        payments.dispute(invoice.id, status)
        deliver(payments.events[-1], times=2)
        states.append(api.entitlements_for(alice.id, NOON).state)

    shut = State.CLOSE_ONLY
    assert states == [State.ACTIVE, shut, shut, State.ACTIVE, shut]
    assert Subscription.objects.for_user(alice.id).get().provider_id == made.id


@pytest.mark.django_db
def test_a_refund_ends_access_only_when_all_is_given_back(payments: Payments) -> None:
    alice = person("alice", verified_at=NOON - timedelta(days=30))
    theirs = payments.add_customer(alice.id)
    customers.adopt(alice.id, theirs.id)
    made = payments.subscribe(theirs.id)
    invoice = next(each for _, each in payments.invoices.values())

    payments.refund(invoice.id, 3000)
    deliver(payments.events[-1], times=2)
    assert api.entitlements_for(alice.id, NOON).state is State.ACTIVE
    payments.refund(invoice.id, 2999)
    deliver(payments.events[-1])
    deliver(replace(payments.events[-2], id="evt_late"))

    held = api.entitlements_for(alice.id, NOON)
    assert (held.state, held.code) == (State.ENDED, "refunded")
    [seen] = api.billing_view(alice.id).invoices
    assert seen.status == "refunded"
    payments.at = NOON + MONTH
    payments.bill(made.id)
    sync.sync_user(alice.id)
    assert api.entitlements_for(alice.id, NOON).state is State.ACTIVE, "a newer payment counts"
