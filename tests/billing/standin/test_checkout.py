"""A person buys, on the hosted pages; the product sees it through Stripe's own client."""

import pytest

from tests.billing.standin.conftest import DAY, START, Shop


def test_paying_makes_an_active_subscription_and_tells_of_it(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.checkout(customer, metadata={"user": "alice"})
    assert (session.status, session.payment_status) == ("open", "unpaid")

    answer = shop.press(session.url, "pay")

    assert answer.status_code == 303
    assert answer.headers["Location"] == (
        f"http://127.0.0.1:8000/account/billing?from={session.id}"
    )
    subscription = shop.subscription(customer)
    item = subscription["items"].data[0]
    assert subscription.status == "active"
    assert (item.price.id, item.price.unit_amount) == ("price_standin_monthly", 5999)
    assert 28 * DAY <= item.current_period_end - item.current_period_start <= 31 * DAY
    [invoice] = shop.invoices(customer)
    assert (invoice.status, invoice.total, invoice.amount_paid) == ("paid", 5999, 5999)
    assert invoice.parent is not None and invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert invoice.payments is not None
    [payment] = invoice.payments.data
    assert payment.status == "paid" and payment.payment.type == "payment_intent"
    done = shop.stripe.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "paid")
    assert done.subscription == subscription.id
    told = shop.events()
    for kind in (
        "customer.created",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.succeeded",
        "invoice.paid",
        "customer.subscription.updated",
        "checkout.session.completed",
    ):
        assert told.count(kind) == 1, (kind, told)
    last = shop.inbox.events[-1]
    assert (last.api_version, last.livemode) == ("2026-10-28.endive", False)
    assert last.data.object.metadata.user == "alice"


def test_a_declined_card_says_so_and_changes_nothing(shop: Shop) -> None:
    customer = shop.customer()
    session = shop.checkout(customer)
    before = shop.events()

    answer = shop.press(session.url, "decline")

    assert answer.status_code == 402 and "declined" in answer.text
    assert shop.stripe.v1.subscriptions.list({"customer": customer, "status": "all"}).data == []
    assert shop.stripe.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert shop.events() == before
    assert shop.press(session.url, "pay").status_code == 303


@pytest.mark.parametrize("passes", [True, False])
def test_a_confirmation_at_the_bank_decides(shop: Shop, passes: bool) -> None:
    customer = shop.customer()
    session = shop.checkout(customer)

    bank = shop.press(session.url, "confirm").headers["Location"]

    assert shop.subscription(customer).status == "incomplete"
    [invoice] = shop.invoices(customer)
    assert invoice.status == "open" and invoice.hosted_invoice_url
    assert shop.events()[-1] == "invoice.payment_failed"
    assert "invoice.payment_action_required" in shop.events()

    answer = shop.press(bank, "pass" if passes else "fail")

    if passes:
        assert answer.headers["Location"].endswith(session.id)
        assert shop.subscription(customer).status == "active"
        assert shop.events()[-1] == "checkout.session.completed"
        return
    assert "not confirmed" in answer.text
    assert shop.subscription(customer).status == "incomplete"
    assert shop.press(session.url, "pay").status_code == 303
    assert shop.subscription(customer).status == "active"


def test_an_abandoned_confirmation_expires_after_23_hours(shop: Shop) -> None:
    clock = shop.clock()
    customer = shop.customer(test_clock=clock)
    session = shop.checkout(customer)
    shop.press(session.url, "confirm")

    shop.advance(clock, START + 23 * 3600 - 1)
    assert shop.subscription(customer).status == "incomplete"
    shop.advance(clock, START + 23 * 3600)

    assert shop.subscription(customer).status == "incomplete_expired"
    assert shop.invoices(customer)[0].status == "void"
    shop.advance(clock, START + DAY)
    assert shop.stripe.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert shop.events()[-1] == "test_helpers.test_clock.ready"
    assert "checkout.session.expired" in shop.events()
