"""Blog and front door in a real browser: no barrier in either theme, price that moves, contents that lead."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.frontend.axe import sideways, violations
from tests.frontend.conftest import DESKTOP, PHONE, Site, engine, page, site
from tests.support.waiting import wait_until

__all__ = ["engine", "page", "site"]
pytestmark = pytest.mark.browser

ARTICLE = "/blog/how-crypto-trading-bots-work"


@pytest.mark.parametrize("page", [DESKTOP, PHONE], indirect=True, ids=["desktop", "phone"])
def test_no_barrier_and_nothing_sideways_in_either_theme(page: Any, site: Site) -> None:
    page.emulate_media(reduced_motion="reduce")  # a colour on its way is not yet a colour
    for address in ("/", "/blog/", ARTICLE):
        page.goto(site.url + address)
        for details in page.locator(".faq summary").all():
            details.click()
        for theme in ("dark", "light"):
            page.evaluate("t => document.documentElement.setAttribute('data-theme', t)", theme)
            assert violations(page) == [], f"{address} {theme}"
        if page.viewport_size["width"] == PHONE["width"]:
            page.set_viewport_size({"width": 360, "height": 740})
            assert sideways(page) <= 0, address
            page.set_viewport_size(PHONE)
        assert page.evaluate("window.shift") < 0.05, address


def test_the_price_of_the_front_door_follows_the_market(page: Any, site: Site, engine: Any) -> None:
    page.goto(site.url + "/")
    shown = page.locator("[data-price]")
    expect(shown).to_have_text("60,000.0")

    def has_followed() -> bool:
        engine.tick("BTCUSDT", 61_234.5)  # each time anew: the page may not have been listening yet
        return str(shown.inner_text()) == "61,234.5"

    wait_until(has_followed, 5.0, every_s=0.25)


def test_a_line_of_the_contents_leads_to_its_part(page: Any, site: Site) -> None:
    page.goto(site.url + ARTICLE)
    page.get_by_role("navigation", name="Contents").get_by_role("link").nth(3).click()
    heading = page.locator(f"h2[id='{page.url.split('#')[1]}']")
    expect(heading).to_be_in_viewport()
    assert heading.evaluate("h => h.getBoundingClientRect().top") >= 48, "under the header"
