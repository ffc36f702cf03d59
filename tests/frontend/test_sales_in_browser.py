"""Plans and the header in a real browser: the reader's own figures, a countdown, no barrier."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts import api as accounts
from billing.models import Subscription, Trial
from cryptosystems.platform.bell import ring
from cryptosystems.platform.models import Announcement
from tests.frontend.axe import sideways, violations
from tests.frontend.conftest import DESKTOP, PHONE, Site
from tests.frontend.played_engine import PlayedEngine
from tests.frontend.sign_in import sign_in
from tests.support.people import alice
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
EACH_THEME = pytest.mark.parametrize(
    ("page", "theme"),
    [(DESKTOP, "dark"), (PHONE, "light")],
    indirect=["page"],
    ids=["dark-desktop", "light-phone"],
)
"""Both themes and both widths: colours do not depend on the width, nor widths on the colours."""

CASES = json.loads((Path(__file__).parent / "worth_cases.json").read_text(encoding="utf-8"))
PLANS = "/ai-trading/plans-pricing"
ARTICLE = "/blog/how-crypto-trading-bots-work"
PUBLIC = ("/", PLANS, "/terms", "/risk", "/tools/", "/tools/position-size", "/blog/", ARTICLE)
PERSONAL = (PLANS, "/account/", "/account/billing", "/account/billing/done", "/account/api-tokens")


def on_trial(left: timedelta) -> Any:
    """Return Alice with this much of her trial left."""
    user = alice()
    now = timezone.now()
    Trial.objects.add_for(user.pk, started_at=now - timedelta(days=7) + left, ends_at=now + left)
    return user


def test_the_script_does_the_sums_that_the_server_does(page: Any, site: Site) -> None:
    page.goto(site.url + PLANS)
    got = page.evaluate(
        """async (cases) => {
          const worth = await import("/static/frontend/js/worth.js");
          const account = await import("/static/frontend/js/account.js");
          return {
            sums: cases.sums.map((c) => worth.sums(c)),
            verdicts: cases.verdicts.map((c) => worth.verdictCode(c.needed, c.mean, c.interval)),
            shares: cases.shares.map((c) => worth.percentageFee(c.account, c.monthly, c.share)),
            typed: cases.typed.map((c) => worth.typed(c.words)),
            trial: cases.trial.map((c) => account.trialWords(c.ms)),
          };
        }""",
        CASES,
    )
    for case, made in zip(CASES["sums"], got["sums"], strict=True):
        assert made == pytest.approx({name: case[name] for name in ("oneR", "feeR", "needed")})
    assert got["verdicts"] == [case["code"] for case in CASES["verdicts"]]
    assert got["shares"] == pytest.approx([case["cost"] for case in CASES["shares"]])
    assert got["typed"] == [case["x"] for case in CASES["typed"]]
    assert got["trial"] == [case["words"] for case in CASES["trial"]]


def test_a_small_account_reads_that_it_should_stay_free(
    page: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"n": 400, "win_rate": 0.53, "interval": [0.5, 0.56], "mean_r": 0.06}
    monkeypatch.setattr(
        "signals.api.track_record",
        lambda origin: {"origin": origin, "mean_r_interval": [0.01, 0.11], **record},
    )
    page.goto(site.url + PLANS)
    assert page.locator("[data-need]").inner_text() == "+0.060\u2009R a trade"
    assert page.locator("[data-verdict]").get_attribute("data-code") == "likely"
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.fill("#w-acct", "500")
    assert page.locator("[data-need]").inner_text() == "+0.600\u2009R a trade"
    assert "stay with the free demo" in page.locator("[data-verdict]").inner_text()
    page.fill("#w-acct", "50,000")
    assert page.locator("[data-verdict]").get_attribute("data-code") == "above"
    page.fill("#w-risk", "1")
    assert page.locator("[data-sizes] tr[data-account='5000'] td").nth(3).inner_text() == (
        "+0.030\u2009R"
    )
    page.fill("#w-acct", "nothing")
    assert page.locator("#w-acct").get_attribute("aria-invalid") == "true"
    assert page.locator("[data-need]").inner_text() == "—"
    assert requests == []  # the figures stay on the page


def test_flat_against_percentage_follows_the_sliders(page: Any, site: Site) -> None:
    page.goto(site.url + PLANS)
    assert "cheaper above an account of 14,998 USDT" in page.locator("[data-fee-text]").inner_text()
    page.locator("#f-ret").fill("-1")
    assert "still costs $59.99" in page.locator("[data-fee-text]").inner_text()


def test_the_header_counts_down_and_obeys_the_account_topic(page: Any, site: Site) -> None:
    user = on_trial(timedelta(hours=1, seconds=3))
    sign_in(page, user, site.url)
    page.goto(site.url + "/account/")
    tag = page.locator("[data-standing]")
    assert tag.inner_text() == "Trial, 2 h left"
    assert "tag-warn" in (tag.get_attribute("class") or "")
    expect(tag).to_have_text("Trial, 60 min left")
    assert page.locator("[data-banner]").is_hidden()
    invoice = timezone.now() - timedelta(days=9)
    Subscription.objects.add_for(
        user.pk,
        provider_id="sub_1",
        provider_price_id="price_1",
        status="past_due",
        amount_minor=5999,
        currency="usd",
        started_at=invoice,
        past_due_since=invoice,
        fetched_at=invoice,
    )
    Trial.objects.for_user(user.pk).update(ends_at=timezone.now())
    ring(user.pk)
    expect(tag).to_have_text("Payment owed")
    expect(page.locator("[data-banner]")).to_contain_text("pay the open invoice")


def test_the_profile_sets_the_theme_and_a_choice_made_since_holds(page: Any, site: Site) -> None:
    user = alice(theme="light", is_colour_blind_safe=True)
    sign_in(page, user, site.url)
    html = page.locator("html")
    page.goto(site.url + "/account/")
    expect(html).to_have_attribute("data-theme", "light")
    expect(html).to_have_attribute("data-cvd", "1")
    page.get_by_role("button", name="Light theme").click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(html).to_have_attribute("data-theme", "dark")
    accounts.save_settings(user.pk, theme="dark")
    accounts.save_settings(user.pk, theme="system")
    page.emulate_media(color_scheme="light")
    page.reload()
    expect(html).to_have_attribute("data-theme", "light")


@EACH_THEME
def test_no_barrier_on_pages_for_everybody(page: Any, site: Site, theme: str) -> None:
    look(page, site, PUBLIC, theme)


@EACH_THEME
def test_no_barrier_on_account_pages(page: Any, site: Site, theme: str) -> None:
    sign_in(page, on_trial(timedelta(days=5)), site.url)
    look(page, site, PERSONAL, theme)


def look(page: Any, site: Site, addresses: tuple[str, ...], theme: str) -> None:
    """Visit each page in a theme, and again as narrow as a phone may be."""
    page.emulate_media(reduced_motion="reduce")  # a colour on its way is not yet a colour
    found = {}
    for address in addresses:
        page.goto(site.url + address)
        page.evaluate("for (const d of document.querySelectorAll('.faq details')) d.open = true")
        page.evaluate("theme => document.documentElement.setAttribute('data-theme', theme)", theme)
        found[address] = violations(page)
        if page.viewport_size["width"] == PHONE["width"]:
            page.set_viewport_size({"width": 360, "height": 740})
            assert sideways(page) <= 0, address
            page.set_viewport_size(PHONE)
    assert {address: faults for address, faults in found.items() if faults} == {}


def test_the_price_of_the_front_door_follows_the_market(
    page: Any, site: Site, engine: PlayedEngine
) -> None:
    page.goto(site.url + "/")
    shown = page.locator("[data-price]")
    expect(shown).to_have_text("60,000.0")

    def has_followed() -> bool:
        engine.tick("BTCUSDT", 61_234.5)  # each time anew: the page may not have been listening yet
        return str(shown.inner_text()) == "61,234.5"

    wait_until(has_followed, 5.0, every_s=0.25)
    page.goto(site.url + ARTICLE)
    page.get_by_role("navigation", name="Contents").get_by_role("link").nth(3).click()
    heading = page.locator(f"h2[id='{page.url.split('#')[1]}']")
    expect(heading).to_be_in_viewport()
    assert heading.evaluate("h => h.getBoundingClientRect().top") >= 48, "under the header"


def test_an_announcement_stands_in_a_landmark_of_its_own(page: Any, site: Site) -> None:
    until = timezone.now() + timedelta(hours=1)
    for level in ("warn", "info"):
        Announcement.objects.create(text=f"Work at noon ({level}).", level=level, ends_at=until)
    for address in (PLANS, "/ai-trading/dashboard"):
        page.goto(site.url + address)
        page.get_by_role("complementary", name="Announcements").wait_for()
        assert page.locator("[data-notice]").count() == 2
        assert violations(page) == [], address
        assert sideways(page) <= 0
