"""On a phone: nothing scrolls sideways, tabs at the foot, sheets, and an app without old prices."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from playwright.sync_api import expect

from tests.frontend.axe import sideways, violations
from tests.frontend.conftest import Site
from tests.frontend.sign_in import sign_in
from tests.frontend.test_sales_in_browser import on_trial
from tests.support.people import signed_in
from tests.tenancy.cases import EVERYONE, OWN
from tests.tenancy.routes import all_routes

SMALL: Final = {"width": 360, "height": 740}
_NO_PAGES: Final = ("healthz", "readyz", "metrics", "schema", "docs", "own-", "usersessions")


def pages() -> list[str]:
    """Return every address without a place in it that a person may open."""
    return sorted(
        {
            f"/{route.pattern}"
            for route in all_routes()
            if route.name in EVERYONE | OWN
            and not route.name.startswith(_NO_PAGES)
            and not route.pattern.startswith(("api/", "^api"))
            and "<" not in route.pattern
            and "(?" not in route.pattern
        }
        | {f"/tools/{slug}" for slug in ("position-size", "liquidation-price", "risk-reward")}
    )


def is_page(answer: Any) -> bool:
    return answer.status_code == 200 and answer["Content-Type"].startswith("text/html")


@pytest.mark.browser
@pytest.mark.parametrize("page", [SMALL], indirect=True, ids=["360"])
def test_no_page_scrolls_sideways(page: Any, site: Site) -> None:
    user = on_trial(timedelta(days=5))
    sign_in(page, user, site.url)
    browser = signed_in(user)
    found = [
        address
        for address in pages()
        if is_page(browser.get(address, headers={"host": "127.0.0.1"}))
    ]
    assert len(found) > 25, "the walk found nothing to walk over"
    wide = {}
    for address in found:
        page.goto(site.url + address, wait_until="domcontentloaded")
        if (by := sideways(page)) > 0:
            wide[address] = by
    assert wide == {}


@pytest.mark.browser
@pytest.mark.parametrize("page", [SMALL], indirect=True, ids=["360"])
def test_tabs_stand_at_the_foot_and_a_menu_is_a_sheet(page: Any, site: Site) -> None:
    page.goto(site.url + "/tools/")
    tabs = page.get_by_role("navigation", name="Quick")
    assert tabs.get_by_role("link", name="Tools").get_attribute("aria-current") == "page"
    box = tabs.bounding_box()
    assert box["y"] + box["height"] == SMALL["height"]
    page.locator("summary[aria-label='Menu']").click()
    sheet = page.locator(".menu[open] .menu-pop").bounding_box()
    assert (sheet["x"], sheet["width"]) == (0, SMALL["width"])
    assert sheet["y"] + sheet["height"] == SMALL["height"]
    assert all(
        link.bounding_box()["height"] >= 44
        for link in page.locator(".menu[open] .menu-pop a").all()
    )
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator(".menu[open]")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize("page", [SMALL], indirect=True, ids=["360"])
def test_without_network_nothing_old_and_nothing_private_is_shown(
    page: Any, site: Site, settings: Any
) -> None:
    settings.SERVICE_WORKER = True
    user = on_trial(timedelta(days=5))
    sign_in(page, user, site.url)
    page.goto(site.url + "/account/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.goto(site.url + "/account/settings")
    kept = page.evaluate(
        """async () => {
          const found = {};
          for (const name of await caches.keys())
            for (const request of await (await caches.open(name)).keys())
              found[new URL(request.url).pathname] = await (await caches.match(request)).text();
          return found;
        }"""
    )
    assert "/offline" in kept
    assert all(path == "/offline" or path.startswith("/static/") for path in kept)
    assert not any(user.email in text for text in kept.values())
    page.context.set_offline(True)
    page.goto(site.url + "/account/orders")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    page.context.set_offline(False)
    page.goto(site.url + "/account/orders")
    expect(page.get_by_role("heading", name="No connection")).to_have_count(0)


@pytest.mark.django_db
def test_the_manifest_names_what_an_installed_app_needs() -> None:
    answer = Client().get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    told = answer.json()
    assert (told["display"], told["start_url"]) == ("standalone", "/ai-trading/dashboard")
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}
    assert {icon["sizes"] for icon in told["icons"]} == {"192x192", "512x512"}


@pytest.mark.django_db
def test_worker_and_offline_page_are_the_same_for_everybody() -> None:
    answer = Client().get("/worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "no-cache" in answer["Cache-Control"]
    page = Client().get("/offline")
    assert "Set-Cookie" not in page and b"csrf" not in page.content
