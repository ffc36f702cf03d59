"""The record's pages: every figure with its count, losers first, and a chain that can be checked."""

import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.models import Settlement, Signal
from signals.selectors.ledger import forget_figures
from signals.services.publish import publish, store_backtest
from signals.store.candles import store_candles
from tests.frontend.conftest import Site
from tests.frontend.test_dashboard import in_database
from tests.frontend.test_sales_in_browser import EACH_THEME, look
from tests.support.setups import AT_MS, HOUR_MS, make_draft, make_rejected, won

PAGE = "/ai-trading/track-record"
EVIDENCE = {
    "candle": [61_000.0, 61_400.0, 60_950.0, 61_300.0],
    "stop": 60_000.0,
    "n_hit": 3,
    "n_missing": 0,
}


@pytest.fixture(autouse=True)
def fresh_figures() -> Iterator[None]:
    forget_figures()
    yield
    forget_figures()


def settle(n: int, origin: str = "simulated", first: int = 0) -> None:
    """Store settled signals, six hours apart: three of five won."""
    drafts = [
        make_draft(origin=origin, at_ms=AT_MS + k * 6 * HOUR_MS, p_win=0.5 + k % 10 / 100)
        for k in range(first, first + n)
    ]
    store_backtest(
        [
            (
                one,
                won(
                    one.id,
                    1.8 if k % 5 < 3 else -1.05,
                    at_ms=one.setup.at_ms + 5 * HOUR_MS,
                    evidence={**EVIDENCE, "open_ms": one.setup.at_ms + 5 * HOUR_MS - 60_000},
                ),
            )
            for k, one in enumerate(drafts)
        ],
        [(make_rejected(origin=origin, at_ms=AT_MS + k * HOUR_MS), None) for k in range(3)],
    )
    forget_figures()


def page_of(client: Client, query: str = "") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db
def test_without_a_signal_nothing_is_claimed(client: Client, redis_url: str) -> None:
    html = page_of(client)
    assert (
        "No signal has been issued yet." in html
        and "%" not in html.partition("<main")[2].partition("</main")[0]
    )


@pytest.mark.django_db
def test_a_few_results_are_counted_and_no_rate_is_stated(client: Client, redis_url: str) -> None:
    settle(10)
    html = page_of(client)
    summary = html.partition("data-summary")[2].partition("</dl>")[0]
    assert "6 of 10" in summary and "a rate needs 100" in summary
    # Only counts and sums that anybody can add up stand there.
    assert summary.count("too few to tell") == 4 and "%" not in summary
    assert "calibration error: too few to tell" in html
    for table in ("By market", "Setups that were turned down"):
        body = html.partition(f'aria-label="{table}"')[2].partition("</table>")[0]
        assert "too few to tell" in body and "%" not in body.partition("<tbody>")[2]
    assert "appears once they are there" in html.partition("data-expectation")[2]


@pytest.mark.django_db
def test_origins_stand_apart(client: Client, redis_url: str) -> None:
    settle(10)
    settle(120, "backtest")
    here, there = page_of(client, "?origin=simulated"), page_of(client, "?origin=backtest")
    assert 'data-origin="simulated"' in here and "6 of 10" in here
    summary = there.partition("data-summary")[2].partition("</dl>")[0]
    assert "60.0%" in summary and "n 120" in summary
    assert "Not one of these was issued in time to act on." in there
    # An origin of which there is nothing is as if it was not asked.
    assert 'data-origin="simulated"' in page_of(client, "?origin=live")


@pytest.mark.django_db
def test_the_list_is_narrowed_and_goes_on(client: Client, redis_url: str) -> None:
    settle(60)
    html = page_of(client, "?result=lost&symbol=btcusdt")
    table = html.partition("data-all")[2].partition("</table>")[0]
    assert table.count("data-signal=") == 24 and "+1.8" not in table
    everything = page_of(client)
    assert everything.partition("data-all")[2].partition("</table>")[0].count("data-signal=") == 25
    cursor = everything.partition("before=")[2].partition("#")[0]
    older = page_of(client, f"?before={cursor}")
    assert older.partition("data-all")[2].count("data-signal=") == 25
    assert page_of(client, "?before=99999999999&months=7&risk=9&side=up")


@pytest.mark.django_db
def test_a_signal_has_an_address_for_good(client: Client, redis_url: str) -> None:
    settle(2)
    row = Signal.objects.first()
    assert row is not None
    html = client.get(f"/ai-trading/signals/{row.pk}").content.decode()
    for words in (
        row.hash,
        row.previous_hash,
        "The candle that decided",
        "+1.80",
        row.model_version,
    ):
        assert words in html
    assert hashlib.sha256(row.snapshot.encode()).hexdigest() in html
    card = client.get(f"/ai-trading/signals/{row.pk}/card.svg")
    assert card["Content-Type"] == "image/svg+xml"
    assert ET.fromstring(card.content).tag.endswith("svg")  # noqa: S314  # our own answer
    assert row.hash in card.content.decode() and "Simulated market" in card.content.decode()
    again = client.get(f"/ai-trading/signals/{row.pk}?recompute=1").content.decode()
    assert 'data-recomputed="same"' in again
    Signal.objects.filter(pk=row.pk).update(confidence=0.9)
    altered = client.get(f"/ai-trading/signals/{row.pk}?recompute=1").content.decode()
    assert 'data-recomputed="same"' in altered, "what the chain holds is compared, not the row"
    missing = "/ai-trading/signals/00000000-0000-0000-0000-000000000000"
    assert client.get(missing).status_code == 404


@pytest.mark.django_db
def test_the_minutes_that_decided_are_drawn(client: Client, redis_url: str) -> None:
    settle(1)
    row = Signal.objects.get()
    address = f"/ai-trading/signals/{row.pk}"
    assert "data-candles" not in client.get(address).content.decode()
    at_ms = AT_MS + 5 * HOUR_MS - 60_000
    candle = (61_000.0, 61_400.0, 60_950.0, 61_300.0, 1.0, 61_000.0, 0.5, 10.0)
    store_candles(
        Origin.SIMULATED,
        Timeframe("1m"),
        [("BTCUSDT", at_ms + k * 60_000, candle) for k in range(-50, 5)],
    )
    html = client.get(address).content.decode()
    drawing = html.partition("data-candles")[2].partition("</svg>")[0]
    assert drawing.count("<rect") == 40 and drawing.count("data-deciding") == 1


@pytest.mark.django_db
def test_what_is_not_public_yet_is_neither_shown_nor_told(
    client: Client, redis_url: str, settings: Any
) -> None:
    import time

    settings.MARKET = "binance"
    draft = make_draft(origin="live", at_ms=int(time.time() * 1000))
    publish(draft)
    for address in (f"/ai-trading/signals/{draft.id}", f"/ai-trading/signals/{draft.id}/card.svg"):
        assert client.get(address).status_code == 403
    html = page_of(client, "?origin=live")
    assert str(draft.id) not in html
    [link] = client.get("/api/v1/chain").json()["links"]
    assert link["payload"] is None and len(link["hash"]) == 64
    assert client.get(f"{PAGE}/live/all.zip").status_code == 404


@pytest.mark.django_db
def test_a_month_can_be_taken_home(client: Client, redis_url: str) -> None:
    settle(3)
    answer = client.get(f"{PAGE}/simulated/all.zip")
    assert answer["Content-Type"] == "application/zip" and answer.content[:2] == b"PK"
    for wrong in ("simulated/2026-13", "simulated/1999-01", "nowhere/all"):
        assert client.get(f"{PAGE}/{wrong}.zip").status_code == 404


@pytest.mark.browser
@EACH_THEME
def test_the_browser_works_the_chain_out_again(page: Any, theme: str, site: Site) -> None:
    in_database(lambda: settle(110))
    page.goto(site.url + PAGE)
    page.get_by_role("button", name="Verify the last 200").click()
    expect(page.locator("[data-chain-state]")).to_contain_text("200 of 200 links fit")

    def lie(route: Any) -> None:
        told = route.fetch().json()
        text = told["links"][150]["payload"]
        told["links"][150]["payload"] = text.replace("1", "2", 1)
        route.fulfill(body=json.dumps(told), content_type="application/json")

    page.route("**/api/v1/chain", lie)
    page.get_by_role("button", name="Verify the last 200").click()
    expect(page.locator("[data-chain-state]")).to_contain_text("1 of 200 links do not fit")
    expect(page.locator("tr.is-broken")).to_contain_text("the text was changed")

    # What settles while the page is open comes without loading it anew.
    expect(page.locator("[data-summary]")).to_contain_text("n 110")
    in_database(lambda: settle(10, first=110))
    page.evaluate("async () => (await import('/static/frontend/js/record.js')).refresh()")
    expect(page.locator("[data-summary]")).to_contain_text("n 120")

    # A row that was changed in the database shows as readily as a changed text.
    page.unroute("**/api/v1/chain")
    in_database(lambda: Settlement.objects.filter(signal__number=115).update(net_r=3.0))
    page.get_by_role("button", name="Verify the last 200").click()
    expect(page.locator("[data-chain-state]")).to_contain_text("1 of 200 links do not fit")
    expect(page.locator("tr.is-broken")).to_contain_text("230")

    signal = page.locator("[data-all] a").first.get_attribute("href")
    look(page, site, (PAGE, signal), theme)
    assert page.evaluate("window.violations") == []
