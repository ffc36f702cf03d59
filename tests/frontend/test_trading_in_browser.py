"""Trading pages in a real browser: the kill switch is held, stops are watched, nothing is in the way."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from cryptosystems.platform.bell import ring
from signals.services.publish import publish
from tests.frontend.conftest import Site
from tests.frontend.played_engine import PlayedEngine
from tests.frontend.sign_in import sign_in
from tests.frontend.test_dashboard import in_database, is_live
from tests.frontend.test_sales_in_browser import EACH_THEME, look, on_trial
from tests.support.setups import make_draft
from tests.support.trades import (
    STOP,
    account_of,
    closed_of,
    fill_of,
    order_of,
    told,
    trade_of,
)
from tests.support.waiting import wait_until
from trading.models import BotSettings, Trade

pytestmark = pytest.mark.browser
BOT, ORDERS = "/account/bot", "/account/orders"


def owner(page: Any, site: Site) -> User:
    """Sign Alice in, who has five days of trial left."""
    user: User = on_trial(timedelta(days=5))
    sign_in(page, user, site.url)
    return user


def change(user: User, trade: Trade, **fields: Any) -> None:
    """Change a trade as the executor does, and ring."""

    def work() -> None:
        Trade.objects.for_user(user.pk).filter(pk=trade.pk).update(**fields)
        ring(user.pk)

    in_database(work)


@EACH_THEME
def test_no_barrier_on_pages_about_trading(page: Any, site: Site, theme: str) -> None:
    user = owner(page, site)
    ended = closed_of(user, "-1.05")
    fill_of(ended, order_of(ended, "stop", STOP, state="filled"), STOP - 6)
    told(ended, "fill", "The stop filled at 59,394.0.")
    held = trade_of(user)
    order_of(held, "stop", STOP)
    other = account_of(user)
    naked = trade_of(user, other, symbol="ETHUSDT", naked_since=timezone.now())
    trade_of(user, other, "skipped", sentence="The price had left the entry zone.")
    until = timezone.now() + timedelta(minutes=5)
    trade_of(user, other, "offered", offer_until=until)
    BotSettings.objects.for_user(user.pk).filter(account=held.account).update(
        pause_code="losing_streak", pause_sentence="Three losing trades in a row."
    )
    addresses = (
        "/account/",
        BOT,
        f"{BOT}/{other.pk}/flatten",
        ORDERS,
        f"{ORDERS}/{ended.pk}",
        f"{ORDERS}/{naked.pk}/close",
        "/ai-trading/dashboard",
    )
    look(page, site, addresses, theme)


def hold_by_mouse(page: Any) -> None:
    button = page.locator("[data-hold]")
    box = button.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    expect(page.locator("[data-hold-text]")).to_have_text("Keep holding")
    page.clock.run_for(1_000)
    page.mouse.up()
    page.clock.run_for(1_000)
    expect(page.locator("[data-hold-text]")).to_have_text("Hold to flatten all")
    page.mouse.down()
    page.clock.run_for(1_500)


def press_enter_twice(page: Any) -> None:
    page.focus("[data-hold]")
    page.keyboard.press("Enter")
    expect(page.locator("[data-hold-text]")).to_have_text("Press Enter again")
    page.clock.run_for(3_100)
    expect(page.locator("[data-hold-text]")).to_have_text("Hold to flatten all")
    page.keyboard.press("Enter")
    page.clock.run_for(200)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("throw", [hold_by_mouse, press_enter_twice], ids=["mouse", "keyboard"])
def test_the_kill_switch_is_thrown_on_purpose_only(
    page: Any, site: Site, throw: Callable[[Any], None]
) -> None:
    user = owner(page, site)
    trade = trade_of(user)
    page.clock.install()
    page.goto(site.url + BOT)
    expect(page.locator("[data-hold-text]")).to_have_text("Hold to flatten all")
    page.locator("[data-hold]").click()
    assert page.url == site.url + BOT, "a click alone does nothing"
    throw(page)
    expect(page.get_by_text("1 trade is being closed at market")).to_be_visible()
    trade.refresh_from_db()
    assert trade.close_asked_at is not None


def test_without_script_the_kill_switch_asks_once_more(chromium: Any, site: Site) -> None:
    user = on_trial(timedelta(days=5))
    trade = trade_of(user)
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, user, site.url)
    page.goto(site.url + BOT)
    page.get_by_role("button", name="Flatten all").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Close everything at market?")
    page.get_by_role("button", name="Flatten all now").click()
    expect(page.get_by_text("1 trade is being closed at market")).to_be_visible()
    trade.refresh_from_db()
    assert trade.close_asked_at is not None
    context.close()


def test_a_limit_says_what_it_means_while_it_is_typed(page: Any, site: Site) -> None:
    owner(page, site)
    page.goto(site.url + BOT)
    said = page.locator('[data-say="risk_percent"]')
    expect(said).to_contain_text("50.00 USDT of 10,000.00")
    page.fill("[name=risk_percent]", "0.2")
    expect(said).to_contain_text("20.00 USDT of 10,000.00. Ten losses in a row: \u22122.0%.")
    page.fill("[name=risk_percent]", "x")
    expect(page.locator("[name=risk_percent]")).to_have_attribute("aria-invalid", "true")
    expect(said).to_contain_text("Enter a number")


def test_stops_and_results_are_live(page: Any, site: Site, engine: PlayedEngine) -> None:
    user = owner(page, site)
    trade = trade_of(user)
    order_of(trade, "stop", STOP)
    page.goto(site.url + ORDERS)
    row = page.locator(f'[data-trade="{trade.pk}"]')
    expect(row.locator("[data-light-words]")).to_contain_text("Verified")

    def is_painted() -> bool:
        engine.tick("BTCUSDT", 60_300.0)  # each time anew: the page may not have been listening yet
        return row.locator("[data-now-r]").inner_text() == "+0.5\u2009R"

    wait_until(is_painted, 5.0, every_s=0.25)
    expect(row.locator("[data-mark]")).to_have_text("60,300.0")

    change(user, trade, naked_since=timezone.now())
    expect(row.locator("[data-light-words]")).to_contain_text("Unconfirmed")
    expect(page.locator(f'[data-trouble-of="{trade.pk}"]')).to_be_visible()
    change(user, trade, naked_since=None, stop_seen_at=timezone.now(), stop_price=STOP + 600)
    expect(row.locator("[data-light-words]")).to_contain_text("Verified")
    expect(row.locator("[data-stop]")).to_have_text("60,000.0")
    expect(page.locator("[data-trouble-of]")).to_have_count(0)

    change(user, trade, state="closed", open_quantity=0, closed_at=timezone.now())
    expect(row).to_have_count(0)
    expect(page.locator("[data-none-open]")).to_be_visible()
    expect(page.locator("[data-newer]")).to_be_visible()

    until = timezone.now() + timedelta(minutes=5)
    offered = in_database(lambda: trade_of(user, None, "offered", offer_until=until))
    change(user, offered, offer_until=until)
    expect(page.locator(f'[data-offer="{offered.pk}"] [data-left]')).to_contain_text(
        "left to answer"
    )
    reward = page.locator(f'[data-offer="{offered.pk}"] [data-reward]')
    expect(reward).to_contain_text("reward to risk now 0.9")
    page.get_by_role("button", name="Decline BTC").click()
    expect(page.get_by_text("Declined. No order is sent.")).to_be_visible()


def test_a_signal_is_followed_on_the_dashboard(page: Any, site: Site, engine: PlayedEngine) -> None:
    user = owner(page, site)
    in_database(lambda: publish(make_draft(at_ms=int(time.time() * 1000))))
    page.goto(site.dashboard)
    is_live(page)
    page.locator("[data-follow-button]").click()
    expect(page.locator("[data-followed]")).to_contain_text("You follow it: chosen")
    expect(page.locator(".feed-mark")).to_have_attribute("title", "You follow it: chosen")
    trade = Trade.objects.for_user(user.pk).get()
    assert (trade.venue, trade.how, trade.symbol) == ("paper", "by_hand", "BTCUSDT")
    expect(page.locator("[data-strip]")).to_be_hidden()

    opened = trade_of(user)
    fields = {
        name: getattr(opened, name)
        for name in ("plan", "entry_price", "filled", "open_quantity", "opened_at", "stop_price")
    }
    Trade.objects.for_user(user.pk).filter(pk=opened.pk).delete()
    in_database(lambda: told(trade, "fill", "The entry filled."))
    order_of(trade, "stop", STOP)
    change(user, trade, state="open", stop_seen_at=timezone.now(), **fields)
    expect(page.locator("[data-followed]")).to_contain_text("You follow it: open")
    expect(page.locator(f'[data-strip-trade="{trade.pk}"] [data-light-words]')).to_contain_text(
        "Verified"
    )
    engine.tick("BTCUSDT", 60_600.0)
    expect(page.locator(f'[data-strip-trade="{trade.pk}"] [data-now-r]')).to_have_text(
        "+1.0\u2009R"
    )


def test_a_visitor_is_led_to_the_trial(page: Any, site: Site) -> None:
    in_database(lambda: publish(make_draft(at_ms=int(time.time() * 1000))))
    page.goto(site.dashboard)
    is_live(page)
    link = page.get_by_role("link", name="Follow on paper: start the trial")
    expect(link).to_have_attribute("href", "/accounts/signup/")
    expect(page.locator(".feed-mark")).to_have_count(0)
