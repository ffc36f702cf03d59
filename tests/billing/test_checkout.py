"""To the payment page and back: who gets there, how often, and what it asks for."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing import api
from billing.contracts import State
from billing.models import Checkout, Customer, Plan, Subscription
from billing.providers.port import PriceData, ProviderFault
from billing.services import checkout, subscriptions, sync
from cryptosystems.kernel.errors import InvalidInput, NeedsOperator, NotAllowed, RetryLater
from cryptosystems.platform import switches
from tests.support.payments import PRICE, Payments
from tests.support.people import person
from tests.support.threads import together

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
END = START + timedelta(hours=168)
LATER = END + timedelta(days=3)
S = timedelta(seconds=1)
BACK = {"success_url": "https://a.test/billing", "cancel_url": "https://a.test/plans"}


@pytest.fixture
def payments(payments: Payments) -> Payments:
    """The provider, its clock where these stories are told."""
    payments.at = LATER
    return payments


def begin(user_id: Any, now: datetime = LATER, **more: Any) -> str:
    """Click on Subscribe."""
    wanted = {"plan_slug": "all-access", **BACK, **more}
    return checkout.start_checkout(user_id, now=now, **wanted)


@pytest.mark.django_db
def test_a_checkout_asks_for_the_published_price_and_nothing_else(payments: Payments) -> None:
    alice = person("alice", verified_at=START)

    url = begin(alice.id)

    [(order, made)] = payments.checkouts.values()
    assert url == made.url
    assert (order.price_id, order.user_id, order.trial_ends_at) == (PRICE, alice.id, None)
    assert (order.success_url, order.cancel_url) == (BACK["success_url"], BACK["cancel_url"])
    assert api.offer().price.as_tuple().digits == (5, 9, 9, 9)
    assert api.entitlements_for(alice.id, LATER).state is State.ENDED, "coming back grants nothing"
    payments.pay(made.id)
    assert api.entitlements_for(alice.id, LATER).state is State.ENDED, "nor does paying, unheard of"
    api.sync_user(alice.id)
    assert api.entitlements_for(alice.id, LATER).state is State.ACTIVE


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["free", "", "price_1", "all-access "])
def test_a_forged_plan_opens_nothing(payments: Payments, slug: str) -> None:
    alice = person("alice", verified_at=START)

    with pytest.raises(InvalidInput, match="one plan"):
        begin(alice.id, plan_slug=slug)

    assert payments.calls == []


@pytest.mark.django_db
def test_the_address_is_confirmed_first(payments: Payments) -> None:
    alice = person("alice", verified=False)

    with pytest.raises(NotAllowed, match="Confirm your e-mail"):
        begin(alice.id)

    assert not Customer.objects.for_user(alice.id).exists()


@pytest.mark.django_db
def test_days_left_of_the_trial_are_kept_or_it_is_billed_at_once(payments: Payments) -> None:
    alice, bob = person("alice", verified_at=START), person("bob", verified_at=START)
    for each in (alice, bob):
        api.entitlements_for(each.id, START)

    begin(alice.id, START + timedelta(days=2))
    begin(bob.id, END - timedelta(hours=48))

    first, second = (order for order, _ in payments.checkouts.values())
    assert (first.trial_ends_at, second.trial_ends_at) == (END, None)
    assert api.billed_from(alice.id, START + timedelta(days=2)) == END
    assert api.billed_from(bob.id, END - timedelta(hours=48)) is None


@pytest.mark.django_db
def test_a_double_click_opens_one_page(payments: Payments) -> None:
    alice = person("alice", verified_at=START)

    first = begin(alice.id)
    again = begin(alice.id, LATER + 20 * S)

    assert first == again
    assert len(payments.checkouts) == 1
    # Another way back makes another page, and the one before cannot be paid any more.
    other = begin(alice.id, LATER + 30 * S, cancel_url="https://a.test/elsewhere")
    assert other != first
    assert [made.is_open for _, made in payments.checkouts.values()] == [False, True]


@pytest.mark.django_db(transaction=True)
def test_twenty_clicks_at_once_make_one_customer_and_one_page(payments: Payments) -> None:
    alice = person("alice", verified_at=START)
    inside: list[int] = [0]
    peaks: list[int] = []

    def slowly(_customer: str) -> None:
        inside[0] += 1
        peaks.append(inside[0])
        threading.Event().wait(0.02)  # a provider that takes its time; nothing rests on how long
        inside[0] -= 1

    payments.before_answer = slowly

    urls = together(*[lambda: begin(alice.id) for _ in range(20)])

    assert len(set(urls)) == 1
    assert max(peaks) == 1, "one click after the other"
    assert len(payments.people) == len(payments.checkouts) == 1
    assert Checkout.objects.for_user(alice.id).count() == 1


@pytest.mark.django_db
def test_the_sixth_page_within_an_hour_is_refused_with_the_wait(payments: Payments) -> None:
    alice, bob = person("alice", verified_at=START), person("bob", verified_at=START)
    for number in range(5):
        begin(alice.id, LATER + number * 60 * S, cancel_url=f"https://a.test/{number}")

    with pytest.raises(RetryLater, match="Try again in 50 minutes") as refused:
        begin(alice.id, LATER + 600 * S, cancel_url="https://a.test/6")

    assert refused.value.after_s == 3000
    assert len(payments.checkouts) == 5
    assert begin(bob.id, LATER + 600 * S), "others are not held up"
    assert begin(alice.id, LATER + 3600 * S, cancel_url="https://a.test/6")


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["active", "trialing", "past_due", "unpaid", "incomplete"])
def test_while_a_subscription_lives_one_comes_to_the_portal(
    payments: Payments, status: str
) -> None:
    alice = person("alice", verified_at=START)
    begin(alice.id)
    [(order, _)] = payments.checkouts.values()
    payments.subscribe(order.customer_id, status)

    url = begin(alice.id, LATER + 60 * S)

    assert url == f"https://portal.test/{order.customer_id}"
    assert len(payments.checkouts) == 1
    assert api.open_portal(alice.id, return_url="https://a.test") == url


@pytest.mark.django_db
def test_who_never_came_to_pay_has_no_portal(payments: Payments) -> None:
    with pytest.raises(NotAllowed, match="nothing to manage"):
        api.open_portal(person("alice").id, return_url="https://a.test")


@pytest.mark.django_db
def test_a_failed_answer_is_looked_into_before_anything_is_made_again(payments: Payments) -> None:
    alice = person("alice", verified_at=START)
    make, answers = payments.create_customer, []

    def fails_after_it_happened(*args: Any, **more: Any) -> Any:
        answers.append(make(*args, **more))
        raise ProviderFault("500")

    payments.create_customer = fails_after_it_happened  # type: ignore[method-assign]

    begin(alice.id)

    assert len(answers) == len(payments.people) == 1
    assert Customer.objects.for_user(alice.id).get().provider_id == answers[0].id


@pytest.mark.django_db
def test_a_page_whose_answer_was_lost_is_not_made_twice(payments: Payments) -> None:
    alice = person("alice", verified_at=START)
    make = payments.create_checkout

    def answer_is_lost(*args: Any, **more: Any) -> Any:
        make(*args, **more)
        raise RetryLater("Payments do not answer right now.")

    payments.create_checkout = answer_is_lost  # type: ignore[method-assign]
    for _ in range(7):
        with pytest.raises(RetryLater, match="do not answer"):
            begin(alice.id)
    payments.create_checkout = make  # type: ignore[method-assign]

    url = begin(alice.id, LATER + 60 * S)

    [(_, made)] = payments.checkouts.values()
    assert url == made.url


@pytest.mark.django_db
def test_old_visits_are_forgotten(payments: Payments) -> None:
    alice = person("alice", verified_at=START)
    begin(alice.id)

    assert checkout.prune(LATER + timedelta(days=7)) == 0
    assert checkout.prune(LATER + timedelta(days=7) + S) == 1
    assert not Checkout.objects.for_user(alice.id).exists()


@pytest.mark.django_db
def test_cancel_goes_on_and_cancel_again_are_three_acts(payments: Payments) -> None:
    alice = person("alice", verified_at=START)
    begin(alice.id)
    [(_, made)] = payments.checkouts.values()
    payments.pay(made.id)

    seen = [
        subscriptions.cancel_subscription(alice.id).is_ending,
        subscriptions.cancel_subscription(alice.id).is_ending,
        subscriptions.reactivate_subscription(alice.id).is_ending,
        subscriptions.cancel_subscription(alice.id).is_ending,
    ]

    assert seen == [True, True, False, True]
    assert payments.calls.count("set_ending") == 3
    assert api.entitlements_for(alice.id, LATER).code == "cancelled_to_period_end"
    [theirs] = payments.subscriptions.values()
    assert theirs.is_ending and theirs.status == "active"


@pytest.mark.django_db
def test_there_is_nothing_to_cancel_after_the_end(payments: Payments) -> None:
    alice, bob = person("alice", verified_at=START), person("bob", verified_at=START)
    begin(alice.id)
    [(_, made)] = payments.checkouts.values()
    payments.end(payments.pay(made.id).id)

    for each in (alice, bob):
        with pytest.raises(NotAllowed, match="no running subscription"):
            api.cancel_subscription(each.id)


@pytest.mark.django_db
def test_another_persons_subscription_is_out_of_reach(payments: Payments) -> None:
    alice, charlie = person("alice", verified_at=START), person("charlie", verified_at=START)
    begin(alice.id)
    [(_, made)] = payments.checkouts.values()
    payments.pay(made.id)
    sync.sync_user(alice.id)

    assert api.billing_view(charlie.id).subscription is None
    assert api.billing_view(charlie.id).invoices == ()
    assert len(api.billing_view(alice.id).invoices) == 1
    with pytest.raises(NotAllowed):
        api.cancel_subscription(charlie.id)
    assert not Subscription.objects.for_user(alice.id).get().is_ending


# --- what is sold -------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 5998},
        {"amount_minor": 59990},
        {"currency": "eur"},
        {"interval": "year"},
        {"interval_count": 3},
        {"interval": ""},
        {"is_active": False},
    ],
)
def test_no_other_price_is_ever_sold(payments: Payments, changes: dict[str, Any]) -> None:
    fields = {
        "id": PRICE,
        "amount_minor": 5999,
        "currency": "usd",
        "interval": "month",
        "interval_count": 1,
        "is_active": True,
        "product_name": "All access",
        **changes,
    }
    payments.prices[PRICE] = PriceData(**fields)
    alice = person("alice", verified_at=START)

    with pytest.raises(NeedsOperator, match="5999 usd a month"):
        begin(alice.id)

    assert not Plan.objects.exists() and not payments.checkouts


@pytest.mark.django_db
def test_a_new_price_object_is_a_new_version_and_leaves_subscriptions_alone(
    payments: Payments, settings: Any
) -> None:
    alice, bob = person("alice", verified_at=START), person("bob", verified_at=START)
    begin(alice.id)
    [(_, made)] = payments.checkouts.values()
    payments.pay(made.id)
    settings.STRIPE_PRICE_ID = "price_2"
    payments.prices["price_2"] = PriceData("price_2", 5999, "usd", "month", 1, True, "All")

    begin(bob.id)
    sync.sync_user(alice.id)

    assert list(Plan.objects.order_by("version").values_list("version", "is_offered")) == [
        (1, False),
        (2, True),
    ]
    assert Subscription.objects.for_user(alice.id).get().provider_price_id == PRICE
    settings.STRIPE_PRICE_ID = PRICE
    begin(bob.id, LATER + 60 * S)
    assert Plan.objects.get(is_offered=True).version == 1


@pytest.mark.django_db
def test_without_a_price_object_an_operator_is_asked(payments: Payments, settings: Any) -> None:
    settings.STRIPE_PRICE_ID = ""

    with pytest.raises(NeedsOperator, match="STRIPE_PRICE_ID"):
        begin(person("alice", verified_at=START).id)


@pytest.mark.django_db
def test_staff_close_checkout_and_what_runs_goes_on(payments: Payments) -> None:
    alice, bob = person("alice", verified_at=START), person("bob", verified_at=START)
    begin(alice.id)
    [checkout_id] = payments.checkouts
    payments.pay(checkout_id)
    api.sync_user(alice.id)
    switches.set_feature("checkout", False, "the price is wrong", bob.id)
    asked = len(payments.calls)

    with pytest.raises(NotAllowed, match="closed for the moment") as refused:
        begin(bob.id)

    assert refused.value.code == "checkout_closed"
    assert len(payments.calls) == asked, "nobody is asked outside"
    assert not Customer.objects.for_user(bob.id).exists()
    assert begin(alice.id).startswith("https://portal.test/")
    assert api.open_portal(alice.id, return_url="https://a.test/").startswith("https://portal")
    assert subscriptions.cancel_subscription(alice.id, LATER).is_ending
    assert not subscriptions.reactivate_subscription(alice.id, LATER).is_ending
    switches.set_feature("checkout", True, "the price is right", bob.id)
    assert begin(bob.id).startswith("https://pay.test/")
