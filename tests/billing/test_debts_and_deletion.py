"""A payment fails: mails, grace, recovery or the end. And an account goes while it still pays."""

from datetime import timedelta

import pytest
from django.core.mail import EmailMessage

from accounts import api as accounts
from accounts.models import User
from billing import api
from billing.contracts import Feature, State
from billing.models import Customer, Subscription, TrialClaim
from billing.services import deletion, dunning, sync
from billing.services.customers import adopt
from cryptosystems.kernel.errors import RetryLater
from tests.support.payments import MONTH, NOON, Payments
from tests.support.people import person

DAY = timedelta(days=1)
S = timedelta(seconds=1)
DUE = NOON + MONTH
pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(payments: Payments) -> User:
    """Somebody who has paid a month ago."""
    user = person("alice", verified_at=NOON - 30 * DAY)
    theirs = payments.add_customer(user.id, user.email)
    adopt(user.id, theirs.id)
    payments.subscribe(theirs.id)
    sync.sync_user(user.id, NOON)
    return user


def fail(payments: Payments, alice: User) -> tuple[str, str]:
    """Let the renewal fail; return the subscription and the open invoice."""
    payments.at = DUE
    [subscription] = payments.subscriptions
    invoice = payments.fail_payment(subscription)
    sync.sync_user(alice.id, DUE)
    return subscription, invoice.id


def test_seven_days_of_grace_then_closing_only(payments: Payments, alice: User) -> None:
    fail(payments, alice)

    for at, state in (
        (DUE, State.GRACE),
        (DUE + 7 * DAY - S, State.GRACE),
        (DUE + 7 * DAY, State.CLOSE_ONLY),
        (DUE + 60 * DAY, State.CLOSE_ONLY),
    ):
        held = api.entitlements_for(alice.id, at)
        assert held.state is state
        assert held.allows(Feature.MANAGE_POSITIONS)
        assert held.allows(Feature.BOT) is (state is State.GRACE)
    seen = api.billing_view(alice.id).subscription
    assert seen is not None and seen.action_url.startswith("https://pay.test/invoice")


def test_three_mails_once_each(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    fail(payments, alice)
    mailoutbox.clear()
    sent = {}

    for hours in range(0, 24 * 9):
        at = DUE + timedelta(hours=hours)
        if dunning.remind_of_debts(at):
            sent[hours // 24] = mailoutbox[-1].subject
        assert dunning.remind_of_debts(at) == 0

    assert sent == {
        0: "A payment did not go through",
        3: "A payment is still open",
        6: "Access to new positions ends tomorrow",
    }
    assert len(mailoutbox) == 3
    assert "https://pay.test/invoice" in mailoutbox[0].body
    assert "9 December 2026, 12:00 (UTC)" in mailoutbox[0].body


def test_a_fetch_in_between_sends_no_mail_again(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    fail(payments, alice)
    assert dunning.remind_of_debts(DUE) == 1

    sync.sync_user(alice.id, DUE + S)

    assert dunning.remind_of_debts(DUE + S) == 0


def test_paying_restores_everything_at_once_and_the_next_debt_is_a_new_one(
    payments: Payments, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    subscription, invoice = fail(payments, alice)
    dunning.remind_of_debts(DUE + 6 * DAY)
    assert api.entitlements_for(alice.id, DUE + 8 * DAY).state is State.CLOSE_ONLY

    payments.recover(subscription, invoice)
    sync.sync_user(alice.id)

    assert api.entitlements_for(alice.id, DUE + 8 * DAY).state is State.ACTIVE
    assert dunning.remind_of_debts(DUE + 8 * DAY) == 0
    payments.at = DUE + MONTH
    payments.fail_payment(subscription)
    sync.sync_user(alice.id)
    assert dunning.remind_of_debts(DUE + MONTH) == 1
    assert mailoutbox[-1].subject == "A payment did not go through"


def test_who_never_pays_loses_the_subscription_but_never_the_positions(
    payments: Payments, alice: User
) -> None:
    subscription, _ = fail(payments, alice)
    states = []

    for status in ("unpaid", "canceled"):
        payments.at += 20 * DAY
        payments.change(subscription, "customer.subscription.updated", status=status)
        sync.sync_user(alice.id)
        held = api.entitlements_for(alice.id, payments.at)
        states.append(held.state)
        assert held.features == {Feature.MANAGE_POSITIONS}

    assert states == [State.CLOSE_ONLY, State.ENDED]


def test_an_account_goes_only_after_its_subscription(payments: Payments, alice: User) -> None:
    api.entitlements_for(alice.id)
    User.objects.filter(pk=alice.pk).update(deletion_due_at=DUE)
    payments.trouble = RetryLater("Payments do not answer right now.")

    assert deletion.close_accounts(DUE - S) == 0
    assert deletion.close_accounts(DUE) == 0
    assert User.objects.filter(pk=alice.pk).exists(), "else it would go on being paid for"

    payments.trouble = None
    assert deletion.close_accounts(DUE) == 1
    [theirs] = payments.subscriptions.values()
    assert theirs.status == "canceled"
    assert len(payments.invoices) == 1, "invoices stay where the law wants them"
    assert not User.objects.filter(pk=alice.pk).exists()
    for model in (Customer, Subscription):
        assert not model.objects.across_tenants("test").exists()
    assert TrialClaim.objects.count() == 1
    assert deletion.close_accounts(DUE) == 0


def test_a_subscription_nobody_told_us_of_is_ended_too(payments: Payments) -> None:
    bob = person("bob", verified_at=NOON)
    theirs = payments.add_customer(bob.id)
    adopt(bob.id, theirs.id)
    made = payments.subscribe(theirs.id)

    api.close_for_deletion(bob.id)
    api.close_for_deletion(bob.id)

    assert payments.subscriptions[made.id].status == "canceled"
    assert payments.calls.count("cancel_now") == 1


def test_who_asks_to_be_deleted_is_not_charged_again(payments: Payments, alice: User) -> None:
    api.stop_renewal(alice.id)
    before = api.billing_view(alice.id).subscription
    assert before is not None and before.is_ending
    assert api.entitlements_for(alice.id, NOON).state is State.ACTIVE, "what is paid is kept"


def test_a_silent_provider_is_asked_again_by_the_sweep(payments: Payments, alice: User) -> None:
    accounts.request_deletion(alice.id, NOON)
    payments.trouble = RetryLater("no answer")
    assert api.stop_renewal(alice.id) is False
    payments.trouble = None
    assert deletion.stop_renewals(NOON) == 1
    assert deletion.stop_renewals(NOON) == 0
    held = api.billing_view(alice.id).subscription
    assert held is not None and held.is_ending
