"""Plan and billing: from the button to the provider and back, with every state said in words."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing import api as billing
from billing.contracts import State
from billing.models import Subscription, Trial
from billing.providers import replaced
from cryptosystems.kernel.errors import RetryLater
from cryptosystems.platform import switches
from frontend.pages.billing import MOST_AN_ADDRESS
from tests.support.payments import PRICE, Payments
from tests.support.people import alice, charlie, person, signed_in

pytestmark = pytest.mark.django_db

PAGE = "/account/billing"


@pytest.fixture(autouse=True)
def payments(settings: Any, tmp_path: Any) -> Iterator[Payments]:
    """The payment provider in memory; no engine; nobody has opened a payment page yet."""
    cache.clear()
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"
    settings.STRIPE_SECRET_KEY = "sk_standin_tests"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9876"
    settings.STRIPE_PRICE_ID = PRICE
    kept = Payments(at=timezone.now())
    with replaced(kept):
        yield kept


@pytest.fixture
def owner() -> User:
    """Alice, whose trial is over."""
    user = alice()
    end = timezone.now() - timedelta(days=1)
    Trial.objects.add_for(user.pk, started_at=end - timedelta(days=7), ends_at=end)
    return user


def press(browser: Client, what: str, **fields: str) -> Any:
    return browser.post(f"{PAGE}/{what}", fields)


def html_of(browser: Client, address: str = PAGE) -> str:
    return str(browser.get(address).content.decode())


def subscribed(browser: Client, payments: Payments, owner: User) -> str:
    """Walk from the button over the payment to the page after it; return the subscription's id."""
    assert press(browser, "subscribe", plan=billing.offer().slug).status_code == 303
    [checkout] = payments.checkouts
    made = payments.pay(checkout)
    assert 'data-done="open"' in html_of(browser, PAGE + "/done")
    return made.id


def test_the_button_leads_to_the_provider_and_names_no_price(
    owner: User, payments: Payments
) -> None:
    browser = signed_in(owner, enforce_csrf_checks=False)
    answer = press(browser, "subscribe", plan=billing.offer().slug, price="1", amount="1")
    assert answer.status_code == 303
    assert answer["Location"].startswith("https://pay.test/")
    [(order, _data)] = payments.checkouts.values()
    assert order.price_id == PRICE
    assert billing.entitlements_for(owner.pk).state is State.ENDED


def test_two_clicks_in_two_tabs_make_one_checkout(owner: User, payments: Payments) -> None:
    first, second = signed_in(owner), signed_in(owner)
    plan = billing.offer().slug
    there = {press(tab, "subscribe", plan=plan)["Location"] for tab in (first, second, first)}
    assert len(there) == 1
    assert len(payments.checkouts) == 1


def test_a_form_without_its_token_is_refused(owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    for what in ("subscribe", "portal", "cancel", "keep"):
        assert press(browser, what).status_code == 403


def test_a_plan_that_is_not_sold_is_refused_in_words(owner: User) -> None:
    answer = press(signed_in(owner), "subscribe", plan="golden")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_coming_back_grants_nothing_until_the_provider_says_so(
    owner: User, payments: Payments
) -> None:
    browser = signed_in(owner)
    press(browser, "subscribe", plan=billing.offer().slug)
    payments.calls.clear()
    html = html_of(browser, PAGE + "/done?session_id=cs_forged&paid=yes")
    assert 'data-done="waiting"' in html
    assert '<noscript><meta http-equiv="refresh"' in html
    assert payments.calls.count("snapshot") == 1
    assert browser.get(PAGE + "/done/state").json() == {"open": False}
    assert billing.entitlements_for(owner.pk).state is State.ENDED
    html = html_of(browser, PAGE + f"/done?since={int(timezone.now().timestamp()) - 61}")
    assert 'data-done="later"' in html and "will mail you" in html
    assert "http-equiv" not in html
    [checkout] = payments.checkouts
    payments.pay(checkout)
    assert browser.get(PAGE + "/done/state").json() == {"open": True}
    assert billing.entitlements_for(owner.pk).state is State.ACTIVE


def test_while_the_provider_is_silent_the_page_after_a_payment_goes_on_asking(
    owner: User, payments: Payments
) -> None:
    browser = signed_in(owner)
    press(browser, "subscribe", plan=billing.offer().slug)
    payments.trouble = RetryLater("down")
    assert 'data-done="waiting"' in html_of(browser, PAGE + "/done")
    answer = press(browser, "portal")
    assert answer.status_code in (429, 503)
    assert 'role="alert"' in answer.content.decode()


def test_a_subscriber_reads_the_next_charge_and_finds_invoices(
    owner: User, payments: Payments
) -> None:
    browser = signed_in(owner)
    subscribed(browser, payments, owner)
    html = html_of(browser)
    assert "data-next" in html and "$59.99" in html
    assert "CS-0001" in html and "https://pay.test/invoice.pdf" in html
    assert 'action="/account/billing/subscribe"' not in html
    assert press(browser, "portal")["Location"].startswith("https://portal.test/")


def test_cancelling_takes_two_clicks_says_the_date_and_can_be_taken_back(
    owner: User, payments: Payments
) -> None:
    browser = signed_in(owner)
    subscription = subscribed(browser, payments, owner)
    page = html_of(browser)
    assert f'href="{PAGE}/cancel"' in page
    asked = html_of(browser, PAGE + "/cancel")
    end = Subscription.objects.for_user(owner.pk).get().period_ends_at
    assert end is not None
    assert f"{end:%H:%M} UTC" in asked and "Nothing more is charged." in asked
    assert payments.subscriptions[subscription].is_ending is False
    answer = browser.post(PAGE + "/cancel", follow=True)
    assert answer.redirect_chain[0][1] == 303
    html = answer.content.decode()
    assert "Cancelled. Access runs until" in html
    assert "data-until-end" in html and "Keep it" in html
    assert payments.subscriptions[subscription].is_ending is True
    assert "Cancelled. Access" not in html_of(browser)
    assert browser.get(PAGE + "/cancel").status_code == 302
    html = browser.post(PAGE + "/keep", follow=True).content.decode()
    assert "Kept. The subscription goes on" in html
    assert payments.subscriptions[subscription].is_ending is False


def test_a_failed_payment_is_said_with_the_way_to_pay(owner: User, payments: Payments) -> None:
    browser = signed_in(owner)
    subscription = subscribed(browser, payments, owner)
    payments.fail_payment(subscription)
    billing.sync_user(owner.pk)
    html = html_of(browser)
    assert "Payment failed" in html
    assert "data-banner" in html and "A payment failed. Everything works until" in html
    assert "Pay the open invoice</a>" in html
    assert ">Pay<" in html


def test_a_payment_that_the_bank_wants_confirmed_has_its_link(owner: User) -> None:
    now = timezone.now()
    Subscription.objects.add_for(
        owner.pk,
        provider_id="sub_1",
        provider_price_id=PRICE,
        status="incomplete",
        amount_minor=5999,
        currency="usd",
        started_at=now,
        action_url="https://pay.test/confirm",
        fetched_at=now,
    )
    html = html_of(signed_in(owner))
    assert 'href="https://pay.test/confirm"' in html
    assert "Confirm the payment" in html


def test_nobody_else_sees_it_and_a_visitor_is_sent_to_sign_in(
    owner: User, payments: Payments
) -> None:
    subscribed(signed_in(owner), payments, owner)
    html = html_of(signed_in(charlie()))
    assert "CS-0001" not in html and "None yet." in html
    for address in (PAGE, PAGE + "/cancel", PAGE + "/done", "/account/", "/account/api-tokens"):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/?next=")


def test_billing_pages_are_never_stored(owner: User) -> None:
    browser = signed_in(owner)
    for address in (PAGE, PAGE + "/done", "/account/api-tokens", "/account/"):
        assert "no-store" in browser.get(address)["Cache-Control"]


def test_the_sixth_checkout_of_an_hour_says_how_long_to_wait(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_fields: Any) -> str:
        raise RetryLater("Five payment pages in an hour are enough. Wait 12 minutes.", after_s=719)

    monkeypatch.setattr("billing.api.start_checkout", refuse)
    answer = press(signed_in(owner), "subscribe", plan=billing.offer().slug)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "720"
    assert "Wait 12 minutes." in answer.content.decode()


def test_a_provider_fault_is_words_and_not_a_crash(
    owner: User, payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments.trouble = RetryLater("Payments do not answer. Try again in a minute.")
    answer = press(signed_in(owner), "subscribe", plan=billing.offer().slug)
    assert answer.status_code in (429, 503)
    assert "Try again" in answer.content.decode()


def test_while_checkout_is_closed_the_button_says_why(owner: User, payments: Payments) -> None:
    switches.set_feature("checkout", False, "the price is wrong", owner.pk)
    browser = signed_in(owner)
    for address in (PAGE, "/ai-trading/plans-pricing"):
        html = html_of(browser, address)
        assert 'aria-disabled="true" aria-describedby="why-closed"' in html
        assert "New subscriptions are closed for the moment." in html
        assert 'action="/account/billing/subscribe"' not in html
    answer = press(browser, "subscribe", plan=billing.offer().slug)
    assert answer.status_code == 403
    assert "closed for the moment" in answer.content.decode()
    assert payments.checkouts == {}


def test_one_address_cannot_try_cards_by_many_accounts(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.api.start_checkout", lambda *_a, **_k: "https://pay.test/page")
    slug = billing.offer().slug
    codes = [
        press(signed_in(person(f"buyer{number}")), "subscribe", plan=slug).status_code
        for number in range(MOST_AN_ADDRESS)
    ]
    assert set(codes) == {303}
    refused = press(signed_in(alice()), "subscribe", plan=slug)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 3601
    assert "from your network" in refused.content.decode()


def test_what_only_an_operator_can_mend_is_not_told_to_a_buyer(
    owner: User, settings: Any, payments: Payments
) -> None:
    settings.STRIPE_PRICE_ID = ""
    answer = press(signed_in(owner), "subscribe", plan=billing.offer().slug)
    html = answer.content.decode()
    assert answer.status_code == 503
    assert "Payments cannot be taken here at the moment. Nothing was charged." in html
    assert "STRIPE" not in html
