"""Getting started, bot and executions, as their owner meets them."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Trial
from tests.support.people import add_totp, alice, charlie, confirm_again, signed_in
from tests.support.trades import (
    ENTRY,
    STOP,
    account_of,
    closed_of,
    fill_of,
    order_of,
    paper_of,
    told,
    trade_of,
)
from trading.models import BotSettings, Trade

pytestmark = pytest.mark.django_db
BOT, ORDERS = "/account/bot", "/account/orders"


@pytest.fixture(autouse=True)
def alone(settings: Any, tmp_path: Any) -> None:
    """No engine."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


@pytest.fixture
def owner() -> User:
    """Alice, who has five days of trial left."""
    user = alice()
    end = timezone.now() + timedelta(days=5)
    Trial.objects.add_for(user.pk, started_at=end - timedelta(days=7), ends_at=end)
    return user


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def html_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.status_code
    text = answer.content.decode()
    return re.sub(r"[ \n]+", " ", text)


# --- getting started ---------------------------------------------------------------------------


def test_the_steps_know_how_far_somebody_is(browser: Client, owner: User) -> None:
    html = html_of(browser.get("/account/"))
    assert html.count("data-step=") == 5
    assert "0 of 10" in html and html.count('<i class=""></i>') == 10
    for result in ("1.9", "-1.1", "0.3"):
        closed_of(owner, result)
    html = html_of(browser.get("/account/"))
    assert "3 of 10" in html
    assert html.count('<i class="w"></i>') == 2 and html.count('<i class="l"></i>') == 1
    assert "2 won, 1 lost, together +1.10\u2009R." in html
    assert html.count('data-mode="paper"') >= 1
    assert "\u22121.10\u2009R" in html and "all targets" in html and "stopped" in html


def test_trades_of_a_bot_are_not_counted_as_followed_ones(browser: Client, owner: User) -> None:
    closed_of(owner, "2.0", account_of(owner))
    assert "0 of 10" in html_of(browser.get("/account/"))


# --- bot ---------------------------------------------------------------------------------------


def test_the_bot_page_says_what_each_limit_means_in_money(browser: Client) -> None:
    html = html_of(browser.get(BOT))
    assert "50.00 USDT of 10,000.00. Ten losses in a row: \u22124.9%." in html
    assert "Now open: 0 positions." in html
    assert "Automation opens after 10 followed paper trades" in html
    automatic = re.search(r"<button[^>]*data-automatic[^>]*>", html)
    assert automatic is not None and "disabled" in automatic[0]


def test_the_preview_says_the_same_sentences_and_stores_nothing(
    browser: Client, owner: User
) -> None:
    account = paper_of(owner)
    row = BotSettings.objects.for_user(owner.pk).get(account=account)
    fields = {**form_fields(browser), "risk_percent": "0.25"}
    found = browser.get(f"{BOT}/{account.pk}/preview", fields).json()
    assert found["sayings"]["risk_percent"].startswith("25.00 USDT of 10,000.00.")
    answer = browser.get(f"{BOT}/{account.pk}/preview", {**fields, "risk_percent": "much"})
    assert answer.status_code == 400 and "risk_percent" in answer.json()["faults"]
    same = BotSettings.objects.for_user(owner.pk).get(account=account)
    assert same.risk_percent == row.risk_percent


def form_fields(browser: Client, address: str = BOT) -> dict[str, str]:
    """Return the limits as the page's form holds them."""
    form = browser.get(address).context["page"].form
    fields = {name: form[name].value() for name in form.fields}
    fields["only_symbols"] = ", ".join(fields["only_symbols"] or [])
    fields["not_symbols"] = ", ".join(fields["not_symbols"] or [])
    return {name: value for name, value in fields.items() if value not in (None, False)}


def test_limits_are_saved_and_the_last_change_is_said(browser: Client, owner: User) -> None:
    account = paper_of(owner)
    fields = {
        **form_fields(browser),
        "risk_percent": "0.30",
        "max_positions": "2",
        "min_confidence": "55",
        "is_approved_by_hand": "on",
        "only_symbols": "btcusdt, ETHUSDT",
        "timeframes": ["1h"],
    }
    html = html_of(browser.post(f"{BOT}/{account.pk}/limits", fields, follow=True))
    assert "Limits saved." in html and "Last change" in html
    row = BotSettings.objects.for_user(owner.pk).get(account=account)
    assert row.risk_percent == Decimal("0.30") and row.max_positions == 2
    assert row.min_confidence == 0.55 and row.is_approved_by_hand
    assert row.only_symbols == ["BTCUSDT", "ETHUSDT"] and row.timeframes == ["1h"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"risk_percent": "7"}, "risk_percent is a number from"),
        ({"risk_percent": "abc"}, "Enter a number"),
        ({"min_confidence": "101"}, "A percentage from 0 to 100"),
        ({"only_symbols": "<b>"}, "Name markets as BTCUSDT"),
        ({"sides": "up"}, "Select a valid choice"),
    ],
    ids=["too much", "no number", "over a hundred", "no market", "no side"],
)
def test_a_limit_that_does_not_fit_is_said_and_the_rest_is_kept(
    browser: Client, owner: User, wrong: dict[str, str], words: str
) -> None:
    account = paper_of(owner)
    fields = {**form_fields(browser), "max_trades_day": "7", **wrong}
    html = html_of(browser.post(f"{BOT}/{account.pk}/limits", fields), 400)
    assert words in html and 'value="7"' in html
    row = BotSettings.objects.for_user(owner.pk).get(account=account)
    assert row.max_trades_day == 10


def test_more_risk_with_more_than_paper_asks_for_a_proof_first(
    browser: Client, owner: User
) -> None:
    account = account_of(owner)
    address = f"{BOT}/{account.pk}"
    fields = {**form_fields(browser, address), "max_positions": "5"}
    html = html_of(browser.post(f"{address}/limits", fields), 403)
    assert "This needs a second factor" in html
    add_totp(owner)
    answer = browser.post(f"{address}/limits", fields)
    assert answer.status_code == 302 and "/accounts/reauthenticate/" in answer["Location"]
    lower = browser.post(f"{address}/limits", {**fields, "max_positions": "1"})
    assert lower.status_code == 303, "less risk never waits"
    answer = browser.post(f"{address}/mode", {"mode": "trading"})
    assert answer.status_code == 302 and "/accounts/reauthenticate/" in answer["Location"]
    assert browser.post(f"{address}/mode", {"mode": "exits_only"}).status_code == 303
    confirm_again(browser, owner)
    assert browser.post(f"{address}/mode", {"mode": "trading"}).status_code == 303
    row = BotSettings.objects.for_user(owner.pk).get(account=account)
    assert row.mode == "trading" and row.max_positions == 1


def test_the_kill_switch_asks_once_more_and_then_closes_everything(
    browser: Client, owner: User
) -> None:
    trade = trade_of(owner)
    account = trade.account
    BotSettings.objects.for_user(owner.pk).filter(account=account).update(is_automatic=True)
    html = html_of(browser.get(f"{BOT}/{account.pk}/flatten"))
    assert "1 open position is closed at market" in html
    trade.refresh_from_db()
    assert trade.close_asked_at is None, "looking closes nothing"
    html = html_of(browser.post(f"{BOT}/{account.pk}/flatten", follow=True))
    assert "1 trade is being closed at market" in html
    trade.refresh_from_db()
    assert trade.close_asked_at is not None
    row = BotSettings.objects.for_user(owner.pk).get(account=account)
    assert not row.is_automatic and row.mode != "trading"


def test_the_kill_switch_needs_no_plan(browser: Client, owner: User) -> None:
    trade = trade_of(owner, account_of(owner, "binance"))
    Trial.objects.for_user(owner.pk).update(ends_at=timezone.now() - timedelta(days=1))
    assert browser.post(f"{BOT}/{trade.account_id}/flatten").status_code == 303
    trade.refresh_from_db()
    assert trade.close_asked_at is not None


def test_a_pause_is_said_in_words_and_ends_by_hand(browser: Client, owner: User) -> None:
    account = paper_of(owner)
    BotSettings.objects.for_user(owner.pk).filter(account=account).update(
        pause_code="drawdown", pause_sentence="The account fell by 10 % from its highest."
    )
    html = html_of(browser.get(BOT))
    assert "The account fell by 10 % from its highest." in html and "data-resume" in html
    html = html_of(browser.post(f"{BOT}/{account.pk}/resume", follow=True))
    assert "data-resume" not in html


# --- executions --------------------------------------------------------------------------------


def test_an_open_position_shows_where_its_stop_stands(browser: Client, owner: User) -> None:
    trade = trade_of(owner)
    order_of(trade, "stop", STOP)
    html = html_of(browser.get(ORDERS))
    assert f'data-trade="{trade.pk}"' in html
    assert "Verified 0." in html and "light-ok" in html and "id \u202688412" in html
    assert "59,400.0" in html and 'data-mode="paper"' in html


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "closing"}, "Closing at market"),
        ({"naked_since": timezone.now()}, "Unconfirmed, "),
    ],
    ids=["closing", "unconfirmed"],
)
def test_a_stop_that_is_not_there_is_told_at_the_top(
    browser: Client, owner: User, fields: dict[str, Any], words: str
) -> None:
    trade = trade_of(owner, **fields)
    html = html_of(browser.get(ORDERS))
    assert words in html and "light-bad" in html
    assert f'data-trouble-of="{trade.pk}"' in html


def test_a_close_stands_behind_a_question(browser: Client, owner: User) -> None:
    trade = trade_of(owner)
    html = html_of(browser.get(f"{ORDERS}/{trade.pk}/close"))
    assert "You are long 0.05 BTC from 60,000.0." in html
    trade.refresh_from_db()
    assert trade.close_asked_at is None
    html = html_of(browser.post(f"{ORDERS}/{trade.pk}/close", follow=True))
    assert "BTC is being closed at market." in html
    trade.refresh_from_db()
    assert trade.close_asked_at is not None
    ended = closed_of(owner, "1.0")
    html = html_of(browser.post(f"{ORDERS}/{ended.pk}/close", follow=True))
    assert "This trade has ended." in html


def test_offers_are_answered_yes_or_no(browser: Client, owner: User) -> None:
    account = account_of(owner)
    until = timezone.now() + timedelta(seconds=80)
    one, two = (
        trade_of(owner, account, "offered", offer_until=until, symbol=symbol)
        for symbol in ("BTCUSDT", "ETHUSDT")
    )
    html = html_of(browser.get(ORDERS))
    assert html.count("data-offer=") == 2
    assert browser.post(f"{ORDERS}/{one.pk}/approve").status_code == 303
    assert browser.post(f"{ORDERS}/{two.pk}/decline").status_code == 303
    one.refresh_from_db()
    two.refresh_from_db()
    assert one.approved_at is not None and two.state == "skipped"
    html = html_of(browser.post(f"{ORDERS}/{two.pk}/approve", follow=True))
    assert "data-offer=" not in html and "note-bad" in html


def test_what_was_filled_and_what_was_passed_over_is_listed(browser: Client, owner: User) -> None:
    trade = trade_of(owner)
    fill_of(trade, order_of(trade, "entry", ENTRY, state="filled"), ENTRY + 6)
    trade_of(owner, state="skipped", reason="late", sentence="The price had left the entry zone.")
    html = html_of(browser.get(ORDERS))
    assert "Entry filled" in html and "+1.0 bp" in html and "60,006.0" in html
    assert html.count("The price had left the entry zone.") == 2
    html = html_of(browser.get(ORDERS, {"state": "skipped"}))
    assert html.count("data-line=") == 1


def test_pages_of_trades_follow_each_other(browser: Client, owner: User) -> None:
    paper = paper_of(owner)
    start = timezone.now() - timedelta(days=1)
    for n in range(55):
        trade_of(owner, paper, "skipped", decided_at=start + timedelta(seconds=n))
    html = html_of(browser.get(ORDERS))
    assert html.count("data-line=") == 50
    older = re.search(r'href="(\?[^"]*)#tr" data-older', html)
    assert older is not None
    html = html_of(browser.get(ORDERS + older[1].replace("&amp;", "&")))
    assert html.count("data-line=") == 5 and "data-older" not in html


def test_one_account_is_shown_alone(browser: Client, owner: User) -> None:
    paper, other = trade_of(owner), trade_of(owner, account_of(owner, "demo"))
    html = html_of(browser.get(ORDERS))
    assert str(paper.pk) in html and str(other.pk) in html
    html = html_of(browser.get(ORDERS, {"account": str(other.account_id)}))
    body = html.split('id="trading-state"')[0]
    assert str(other.pk) in body and str(paper.pk) not in body


def test_a_trade_is_told_from_its_journal_and_its_stop_is_dissected(
    browser: Client, owner: User
) -> None:
    trade = closed_of(owner, "-1.05")
    stop = order_of(trade, "stop", STOP, state="filled")
    fill_of(trade, stop, STOP - 6)
    told(trade, "planned", "Planned: 0.05 BTC, 30.00 USDT at risk.")
    told(trade, "fill", "The stop filled at 59,394.0.")
    html = html_of(browser.get(f"{ORDERS}/{trade.pk}"))
    story = html[html.index("data-story") :]
    assert story.index("Planned: 0.05 BTC") < story.index("The stop filled")
    assert "triggered at 59,400.0, filled at 59,394.0 for 0.05 BTC. Slippage +1.0 bp." in html
    assert "\u22121.05\u2009R" in html and "30.00 USDT" in html


# --- who may ------------------------------------------------------------------------------------


def test_somebody_elses_accounts_and_trades_are_not_there(browser: Client, owner: User) -> None:
    other = charlie()
    trade = trade_of(other)
    account = trade.account_id
    for address in (f"{BOT}/{account}", f"{BOT}/{account}/preview", f"{BOT}/{account}/flatten"):
        assert browser.get(address).status_code == 404
    for name in ("limits", "mode", "automatic", "resume", "flatten"):
        assert browser.post(f"{BOT}/{account}/{name}").status_code == 404
    for name in ("", "/close"):
        assert browser.get(f"{ORDERS}/{trade.pk}{name}").status_code == 404
    for name in ("close", "approve", "decline"):
        assert browser.post(f"{ORDERS}/{trade.pk}/{name}").status_code == 404
    html = html_of(browser.get(ORDERS, {"account": str(account)}))
    assert str(trade.pk) not in html
    assert Trade.objects.for_user(other.pk).get().close_asked_at is None


@pytest.mark.parametrize("address", [BOT, ORDERS, "/account/", "/account/followed"])
def test_visitors_are_sent_to_the_door(address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302 and "/accounts/login/" in answer["Location"]
