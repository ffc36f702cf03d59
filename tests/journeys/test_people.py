"""From visitor to subscriber and back, in a browser, on the product as `bin/up` starts it.

Mail is read from the file outbox; money is played by the stand-in of Stripe.
"""

import re
import sys
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.journeys.conftest import Product
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="starts the product as on Linux"),
]

ADDRESS = "ana.journey@example.org"
PASSWORD = "a sentence that works well"
CODE = re.compile(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4}|\d{6})\s*$", re.M)


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def sign_up(page: Any, product: Product, address: str) -> None:
    """Sign up and confirm the address with the code from the mail."""
    page.goto(product.url + "/accounts/signup/")
    page.fill("input[name=email]", address)
    page.fill("input[name=password1]", PASSWORD)
    assert page.locator("input[name*=card], input[autocomplete^=cc-]").count() == 0
    page.check("main input[type=checkbox]")
    page.click("main form button[type=submit]")
    page.locator("input[name=code]").wait_for()
    [mail] = wait_until(lambda: product.mails_to(address), 20.0, every_s=0.1)
    found = CODE.search(text_of(mail))
    assert found is not None, text_of(mail)
    page.fill("input[name=code]", found[1])
    page.click("main form button[type=submit]")
    page.wait_for_url("**/ai-trading/dashboard")


def state_of(page: Any) -> dict[str, Any]:
    """Ask what is open to whoever is signed in."""
    answer = page.request.get(f"{origin(page)}/api/v1/account/entitlement")
    assert answer.ok, answer.text()
    return dict(answer.json())


def origin(page: Any) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"


def until_state(page: Any, product: Product, state: str) -> dict[str, Any]:
    """Wait until the signed-in person stands in a state: webhooks arrive when they do."""

    def reached() -> dict[str, Any] | None:
        answer = page.request.get(product.url + "/api/v1/account/entitlement")
        found = dict(answer.json())
        return found if answer.ok and found["state"] == state else None

    return dict(wait_until(reached, 60.0, every_s=0.3))


def test_from_visitor_to_subscriber_and_back_to_the_demo(product: Product, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))

    # A visitor looks, reads the price, and signs up: no card is asked for.
    page.goto(product.url + "/ai-trading/plans-pricing")
    assert "$59.99" in page.locator("main").inner_text()
    sign_up(page, product, ADDRESS)

    # The trial opens everything a subscriber has, and nothing exists at the payment provider.
    trial = state_of(page)
    assert trial["state"] == "trial"
    page.locator("[data-signal] [data-confidence], [data-gates] [data-gate]").first.wait_for()
    page.wait_for_function("() => document.querySelector('[data-chart-skeleton]').hidden")
    assert "7 days" in page.locator("header").inner_text()
    [(customers,)] = product.stored(
        "SELECT count(*) FROM billing_customer c JOIN accounts_user u ON u.id = c.user_id"
        " WHERE u.email = ?",
        ADDRESS,
    )
    assert customers == 0

    # Checkout, on the stand-in's page, which says what it is.
    page.goto(product.url + "/account/billing")
    page.locator("[data-standin]").wait_for()
    page.click("form[action*=subscribe] button")
    page.locator("button[name=pay]").wait_for()
    assert urlsplit(page.url).netloc != urlsplit(product.url).netloc
    assert "no money moves" in page.locator("body").inner_text()
    page.click("button[name=pay]")
    page.wait_for_url(product.url + "/account/billing**")
    active = until_state(page, product, "active")
    assert set(active["features"]) == set(trial["features"])

    # Cancel in two clicks; access runs on to the end of the period.
    page.goto(product.url + "/account/billing")
    page.click("[data-cancel]")
    page.click("main form button[type=submit]")
    page.wait_for_url(product.url + "/account/billing**")
    ending = until_state(page, product, "active")
    assert ending["until"] is not None
    page.goto(product.url + "/account/billing")
    page.locator("[data-until-end]").wait_for()

    # The period ends by the stand-in's clock; what is left is the demo, and nothing was charged.
    page.click("form[action*=portal] button")
    page.click("button[name=advance][value=period]")
    ended = until_state(page, product, "ended")
    assert set(ended["features"]) == {"manage_positions"}
    page.goto(product.url + "/ai-trading/dashboard")
    page.wait_for_function("() => /\\d/.test(document.querySelector('[data-last]')?.textContent)")
    assert broken == []
    context.close()


def test_what_was_mailed_on_the_way(product: Product) -> None:
    subjects = [str(mail["Subject"]) for mail in product.mails_to(ADDRESS)]
    assert subjects, "the journey before this one mailed nothing"
    assert all("\n" not in subject for subject in subjects)


def test_a_second_account_of_the_same_mailbox_gets_no_second_trial(
    product: Product, chromium: Any
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    sign_up(page, product, ADDRESS.replace("@", "+again@"))
    found = state_of(page)
    assert found["state"] == "demo"
    assert "trial" in found["sentence"]
    context.close()


def test_the_console_sends_strangers_away(product: Product) -> None:
    answer = httpx.get(product.url + "/admin/", follow_redirects=False, timeout=10.0)
    assert answer.status_code in (302, 403, 404)
