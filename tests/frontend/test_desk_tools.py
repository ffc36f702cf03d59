"""What people do with the dashboard: drawing, layouts, looking back; in a real browser."""

from typing import Any

import pytest

from tests.frontend.conftest import Site
from tests.frontend.played_engine import PlayedEngine
from tests.frontend.sign_in import sign_in
from tests.frontend.test_dashboard import is_live
from tests.support.people import person

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
