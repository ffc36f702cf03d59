"""A person with a real browser: from checkout over the bank and back to the product's own page."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.billing.standin.conftest import Shop
from tests.support.browsers import chromium_browser

pytestmark = pytest.mark.browser
WAY_BACK = {
    "success_url": "http://127.0.0.1:{port}/billing/webhook?from={{CHECKOUT_SESSION_ID}}",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium_browser() as found:
        yield found


def _checkout(shop: Shop, customer: str) -> Any:
    """Begin a checkout that ends on another origin, as the product's is."""
    port = shop.inbox.url.split(":")[2].split("/")[0]
    return shop.checkout(
        customer, success_url=WAY_BACK["success_url"].format(port=port), cancel_url=shop.inbox.url
    )


def _is_sound(page: Any) -> None:
    """Nothing scrolls sideways, and a screen reader gets all of it."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_from_checkout_over_the_bank_to_the_portal(shop: Shop, browser: Any, scheme: Any) -> None:
    customer = shop.customer()
    session = _checkout(shop, customer)
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    refusals: list[str] = []
    page.on("console", lambda message: refusals.append(message.text))
    page.goto(session.url)
    _is_sound(page)

    page.locator("input[name=code]").fill("HALF")
    page.locator("input[name=code]").press("Enter")
    page.get_by_text("29.99 USD").first.wait_for()
    assert shop.standin.objects("subscription") == []
    page.locator("button[name=decline]").click()
    page.get_by_role("alert").wait_for()
    _is_sound(page)
    page.locator("button[name=confirm]").click()
    page.wait_for_url("**/a/pi_*")
    _is_sound(page)
    page.locator("button[name=pass]").click()
    page.wait_for_url(re.compile("webhook\\?from=cs_test_"))
    assert shop.subscription(customer).status == "active"

    page.goto(shop.portal(customer))
    _is_sound(page)
    page.locator("button[name=cancel]").click()
    page.locator("button[name=renew]").click()
    page.locator("button[name=card][value=declines]").click()
    page.locator("button[name=advance][value=period]").click()
    page.locator("[data-status=past_due]").wait_for()
    _is_sound(page)
    page.locator("button[name=card][value=good]").click()
    page.locator("button[name=pay]").click()
    page.locator("[data-status=active]").wait_for()
    assert [each.status for each in shop.invoices(customer)] == ["paid", "paid"]
    page.goto(str(shop.invoices(customer)[0].hosted_invoice_url))
    _is_sound(page)
    assert not [text for text in refusals if "Security Policy" in text]
    context.close()
