"""The whole product as a newcomer gets it: every process, one command, a browser, and a crash."""

import os
import signal as os_signal
import sys
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import Product
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the engine")


@pytest.mark.browser
def test_a_visitor_without_an_account_sees_the_market_move(product: Product, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(product.url + "/ai-trading/dashboard")

    prices = "() => [...document.querySelectorAll('[data-last]')].map((e) => e.textContent).join()"
    page.wait_for_function("() => /\\d/.test(document.querySelector('[data-last]')?.textContent)")
    before = page.evaluate(prices)
    page.wait_for_function(f"(before) => ({prices})() !== before", arg=before)

    page.wait_for_function("() => document.querySelector('[data-chart-skeleton]').hidden")
    assert "Estimated" in page.locator("[data-legend]").inner_text()
    assert page.locator("[data-badge=sim]").count() == 1
    page.locator("[data-signal] [data-confidence], [data-gates] [data-gate]").first.wait_for()
    page.locator("[data-feed-list] [data-signal-id]").first.wait_for()
    assert said == []
    page.close()


def test_the_record_is_not_empty_and_says_that_it_is_a_backtest(product: Product) -> None:
    def settled() -> list[dict[str, Any]]:
        asked = {"state": "settled", "origin": "backtest"}
        found = httpx.get(product.url + "/api/v1/signals", params=asked, timeout=20).json()
        return list(found["results"])

    # It follows the first training, while signals are already scored live.
    rows = wait_until(settled, 120.0, every_s=0.5)
    assert {row["origin"] for row in rows} == {"backtest"}
    shown = httpx.get(product.url + f"/api/v1/signals/{rows[0]['id']}/recompute", timeout=20).json()
    assert shown["matches"] is True


def test_a_killed_engine_is_back_by_itself(product: Product, killed_in: dict[str, int]) -> None:
    killed, killed_in["minute"] = product.engine_pid(), product.last_minute()
    os.kill(killed, os_signal.SIGKILL)
    wait_until(lambda: product.engine_pid() not in (0, killed), 30.0)
    wait_until(lambda: not product.is_ready(), 30.0)
    wait_until(product.is_ready, 120.0, every_s=0.2)
    # What it missed is looked at when two minutes have passed: `test_what_was_missed`.
