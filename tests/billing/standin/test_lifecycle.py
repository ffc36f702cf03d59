"""What time brings to a subscription, moved by a test clock or by the portal's buttons."""

import time
from typing import Any

import httpx
import pytest
import stripe

from billing.standin.months import add_months
from billing.standin.subscriptions import Dunning
from tests.billing.standin.conftest import DAY, START, Inbox, Shop
from tests.support.stripe_standin import KEY, stripe_standin
from tests.support.waiting import wait_until

HOUR = 3600
END = add_months(START, 1)


def _failing(shop: Shop, clock: str) -> str:
    customer = shop.subscriber(clock=clock)
    shop.press(shop.portal(customer), "card", "declines")
    return customer


def test_a_renewal_is_drawn_up_at_the_turn_and_charged_an_hour_later(shop: Shop) -> None:
    clock = shop.clock()
    customer = shop.subscriber(clock=clock)

    shop.advance(clock, END - 1)
    assert len(shop.invoices(customer)) == 1
    shop.advance(clock, END)

    subscription = shop.subscription(customer)
    assert subscription.status == "active"
    assert subscription["items"].data[0].current_period_start == END
    newest = shop.invoices(customer)[0]
    assert (newest.status, newest.billing_reason) == ("draft", "subscription_cycle")
    shop.advance(clock, END + HOUR)
    newest = shop.invoices(customer)[0]
    assert (newest.status, newest.amount_paid) == ("paid", 5999)
    assert newest.status_transitions.paid_at == END + HOUR
    assert shop.events().count("invoice.paid") == 2


def test_a_failed_renewal_is_overdue_until_it_is_paid(shop: Shop) -> None:
    clock = shop.clock()
    customer = _failing(shop, clock)

    shop.advance(clock, END + HOUR)

    assert shop.subscription(customer).status == "past_due"
    newest = shop.invoices(customer)[0]
    assert newest.status == "open" and newest.next_payment_attempt == END + HOUR + 3 * DAY
    assert "invoice.payment_failed" in shop.events()
    updated = [e for e in shop.inbox.events if e.type == "customer.subscription.updated"][-1]
    assert updated.data.previous_attributes.status == "active"

    shop.press(shop.portal(customer), "card", "good")
    shop.advance(clock, END + HOUR + 3 * DAY)

    assert shop.subscription(customer).status == "active"
    assert shop.invoices(customer)[0].status == "paid"


def test_an_overdue_invoice_can_be_paid_in_the_portal_and_on_its_page(shop: Shop) -> None:
    clock = shop.clock()
    customer = _failing(shop, clock)
    shop.advance(clock, END + HOUR)
    newest = shop.invoices(customer)[0]

    refused = shop.press(shop.portal(customer), "pay", newest.id)
    assert refused.status_code == 402 and "declined" in refused.text
    assert shop.subscription(customer).status == "past_due"
    shop.press(newest.hosted_invoice_url, "decline")
    assert shop.subscription(customer).status == "past_due"
    shop.press(newest.hosted_invoice_url, "pay")

    assert shop.subscription(customer).status == "active"
    page = shop.browser.get(str(newest.hosted_invoice_url)).text
    assert "Paid" in page and 'name="pay"' not in page


@pytest.mark.parametrize("finally_becomes", ["canceled", "unpaid", "past_due"])
def test_after_the_last_retry_it_becomes_what_was_agreed(
    inbox: Inbox, finally_becomes: str
) -> None:
    dunning = Dunning(finally_becomes=finally_becomes)
    with stripe_standin(webhook_url=inbox.url, dunning=dunning) as standin:
        shop = Shop(standin, inbox)
        clock = shop.clock()
        customer = _failing(shop, clock)
        shop.advance(clock, END + HOUR + 15 * DAY - 1)
        assert shop.subscription(customer).status == "past_due"
        shop.advance(clock, END + HOUR + 15 * DAY)
        subscription = shop.subscription(customer)
        assert subscription.status == finally_becomes
        assert shop.events().count("invoice.payment_failed") == 4
        assert shop.invoices(customer)[0].next_payment_attempt is None
        if finally_becomes == "canceled":
            assert subscription.cancellation_details is not None
            assert subscription.cancellation_details.reason == "payment_failed"
            assert "customer.subscription.deleted" in shop.events()
        if finally_becomes == "unpaid":
            shop.press(shop.invoices(customer)[0].hosted_invoice_url, "pay")
            assert shop.subscription(customer).status == "active"


def test_cancelled_it_runs_to_the_end_of_its_period(shop: Shop) -> None:
    clock = shop.clock()
    customer = shop.subscriber(clock=clock)
    name = shop.subscription(customer).id

    ending = shop.stripe.v1.subscriptions.update(name, {"cancel_at_period_end": True})
    assert (ending.status, ending.cancel_at, ending.canceled_at) == ("active", END, START)
    back = shop.stripe.v1.subscriptions.update(name, {"cancel_at_period_end": False})
    assert (back.cancel_at_period_end, back.cancel_at, back.canceled_at) == (False, None, None)
    shop.press(shop.portal(customer), "cancel")
    assert shop.subscription(customer).cancel_at_period_end
    shop.press(shop.portal(customer), "renew")
    assert not shop.subscription(customer).cancel_at_period_end
    shop.press(shop.portal(customer), "cancel")

    shop.advance(clock, END - 1)
    assert shop.subscription(customer).status == "active"
    shop.advance(clock, END)

    ended = shop.subscription(customer)
    assert (ended.status, ended.ended_at) == ("canceled", END)
    assert len(shop.invoices(customer)) == 1
    assert shop.events().count("customer.subscription.deleted") == 1
    assert shop.stripe.v1.subscriptions.list({"customer": customer}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        shop.stripe.v1.subscriptions.update(name, {"cancel_at_period_end": True})


def test_cancelled_at_once_it_is_over(shop: Shop) -> None:
    customer = shop.subscriber()
    gone = shop.stripe.v1.subscriptions.cancel(shop.subscription(customer).id)
    assert gone.status == "canceled" and gone.ended_at
    with pytest.raises(stripe.InvalidRequestError):
        shop.stripe.v1.subscriptions.cancel(gone.id)


def test_a_trial_costs_nothing_warns_and_then_charges(shop: Shop) -> None:
    clock = shop.clock()
    end = START + 7 * DAY
    customer = shop.subscriber(clock=clock, subscription_data={"trial_end": end})

    subscription = shop.subscription(customer)
    assert (subscription.status, subscription.trial_end) == ("trialing", end)
    assert subscription["items"].data[0].current_period_end == end
    [first] = shop.invoices(customer)
    assert (first.status, first.total) == ("paid", 0)
    shop.advance(clock, end - 3 * DAY)
    assert shop.events().count("customer.subscription.trial_will_end") == 1
    shop.advance(clock, end + HOUR)
    assert shop.subscription(customer).status == "active"
    assert [each.total for each in shop.invoices(customer)] == [5999, 0]


def test_a_trial_needs_two_days_of_lead(shop: Shop) -> None:
    customer = shop.customer(test_clock=shop.clock())
    with pytest.raises(stripe.InvalidRequestError, match="at least 2 days"):
        shop.checkout(customer, subscription_data={"trial_end": START + 2 * DAY - 1})
    shop.checkout(customer, subscription_data={"trial_end": START + 2 * DAY})


@pytest.mark.parametrize(("without_card", "becomes"), [("cancel", "canceled"), ("pause", "paused")])
def test_a_trial_without_a_card_ends_as_agreed(shop: Shop, without_card: Any, becomes: str) -> None:
    clock = shop.clock()
    customer = shop.customer(test_clock=clock)
    made = shop.stripe.v1.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price": "price_standin_monthly"}],
            "trial_end": START + 5 * DAY,
            "trial_settings": {"end_behavior": {"missing_payment_method": without_card}},
        }
    )
    shop.advance(clock, START + 5 * DAY)
    assert shop.subscription(customer).status == becomes
    if becomes == "paused":
        shop.press(shop.portal(customer), "card", "good")
        shop.stripe.v1.subscriptions.resume(made.id)
        assert shop.subscription(customer).status == "active"
        assert shop.invoices(customer)[0].status == "paid"


def test_a_renewal_that_asks_for_a_confirmation_waits_for_it(shop: Shop) -> None:
    clock = shop.clock()
    customer = shop.subscriber(clock=clock)
    shop.press(shop.portal(customer), "card", "asks")
    shop.advance(clock, END + HOUR)
    assert shop.subscription(customer).status == "past_due"
    assert "invoice.payment_action_required" in shop.events()
    newest = shop.invoices(customer)[0]
    bank = shop.press(shop.portal(customer), "pay", newest.id).headers["Location"]
    shop.press(bank, "pass")
    assert shop.subscription(customer).status == "active"


def test_the_portals_clock_moves_one_customer_only(shop: Shop) -> None:
    others = [shop.subscriber(clock=shop.clock()), shop.subscriber()]
    customer = shop.subscriber()
    portal = shop.portal(customer)
    before = shop.subscription(customer)["items"].data[0].current_period_end

    shop.press(portal, "advance", "day")
    assert len(shop.invoices(customer)) == 1
    shop.press(portal, "advance", "period")
    assert [each.status for each in shop.invoices(customer)] == ["paid", "paid"]
    shop.press(portal, "advance", "month")

    assert len(shop.invoices(customer)) == 3
    assert shop.subscription(customer)["items"].data[0].current_period_start > before
    assert [len(shop.invoices(other)) for other in others] == [1, 1]
    # Nobody else's trial is refused because one customer lives in another month.
    soon = int(time.time()) + 3 * DAY
    shop.checkout(shop.customer(), subscription_data={"trial_end": soon})


def test_everybodys_time_is_moved_on_order(shop: Shop) -> None:
    customers = [shop.subscriber(), shop.subscriber()]
    shop.press(shop.portal(customers[0]), "advance", "day")
    answer = httpx.post(
        f"{shop.standin.base_url}/_standin/advance",
        data={"seconds": 32 * DAY},
        headers={"Authorization": f"Bearer {KEY}"},
    )
    assert answer.json()["offset_s"] == 32 * DAY
    assert [len(shop.invoices(customer)) for customer in customers] == [2, 2]


def test_time_that_passes_by_itself_renews(inbox: Inbox) -> None:
    now = [float(START)]
    with stripe_standin(webhook_url=inbox.url, wall=lambda: now[0]) as standin:
        shop = Shop(standin, inbox)
        customer = shop.subscriber()
        now[0] = END + HOUR
        wait_until(lambda: len(standin.objects("invoice", status="paid")) == 2)
        assert shop.subscription(customer).status == "active"
