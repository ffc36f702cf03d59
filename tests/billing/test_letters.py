"""Mails of the life of a subscription: what they say, and that each leaves once."""

from datetime import timedelta

import pytest
from django.core.mail import EmailMessage

from accounts.models import User
from billing import api
from billing.models import Invoice, Letter, Subscription
from billing.services import customers, sync
from tests.support.payments import MONTH, NOON, Payments
from tests.support.people import person
from tests.support.threads import together

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def alice(payments: Payments) -> User:
    """Somebody who has come to pay and has not paid yet."""
    user = person("alice", verified_at=NOON - 30 * DAY, time_zone="Europe/Berlin")
    theirs = payments.add_customer(user.id, user.email)
    customers.adopt(user.id, theirs.id)
    return user


def customer_of(payments: Payments) -> str:
    [customer] = payments.people
    return customer


def test_subscribed_says_the_price_the_next_charge_and_how_to_cancel(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    payments.subscribe(customer_of(payments))
    for _ in range(2):
        sync.sync_user(alice.id, NOON)

    [mail] = mailoutbox
    assert (mail.subject, mail.to) == ("You have subscribed", ["alice@example.org"])
    assert "59.99 USD a month, before tax" in mail.body
    assert "The next payment is taken on 2 December 2026, 13:00 (Europe/Berlin)" in mail.body
    assert "choose Cancel, and confirm" in mail.body
    assert "/account/billing" in mail.body
    assert "no money moves" in mail.body
    assert "\n\n\n" not in mail.body


def test_bought_in_the_trial_it_says_when_the_first_payment_is(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage], settings: object
) -> None:
    end = NOON + 5 * DAY
    payments.subscribe(customer_of(payments), "trialing", period_ends_at=end, trial_ends_at=end)
    sync.sync_user(alice.id, NOON)
    assert "The first payment is taken when your trial ends, on 7 November" in mailoutbox[0].body
    assert "month is paid" not in mailoutbox[0].body


def test_a_payment_that_is_not_finished_tells_nothing(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    made = payments.subscribe(customer_of(payments), "incomplete")
    sync.sync_user(alice.id, NOON)
    payments.end(made.id)
    sync.sync_user(alice.id, NOON)
    assert mailoutbox == []


def test_cancelled_is_told_once_a_period_and_the_end_once(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    made = payments.subscribe(customer_of(payments))
    sync.sync_user(alice.id, NOON)
    for number, is_ending in enumerate((True, False, True)):
        payments.set_ending(made.id, is_ending, key=str(number))
        sync.sync_user(alice.id, NOON)
    payments.at = NOON + MONTH
    payments.end(made.id)
    for _ in range(2):
        sync.sync_user(alice.id, payments.at)

    assert [mail.subject for mail in mailoutbox] == [
        "You have subscribed",
        "Your subscription is cancelled",
        "Your subscription has ended",
    ]
    assert "works until 2 December 2026, 13:00 (Europe/Berlin)" in mailoutbox[1].body
    assert "Nothing more is charged." in mailoutbox[2].body
    assert "You keep the demo" in mailoutbox[2].body


def test_money_back_is_told_with_the_sum_so_far(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    payments.subscribe(customer_of(payments))
    sync.sync_user(alice.id, NOON)
    [invoice] = payments.invoices
    mailoutbox.clear()
    for minor in (1000, 4999):
        payments.refund(invoice, minor)
        for _ in range(2):
            sync.sync_user(alice.id, NOON)

    assert [mail.subject for mail in mailoutbox] == [
        "A part of a payment was given back",
        "A payment was given back",
    ]
    assert "over 59.99 USD, 10.00 USD in all" in mailoutbox[0].body
    assert "59.99 USD in all" in mailoutbox[1].body


def test_rows_that_were_lost_and_found_tell_nothing_again(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    payments.subscribe(customer_of(payments))
    [invoice] = payments.invoices
    payments.refund(invoice, 1000)
    sync.sync_user(alice.id, NOON)
    mailoutbox.clear()
    for model in (Subscription, Invoice):
        model.objects.for_user(alice.id).delete()

    assert sync.sync_user(alice.id, NOON) is None
    assert mailoutbox == []
    # Even with the letters lost, what began long ago is no news.
    Letter.objects.for_user(alice.id).delete()
    Subscription.objects.for_user(alice.id).delete()
    sync.sync_user(alice.id, NOON + 4 * DAY)
    assert mailoutbox == []


def test_the_end_of_a_double_is_no_end(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    first, _second = (payments.subscribe(customer_of(payments)) for _ in range(2))
    sync.sync_user(alice.id, NOON)
    mailoutbox.clear()
    payments.end(first.id)
    sync.sync_user(alice.id, NOON)
    assert mailoutbox == []


def test_who_leaves_today_gets_no_invitation(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    payments.subscribe(customer_of(payments))
    sync.sync_user(alice.id, NOON)
    User.objects.filter(pk=alice.pk).update(deletion_due_at=NOON - DAY)
    api.close_for_deletion(alice.id)
    assert [mail.subject for mail in mailoutbox] == ["You have subscribed"]


@pytest.mark.django_db(transaction=True)
def test_two_fetches_at_once_write_one_mail(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    payments.subscribe(customer_of(payments))
    together(*[lambda: sync.sync_user(alice.id, NOON) for _ in range(4)])
    assert [mail.subject for mail in mailoutbox] == ["You have subscribed"]
