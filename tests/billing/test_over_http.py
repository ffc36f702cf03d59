"""The whole way over real sockets: Stripe's client, hosted pages, signed events, our server."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from accounts.models import User
from billing import api
from billing.contracts import State
from billing.models import Customer, ProviderEvent, Subscription
from billing.providers.stripe import Stripe
from billing.services import deletion, inbox, reconcile
from billing.standin.faults import ApiFault
from billing.standin.webhooks import WebhookFaults
from cryptosystems.kernel.errors import NeedsOperator, RetryLater, Unresolved
from tests.support.people import person, signed_in
from tests.support.stripe_standin import (
    KEY,
    PRICE_ID,
    WEBHOOK_SECRET,
    RunningStandIn,
    stripe_standin,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Shop:
    """Alice's browser at the hosted pages, and what our server made of the events."""

    standin: RunningStandIn
    browser: httpx.Client

    def press(self, url: str, button: str, value: str = "1") -> httpx.Response:
        """Open a page and press a button."""
        page = self.browser.get(url)
        token = re.search(r'name="token" value="([0-9a-f]+)"', page.text)
        assert token is not None, page.text
        return self.browser.post(url, data={"token": token[1], button: value})

    def subscribe(self, user: User) -> None:
        """Go to the checkout and pay."""
        url = api.start_checkout(
            user.id,
            plan_slug="all-access",
            success_url="http://127.0.0.1:9/done",
            cancel_url="http://127.0.0.1:9/back",
        )
        assert self.press(url, "pay").status_code == 303
        self.settle()

    def settle(self) -> None:
        """Wait until every event has come in and been worked."""
        wait_until(self.standin.has_delivered, 20)
        assert not ProviderEvent.objects.filter(state__in=("waiting", "failed")).exists()


@pytest.fixture
def open_shop(live_server: Any, settings: Any) -> Iterator[Callable[..., Shop]]:
    """Start a stand-in whose events reach our own server."""
    closers: list[Callable[..., object]] = []

    def start(**faults: Any) -> Shop:
        running = stripe_standin(
            webhook_url=f"{live_server.url}/billing/webhook", faults=WebhookFaults(**faults)
        )
        standin = running.__enter__()
        settings.STRIPE_SECRET_KEY = KEY
        settings.STRIPE_API_BASE = standin.base_url
        settings.STRIPE_PRICE_ID = PRICE_ID
        settings.STRIPE_WEBHOOK_SECRETS = (WEBHOOK_SECRET,)
        browser = httpx.Client(base_url=standin.base_url)
        closers.extend([browser.close, lambda: running.__exit__(None, None, None)])
        return Shop(standin, browser)

    yield start
    for close in closers:
        close()


def state_of(user: User) -> tuple[State, str]:
    held = api.entitlements_for(user.id)
    return held.state, held.code


def test_buy_cancel_go_on_and_get_the_money_back(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    assert state_of(alice) == (State.ENDED, "trial_over")

    shop.subscribe(alice)

    assert state_of(alice) == (State.ACTIVE, "subscribed")
    seen = api.billing_view(alice.id)
    assert seen.subscription is not None and seen.is_standin
    assert str(seen.subscription.price) == "59.99"
    [invoice] = seen.invoices
    assert (invoice.status, str(invoice.total), invoice.currency) == ("paid", "59.99", "usd")
    assert shop.browser.get(invoice.pdf_url).headers["Content-Type"] == "application/pdf"
    assert api.cancel_subscription(alice.id).is_ending
    shop.settle()
    assert state_of(alice) == (State.ACTIVE, "cancelled_to_period_end")
    assert not api.reactivate_subscription(alice.id).is_ending
    again = api.start_checkout(
        alice.id,
        plan_slug="all-access",
        success_url="http://127.0.0.1:9",
        cancel_url="http://127.0.0.1:9",
    )
    assert "/p/" in again, "who has a subscription comes to the portal"

    [charge] = shop.standin.client().v1.charges.list().data
    shop.standin.client().v1.refunds.create({"charge": charge.id, "amount": 1000})
    shop.settle()
    assert state_of(alice) == (State.ACTIVE, "subscribed")
    shop.standin.client().v1.refunds.create({"charge": charge.id})
    shop.settle()

    assert state_of(alice) == (State.ENDED, "refunded")
    assert api.billing_view(alice.id).invoices[0].status == "refunded"
    assert reconcile.reconcile_all() == []


def test_a_renewal_fails_and_recovers_then_fails_to_the_end(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.subscribe(alice)
    portal = api.open_portal(alice.id, return_url="http://127.0.0.1:9/billing")
    shop.press(portal, "card", "declines")

    shop.press(portal, "advance", "period")
    shop.settle()

    assert state_of(alice) == (State.GRACE, "payment_failed")
    held = Subscription.objects.for_user(alice.id).get()
    assert held.past_due_since is not None
    edge = held.past_due_since + timedelta(days=7)
    assert api.entitlements_for(alice.id, edge).state is State.CLOSE_ONLY
    assert shop.press(held.action_url, "pay").status_code in (200, 303)
    shop.settle()
    assert state_of(alice) == (State.ACTIVE, "subscribed")

    shop.press(portal, "card", "declines")
    for _ in range(2):
        shop.press(portal, "advance", "month")
    shop.settle()

    assert state_of(alice)[0] in (State.ENDED, State.CLOSE_ONLY)
    assert reconcile.reconcile_all() == []


def test_days_of_the_trial_are_kept_when_one_buys_early(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice")
    end = api.entitlements_for(alice.id).until
    assert end is not None

    shop.subscribe(alice)

    assert state_of(alice) == (State.ACTIVE, "paid_trial")
    held = Subscription.objects.for_user(alice.id).get()
    assert (held.status, held.period_ends_at) == ("trialing", end.replace(microsecond=0))
    assert [str(each.total) for each in api.billing_view(alice.id).invoices] in ([], ["0.00"])


def test_events_that_come_shuffled_and_doubled_change_nothing(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop(copies=2, is_shuffled=True, seed=7)
    alice = person("alice", verified_at=LONG_AGO)

    shop.subscribe(alice)
    api.cancel_subscription(alice.id)
    shop.settle()

    assert state_of(alice) == (State.ACTIVE, "cancelled_to_period_end")
    kinds = list(ProviderEvent.objects.values_list("provider_id", flat=True))
    assert len(kinds) == len(set(kinds)) > 5
    assert reconcile.reconcile_all() == []


def test_an_answer_lost_after_the_work_makes_nothing_twice(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    for match in (r"POST /v1/customers", r"POST /v1/checkout/sessions"):
        shop.standin.server.faults.orders.append(ApiFault(match, "cut_after"))

    shop.subscribe(alice)

    assert len(shop.standin.objects("customer")) == 1
    assert len(shop.standin.objects("checkout.session")) == 1
    assert state_of(alice) == (State.ACTIVE, "subscribed")


def test_a_failure_of_theirs_is_not_repeated_to_us_for_a_day(
    open_shop: Callable[..., Shop],
) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.standin.server.faults.orders.append(
        ApiFault(r"POST /v1/customers", "status", count=3, status=500)
    )

    shop.subscribe(alice)

    assert len(shop.standin.objects("customer")) == 1
    assert state_of(alice) == (State.ACTIVE, "subscribed")


def test_an_account_with_a_running_subscription_goes(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.subscribe(alice)
    User.objects.filter(pk=alice.pk).update(deletion_due_at=LONG_AGO)

    assert deletion.close_accounts() == 1

    [theirs] = shop.standin.objects("subscription")
    assert theirs["status"] == "canceled"
    assert not User.objects.filter(pk=alice.pk).exists()
    wait_until(shop.standin.has_delivered, 20)
    inbox.sweep()
    assert reconcile.reconcile_all() == []


def test_a_customer_deleted_over_there_is_forgotten_here(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.subscribe(alice)
    held = Customer.objects.for_user(alice.id).get()

    shop.standin.client().v1.customers.delete(held.provider_id)
    shop.settle()

    assert state_of(alice) == (State.ENDED, "trial_over")
    assert not Customer.objects.for_user(alice.id).exists()


def test_who_was_deleted_over_there_unheard_can_still_buy(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.subscribe(alice)
    old = Customer.objects.for_user(alice.id).get().provider_id
    shop.standin.server.config.faults.is_held = True
    shop.standin.client().v1.customers.delete(old)
    shop.standin.server.config.faults.is_held = False

    shop.subscribe(alice)

    assert Customer.objects.for_user(alice.id).get().provider_id != old
    assert state_of(alice) == (State.ACTIVE, "subscribed")


def test_a_wrong_key_needs_an_operator_and_is_not_told(
    open_shop: Callable[..., Shop], settings: Any
) -> None:
    open_shop()
    settings.STRIPE_SECRET_KEY = "sk_standin_wrong_secret"

    with pytest.raises(NeedsOperator, match="STRIPE_SECRET_KEY") as refused:
        api.start_checkout(
            person("alice").id,
            plan_slug="all-access",
            success_url="http://a",
            cancel_url="http://a",
        )

    assert "wrong_secret" not in str(refused.value)


def test_a_changed_address_reaches_the_customer(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.subscribe(alice)
    User.objects.filter(pk=alice.pk).update(email="new@example.org")

    api.sync_user(alice.pk)
    shop.settle()

    [theirs] = shop.standin.objects("customer")
    assert theirs["email"] == "new@example.org"
    assert state_of(alice) == (State.ACTIVE, "subscribed")


def test_an_answer_in_an_unknown_shape_is_words_and_no_crash(
    open_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.subscribe(alice)
    monkeypatch.setattr("billing.providers.stripe_shapes.subscription", lambda raw: raw["no such"])

    with pytest.raises(Unresolved, match="do not understand"):
        api.sync_user(alice.id)

    assert state_of(alice) == (State.ACTIVE, "subscribed"), "what we knew stands"
    answer = signed_in(alice).get("/account/billing")
    assert answer.status_code == 200 and b"may be a little old" in answer.content
    refused = signed_in(alice).post("/account/billing/cancel")
    assert refused.status_code == 503 and b"do not understand" in refused.content


def test_nobody_listens(settings: Any) -> None:
    with pytest.raises(RetryLater, match="do not answer right now"):
        Stripe("sk_standin_x", "http://127.0.0.1:9").price(PRICE_ID)


def test_a_dispute_shuts_the_door_until_it_is_won(open_shop: Callable[..., Shop]) -> None:
    shop, alice = open_shop(), person("alice", verified_at=LONG_AGO)
    shop.subscribe(alice)
    [charge] = shop.standin.client().v1.charges.list().data
    headers = {"Authorization": f"Bearer {KEY}"}
    opened = shop.browser.post("/_standin/disputes", data={"charge": charge.id}, headers=headers)
    assert opened.status_code == 200, opened.text
    shop.settle()
    assert state_of(alice) == (State.CLOSE_ONLY, "disputed")

    decided = shop.browser.post(
        f"/_standin/disputes/{opened.json()['id']}", data={"status": "won"}, headers=headers
    )
    assert decided.status_code == 200, decided.text
    shop.settle()

    assert state_of(alice) == (State.ACTIVE, "subscribed")
