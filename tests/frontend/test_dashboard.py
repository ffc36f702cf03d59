"""The dashboard in a real browser, on real HTTP, socket and bus; the engine is played by hand."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from signals.services.publish import apply_change, publish
from tests.frontend.conftest import PHONE, Site
from tests.frontend.market import make_rows, make_status, warming
from tests.frontend.played_engine import PlayedEngine
from tests.support.setups import AT_MS, filled, make_draft, won
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser


def in_database(work: Callable[[], Any]) -> Any:
    """Run work on rows in a thread of its own: this one runs Playwright's event loop."""

    def closed() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(closed).result(20)


def shows(page: Any, selector: str, text: str) -> None:
    """Wait until an element shows a text."""
    page.wait_for_function(
        "([s, t]) => { const e = document.querySelector(s); return e && e.textContent.includes(t) }",
        arg=[selector, text],
    )


def is_live(page: Any) -> None:
    """Wait until the socket stands, the chart is drawn and all markets are read."""
    page.wait_for_selector("[data-feed-dot].dot-ok", state="attached")
    page.wait_for_selector("[data-chart-skeleton]", state="hidden")
    page.wait_for_selector("[data-grid][data-whole]", state="attached")


def test_prices_move_without_a_reload(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard)
    is_live(page)
    engine.tick("BTCUSDT", 60_123.4)
    shows(page, "[data-last]", "60,123.4")
    shows(page, '.mk-row[data-symbol="BTCUSDT"] .px', "60,123.4")
    assert page.title() == "BTCUSDT 60,123.4 · Dashboard · CryptoSystems"
    engine.send(
        "market:BTCUSDT:15m",
        {"candle": [1_764_028_800, 60_000.0, 60_500.0, 59_900.0, 60_432.1, 9.0], "closed": False},
    )
    shows(page, "[data-ohlc]", "60,432.1")


def test_nothing_moves_after_the_first_paint(page: Any, site: Site, engine: PlayedEngine) -> None:
    in_database(lambda: publish(make_draft()))
    page.goto(site.dashboard)
    is_live(page)
    page.wait_for_selector("[data-waterfall]")
    assert page.evaluate("window.shift") < 0.01


def test_the_longest_words_of_the_top_bar_fit_every_desk(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    name = {"version": "simulated-20261125-141519", "trained_at": "2025-11-24T20:00:00.000Z"}
    engine.status = make_status(model=name)
    page.goto(site.dashboard)
    is_live(page)
    for width in (1600, 1440, 1280, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_hundreds_of_markets_take_a_screenful_of_rows(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.dashboard)
    is_live(page)
    assert page.get_attribute("[data-grid]", "aria-rowcount") == "301"
    assert page.locator(".mk-row").count() < 60
    page.evaluate("document.querySelector('[data-view-port]').scrollTop = 1e6")
    page.wait_for_selector('.mk-row[data-symbol="C299USDT"]')
    assert page.locator(".mk-row").count() < 60


def test_markets_are_searched_sorted_and_watched(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.dashboard)
    is_live(page)
    page.keyboard.press("/")
    page.keyboard.type("c12")
    page.wait_for_function("() => document.querySelectorAll('.mk-row').length === 10")
    page.fill("#mk-q", "nothing")
    shows(page, "[data-mk-empty]", "No market matches “NOTHING”.")
    page.fill("#mk-q", "")
    page.click('[data-sort="change_24h"]')
    page.wait_for_selector('.mk-row[aria-rowindex="2"][data-symbol="C299USDT"]')
    page.click('[data-sort="change_24h"]')
    page.wait_for_selector('.mk-row[aria-rowindex="2"][data-symbol="C001USDT"]')
    page.click('.mk-row[data-symbol="C003USDT"] .star')
    page.click('[data-filter="star"]')
    page.wait_for_function("() => document.querySelectorAll('.mk-row').length === 1")
    page.reload()
    is_live(page)
    shows(page, '[data-count="star"]', "1")


def test_the_list_is_used_by_keyboard_alone(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard)
    is_live(page)
    page.focus('.mk-row[tabindex="0"]')
    for _ in range(45):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("w")
    shows(page, '[data-count="star"]', "1")
    page.keyboard.press("Enter")
    shows(page, "[data-sym]", "C045USDT")
    assert "symbol=C045USDT" in page.url
    focused = page.evaluate("document.activeElement.dataset.symbol")
    assert focused == "C045USDT"
    assert page.locator('.mk-row[tabindex="0"]').count() == 1


def test_a_signal_appears_in_feed_panel_and_list_the_moment_it_is_issued(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.dashboard)
    is_live(page)
    page.wait_for_selector("[data-gates]")
    draft = make_draft()
    entry = in_database(lambda: publish(draft))
    data = in_database(lambda: _frame(entry))
    engine.send("signals", data, entry.sequence)
    page.wait_for_selector(f'[data-signal-id="{draft.id}"]')
    page.wait_for_selector('[data-signal] [data-side="long"]')
    page.wait_for_selector('.mk-row[data-symbol="BTCUSDT"] .mk-side svg')
    shows(page, "[data-announce]", "New long, BTC, 62%")
    shows(page, "[data-record]", "no measured record yet")
    steps = page.locator("[data-waterfall] .wf-row:not(.base):not(.total) .v").all_inner_texts()
    moved = sum(float(step.replace("−", "-")) for step in steps)
    assert abs(50 + moved - 62) < 0.3  # what is written adds up to what is stated
    targets = {t["price"] for t in data["signal"]["targets"]}
    for price in targets:
        assert f"{float(price):,.1f}" in page.inner_text(".levels")
    shows(page, "[data-chart-text]", "Long signal: entry")


def test_a_settled_signal_keeps_its_row_and_says_its_result(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    draft = make_draft()
    in_database(lambda: publish(draft))
    in_database(lambda: apply_change(filled(draft.id)))
    page.goto(site.dashboard)
    is_live(page)
    row = f'[data-signal-id="{draft.id}"]'
    page.wait_for_selector(row)
    entry = in_database(lambda: apply_change(won(draft.id, net_r=-1.06)))
    engine.send("signals", in_database(lambda: _frame(entry)), entry.sequence)
    shows(page, row, "stopped")
    shows(page, row, "−1.06 R".replace(" ", "\u2009"))
    page.click('[data-feed="open"]')
    shows(page, "[data-feed-list]", "No signal is open.")
    page.click('[data-feed="settled"]')
    page.click(row)
    page.wait_for_selector('[data-state="lost"]')


def test_what_was_issued_while_the_line_was_down_is_not_missed(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.dashboard)
    is_live(page)
    missed = [make_draft(symbol=f"C00{n}USDT", base=f"C00{n}", at_ms=AT_MS + n) for n in (1, 2, 3)]
    for draft in missed:
        in_database(lambda draft=draft: publish(draft))  # no frame is sent: the line was down
    page.evaluate(
        """async (url) => {
          const { Live, streamUrl } = await import(url);
          const live = new Live(streamUrl(), 0);
          window.heard = [];
          live.subscribe("signals", (data, frame) => window.heard.push([frame.seq, data.signal.symbol]));
          live.start();
        }""",
        site.url + "/static/frontend/js/live.js",
    )
    page.wait_for_function("() => window.heard.length >= 3")
    numbers = [sequence for sequence, _ in page.evaluate("window.heard")]
    assert numbers == sorted(set(numbers))


def test_without_a_signal_the_gates_say_why(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard + "?tf=1h")
    shows(page, "[data-signal]", "2 of 3 gates passed")
    gate = page.locator('[data-gate="edge"]')
    assert gate.get_attribute("data-passed") == "false"
    assert "needs 47.0%" in gate.inner_text()
    assert page.locator('[data-gate="single"] .val').inner_text() == ""


def test_the_browser_notices_silence_by_its_own_clock_and_recovers(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.dashboard)
    is_live(page)
    engine.fall_silent()
    page.wait_for_selector("body.is-stale", timeout=12_000)
    shows(page, "[data-ribbon]", "s old.")
    shows(page, "[data-alert]", "The market feed is lost.")
    assert page.locator(".mk-row").count() > 10  # nothing vanishes
    engine.speak_again()
    page.wait_for_selector("body:not(.is-stale)")
    page.wait_for_selector("[data-ribbon]", state="hidden")


def test_the_page_fills_by_itself_when_the_engine_has_warmed_up(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    engine.status, engine.rows = warming(), []
    engine._redis.flushall()
    engine.report()
    page.goto(site.dashboard)
    shows(page, "[data-ribbon]", "Loading history, 3 of 40")
    shows(page, "[data-dock]", "Still warming up")
    engine.rows = make_rows(5)
    engine.status = make_status(
        model=None, ready=False, warming=warming("Training, 1 of 6")["warming"]
    )
    engine.report()
    engine.tick("BTCUSDT", 60_001.0)
    shows(page, "[data-last]", "60,0")
    shows(page, "[data-ribbon]", "Prices and charts are live")
    engine.status = make_status()
    engine.report()
    page.wait_for_selector("[data-ribbon]", state="hidden")
    page.wait_for_selector("[data-gates]")
    page.wait_for_selector("[data-factor]")


def test_each_tab_shows_what_the_engine_says(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard)
    is_live(page)
    page.wait_for_selector('[data-factor="taker_imb"]')
    page.focus('[data-tab="factors"]')
    for tab, words in [
        ("gates", "2 of 3 gates passed"),
        ("book", "spread 1.0 bp"),
        ("funding", "now −0.0041%, 8th percentile"),
        ("corr", "3 of 4"),
        ("analogs", "Too few candles are kept"),
    ]:
        page.keyboard.press("ArrowRight")
        shows(page, "[data-dock]", words)
        assert page.get_attribute(f'[data-tab="{tab}"]', "aria-selected") == "true"
        assert f"tab={tab}" in page.url


def test_one_pane_fails_alone_and_can_be_tried_again(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    engine.errors["candles"] = "the tape is torn"
    page.goto(site.dashboard)
    shows(page, "[data-chart-error]", "the tape is torn")
    page.wait_for_selector("[data-factor]")  # the others work
    engine.errors.clear()
    page.click("[data-chart-error] button")
    page.wait_for_selector("[data-chart-skeleton]", state="hidden")
    page.wait_for_selector("[data-chart-error]", state="hidden")


def test_only_what_is_looked_at_is_asked_for(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard)
    is_live(page)
    page.keyboard.press("5")
    page.wait_for_selector('[data-tf="4h"][aria-pressed="true"]')
    page.wait_for_function(
        "() => document.querySelector('[data-chart-text]').textContent.includes('4h')"
    )
    wanted = {"tickers", "signals", "status", "market:BTCUSDT:4h", "heatmap:BTCUSDT"}
    wait_until(lambda: wanted <= engine.wanted())


def test_estimates_are_called_estimates_and_layers_switch_off(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.dashboard)
    is_live(page)
    page.wait_for_selector("[data-legend]:not([hidden])")
    shows(page, "[data-legend]", "Estimated liquidations")
    shows(
        page,
        "[data-chart-text]",
        "Largest estimated liquidation cluster near 60,600.0, about $46.0M",
    )
    box = page.locator("[data-chart]").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + box["height"] / 2)
    shows(page, "[data-ohlc]", "estimated $")
    page.keyboard.press("h")
    page.wait_for_selector("[data-legend]", state="hidden")
    assert page.get_attribute('[data-layer="heat"]', "aria-pressed") == "false"


def test_the_size_helper_warns_before_the_stop_is_out_of_reach(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    in_database(lambda: publish(make_draft()))
    page.goto(site.dashboard)
    is_live(page)
    page.click("[data-sizer] summary")
    shows(page, "[data-sizer] summary", "Risk 25.00 USDT (0.5%)")
    page.fill('[aria-label="Leverage, ×"]', "100")
    shows(page, "[data-sizer]", "liquidated before the stop")
    page.fill('[aria-label="Account, USDT"]', "ten")
    shows(page, "[data-sizer]", "numbers above 0")
    assert page.get_attribute('[aria-label="Account, USDT"]', "aria-invalid") == "true"


def test_a_size_is_what_the_risk_allows_in_whole_steps(page: Any, site: Site) -> None:
    page.goto(site.url + "/status")
    plan = {"side": "long", "entry": 100, "stop": 98, "zone": [99, 101]}
    plan["targets"] = [{"price": p, "share": s} for p, s in ((102, 0.4), (104, 0.3), (106, 0.3))]
    found = page.evaluate(
        """async ([url, plan]) => (await import(url)).sizeOf(
          plan, { account: 10000, risk: 1, leverage: 40 }, 0.1)""",
        [site.url + "/static/frontend/js/dashboard/sizer.js", plan],
    )
    # 100 USDT at risk; a unit loses 2 to the stop and 0.05 % of 100 and of 98 in fees.
    assert found["quantity"] == pytest.approx(47.6)
    assert -100 <= found["loss"] <= -100 + 0.1 * 2.1
    assert found["notional"] == pytest.approx(4760)
    assert found["margin"] == pytest.approx(119)
    gross = 0.4 * 2 + 0.3 * 4 + 0.3 * 6
    assert found["gain"] == pytest.approx(47.6 * (gross - 0.0005 * (100 + 103.8)))
    assert found["liquidation"] == pytest.approx(98.0)


def test_an_even_map_is_not_made_to_look_dramatic(page: Any, site: Site) -> None:
    page.goto(site.url + "/status")
    sparse, even = [0.0] * 900 + [1.0] * 90 + [100.0] * 10, [1.0 + k / 1000 for k in range(1000)]
    shades = page.evaluate(
        """async ([url, sparse, even]) => {
          const { scaleOf, shade } = await import(url);
          return [sparse, even].map((cells) => {
            const scale = scaleOf(Float32Array.from(cells));
            return [0, 1, 100].map((v) => shade(v, scale));
          });
        }""",
        [site.url + "/static/frontend/js/heat.js", sparse, even],
    )
    nothing, weak, strong = shades[0]
    assert (nothing, strong) == (0, 1)
    assert 0 <= weak < 0.1
    assert shades[1][1] < 0.5  # the weaker half of an even map stays in the darker half of the ramp


def test_the_chart_is_told_as_a_table_too(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard)
    is_live(page)
    page.wait_for_selector("[data-legend]:not([hidden])")
    page.click("[data-table]")
    shows(
        page, "[data-chart-table]", "Estimated liquidation clusters: $46.0M of shorts near 60,600.0"
    )
    assert page.locator("[data-chart-table] tbody tr").count() == 100
    shows(page, "[data-chart-table]", "No data received")
    page.click("[data-table]")
    page.wait_for_selector("[data-chart-table]", state="hidden")


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_shows_one_view_at_a_time_and_never_scrolls_sideways(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    in_database(lambda: publish(make_draft()))
    page.goto(site.dashboard)
    is_live(page)
    panes = {
        "chart": ".pane-chart",
        "signal": ".pane-signal",
        "feed": ".pane-feed",
        "markets": ".pane-markets",
    }
    for view in panes:
        page.click(f'.bottomnav [data-goto="{view}"]')
        for name, selector in panes.items():
            assert page.locator(selector).is_visible() == (name == view), (view, name)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.click('.mk-row[data-symbol="C004USDT"]')
    shows(page, "[data-sym]", "C004USDT")
    assert page.locator(".pane-chart").is_visible()
    short = page.evaluate(
        """[...document.querySelectorAll("button, a, input, summary")].filter((e) => {
          const r = e.getBoundingClientRect();
          return r.width && r.height && r.height < 24;
        }).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert short == []


def test_theme_and_colours_are_kept(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.dashboard)
    page.click(".topbar .group [data-set-theme]")
    page.click(".topbar .group [data-set-cvd]")
    page.reload()
    kept = page.evaluate(
        "[document.documentElement.dataset.theme, document.documentElement.dataset.cvd]"
    )
    assert kept == ["light", "1"]


def test_the_status_page_is_live(page: Any, site: Site, engine: PlayedEngine) -> None:
    page.goto(site.url + "/status")
    shows(page, "[data-socket]", "open")
    assert page.locator("[data-stage]").count() == 6
    engine.status = make_status(
        gaps=3, last_error={"at": "2025-11-25T00:09:00.000Z", "text": "REST: 429"}
    )
    engine.report()
    shows(page, "[data-gaps]", "3")
    shows(page, "[data-error]", "REST: 429")
    engine.status = warming("Training the model, 2 of 6")
    engine.report()
    shows(page, "[data-headline]", "Warming up: Training the model, 2 of 6.")


def _frame(entry: Any) -> dict[str, Any]:
    import json

    assert entry is not None
    return json.loads(entry.data)  # type: ignore[no-any-return]
