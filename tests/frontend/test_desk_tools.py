"""What people do with the dashboard: drawing, layouts, looking back; in a real browser."""

from typing import Any

import pytest

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.models import Instrument
from signals.services.publish import publish
from signals.store.candles import store_candles
from signals.store.judgements import pack, store_judgements
from tests.frontend.conftest import Site
from tests.frontend.market import answer
from tests.frontend.played_engine import PlayedEngine
from tests.frontend.sign_in import sign_in
from tests.frontend.test_dashboard import in_database, is_live, shows
from tests.support.people import person
from tests.support.setups import AT_MS, make_draft
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser


def has_tools(page: Any) -> None:
    """Wait until the dashboard stands and its tools are loaded."""
    is_live(page)
    page.wait_for_selector("body[data-more]")


def has_drawings(page: Any, count: int) -> None:
    page.wait_for_selector(f'[data-draw][data-n="{count}"]')


def test_a_drawing_survives_a_reload_and_is_taken_back(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.dashboard)
    has_tools(page)
    box = page.locator("[data-chart]").bounding_box()
    page.click('[data-tool="line"]')
    page.mouse.move(box["x"] + 100, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 150, steps=3)
    page.mouse.up()
    has_drawings(page, 1)
    # A second one by the keyboard alone.
    page.focus('[data-tool="box"]')
    for key in ("Enter", "ArrowLeft", "Enter", "Shift+ArrowLeft", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    has_drawings(page, 2)
    page.reload()
    has_tools(page)
    has_drawings(page, 2)
    page.click("[data-table]")
    page.wait_for_function(
        "() => document.querySelector('[data-chart-table]').textContent.includes('Your drawings: Line from')"
    )
    page.click("[data-table]")
    page.click("[data-draw-next]")
    page.keyboard.press("Delete")
    has_drawings(page, 1)
    page.keyboard.press("Control+z")
    has_drawings(page, 2)
    page.click('.mk-row[data-symbol="C001USDT"]')
    has_drawings(page, 0)


def test_a_saved_layout_and_what_is_drawn_are_there_on_the_second_device(
    page: Any, chromium: Any, site: Site, engine: PlayedEngine
) -> None:
    alice = person("alice")
    sign_in(page, alice, site.url)
    page.goto(site.dashboard)
    has_tools(page)
    page.click("[data-open-layouts]")
    page.fill("[data-save-layout] input", "Night watch")
    page.click("[data-save-layout] button")
    page.wait_for_selector('body[data-layout="Night watch"]')
    page.click("[data-arrange]")
    page.focus('[data-move="signal"]')
    with page.expect_response(lambda r: "/layouts/" in r.url and r.request.method == "PATCH"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    with page.expect_response(lambda r: r.url.endswith("/watch-lists")):
        page.click('.mk-row[data-symbol="C003USDT"] .star')
    page.focus('[data-tool="line"]')
    with page.expect_response(lambda r: r.url.endswith("/drawings/BTCUSDT")):
        for key in ("Enter", "Enter", "Shift+ArrowLeft", "Enter"):
            page.keyboard.press(key)

    other = chromium.new_context(viewport={"width": 1440, "height": 900})
    try:
        second = other.new_page()
        sign_in(second, alice, site.url)
        second.goto(site.dashboard)
        has_tools(second)
        second.wait_for_selector('.pane-signal[data-slot="foot"]')
        second.wait_for_selector('.pane-feed[data-slot="side"]')
        has_drawings(second, 1)
        second.wait_for_function(
            "() => document.querySelector('[data-count=\"star\"]').textContent === '1'"
        )
    finally:
        other.close()


ASKED_MS = AT_MS + 7 * 60_000
"""A past minute: three minutes before what the played engine calls now."""


def store_a_past() -> None:
    """Store ten minutes of two markets, a judgement, and a signal that came later."""
    for rank, symbol in enumerate(("BTCUSDT", "C001USDT")):
        Instrument.objects.create(
            origin="simulated", symbol=symbol, base_asset=symbol.removesuffix("USDT"),
            tick_size="0.1", step_size="0.001", min_notional="5", brackets=[], rank=rank,
        )  # fmt: skip
        for timeframe in (Timeframe.M1, Timeframe.M15):
            rows = [
                (symbol, AT_MS + k * timeframe.duration_ms, (*[50_000.0 + k] * 4, *[1.0] * 4))
                for k in range(-20, 10)
            ]
            store_candles(Origin.SIMULATED, timeframe, rows)
    factors = {**answer("factors", {"symbol": "BTCUSDT", "timeframe": "15m"}), "probability": 0.33}
    gates = answer("gates", {"symbol": "BTCUSDT", "timeframe": "15m"})
    body = pack(factors, gates, {"funding_rate": 0.0003})
    judged = ("15m", "BTCUSDT", AT_MS + 5 * 60_000, True, 0.33, body)
    store_judgements(Origin.SIMULATED, [judged])
    publish(make_draft(at_ms=ASKED_MS + 60_000))


def test_a_link_shows_a_past_minute_as_it_was_then_known(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    in_database(store_a_past)
    page.goto(f"{site.dashboard}?symbol=BTCUSDT&at=2025-11-25T00:07Z&tab=gates")
    page.wait_for_selector("body[data-more]")
    shows(page, "[data-past-words]", "25 Nov 2025, 00:07 UTC, as then known")
    # The minute that closed at 00:07 is the newest known; the live price is 60,000.
    shows(page, "[data-last]", "50,006.0")
    shows(page, "[data-funding]", "0.0300%")
    shows(page, "[data-dock]", "chance of a win 33%")
    shows(page, "[data-ohlc]", "C 50,006.0")
    engine.tick("BTCUSDT", 61_234.5)
    assert page.locator("[data-signal-id]").count() == 0, "the signal came a minute later"
    page.keyboard.press(".")
    shows(page, "[data-past-words]", "00:08 UTC")
    page.wait_for_selector("[data-signal-id]")
    assert "at=2025-11-25T00%3A08Z" in page.url
    assert "61,234.5" not in page.inner_text("main")
    assert page.locator("[data-follow]").count() == 0, "nothing can be done in the past"
    page.click("[data-open-past]")
    shows(page, "[data-last]", "61,234.5")
    assert "at=" not in page.url


def test_alerts_commands_and_several_charts(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard)
    has_tools(page)
    page.keyboard.press("a")
    page.fill('[data-new-alert] [aria-label="Level"]', "60500")
    page.click("[data-new-alert] button")
    page.wait_for_selector('[data-alert-row="waits"]')
    page.keyboard.press("Escape")
    engine.tick("BTCUSDT", 60_499.9)
    engine.tick("BTCUSDT", 60_500.0)
    shows(page, "[data-toasts]", "BTCUSDT Price at or above 60,500.0")
    shows(page, "[data-alert-n]", "1")
    page.keyboard.press("Control+k")
    page.keyboard.type("four")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('[data-small-chart]').length === 3")
    wait_until(lambda: "market:C003USDT:15m" in engine.wanted())
    page.keyboard.press("Control+k")
    page.keyboard.type("c042")
    page.keyboard.press("Enter")
    shows(page, "[data-sym]", "C042USDT")
