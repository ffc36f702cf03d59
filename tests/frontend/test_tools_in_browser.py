"""Calculators in a real browser: an answer while one types, errors beside their field, no script."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.frontend.axe import violations
from tests.frontend.conftest import Site

pytestmark = pytest.mark.browser

ASKED = "/tools/liquidation-price?symbol=BTCUSDT&entry=60000&quantity=0.01&leverage=10&fee=0"


def test_the_answer_follows_what_is_typed(page: Any, site: Site) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(site.url + ASKED)
    price = page.locator("[data-result] .result-fig").first
    expect(price).to_have_text("54,216.87")
    page.fill("#t-leverage", "20")
    expect(price).to_have_text("57,228.92")  # (30 - 600) / -0.00996
    assert "leverage=20" in page.url, "the address holds the question"
    page.fill("#t-quantity", "a lot")
    field = page.locator("#t-quantity")
    expect(field).to_have_attribute("aria-invalid", "true")
    slot = page.locator("[data-error-of='quantity']")
    expect(slot).to_contain_text("Type a number such as")
    assert slot.get_attribute("id") in (field.get_attribute("aria-describedby") or "")
    for theme in ("dark", "light"):
        page.evaluate("theme => document.documentElement.setAttribute('data-theme', theme)", theme)
        assert violations(page) == [], theme
    page.fill("#t-quantity", "0.01")
    expect(slot).to_be_empty()
    expect(field).not_to_have_attribute("aria-invalid", "true")
    page.get_by_label("Crossed").check()
    expect(page.locator("#t-wallet")).to_be_visible()
    expect(page.locator("#t-leverage")).to_be_hidden()
    page.fill("#t-wallet", "60")
    expect(price).to_have_text("54,216.87")
    page.reload()
    expect(price).to_have_text("54,216.87")


def test_without_script_the_button_asks(chromium: Any, site: Site) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url + ASKED)
    page.fill("#t-leverage", "20")
    page.click("[data-tool] button[type=submit]")
    expect(page.locator("[data-result] .result-fig").first).to_have_text("57,228.92")
    assert "leverage=20" in page.url
    context.close()
