"""Trading in the console: read by the right people, switches thrown by one and cleared by two."""

import pytest
from django.test import Client

from accounts.models import User
from tests.console.conftest import staff_member
from tests.support.people import person, signed_in
from tests.support.trades import account_of
from trading.models import KillSwitch, TradingAccount

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

LIST = "/admin/trading/killswitch/"


def throw(browser: Client, **changes: str) -> str:
    order = {"scope": "symbol", "key": "BTCUSDT", "mode": "close_only", "reason": "a drill today"}
    return browser.post(f"{LIST}throw/", {**order, **changes}, follow=True).content.decode()


def clear(browser: Client, **form: str) -> str:
    pk = KillSwitch.objects.get().pk
    return browser.post(f"{LIST}{pk}/clear/", form, follow=True).content.decode()


def test_one_throws_and_two_clear(operator: User) -> None:
    first, second = signed_in(operator), signed_in(staff_member("second", "operator"))
    assert "The switch is thrown." in throw(first)
    held = KillSwitch.objects.get()
    assert (held.mode, held.thrown_by) == ("close_only", operator.pk)
    assert "Nobody has asked" in clear(second, agree="1")
    clear(first)
    assert "Somebody else" in clear(first, agree="1")
    assert KillSwitch.objects.get().cleared_at is None
    clear(second, agree="1")
    assert KillSwitch.objects.get().cleared_at is not None


@pytest.mark.parametrize(
    "changes", [{"reason": ""}, {"key": ""}, {"scope": "moon"}, {"mode": "x"}, {"scope": "user"}]
)
def test_what_is_not_complete_is_not_thrown(operator: User, changes: dict[str, str]) -> None:
    throw(signed_in(operator), **changes)
    assert not KillSwitch.objects.exists()


def test_support_reads_trades_and_throws_nothing() -> None:
    browser = signed_in(staff_member("helper", "support"))
    assert browser.get("/admin/trading/trade/").status_code == 200
    assert browser.post(f"{LIST}throw/", {}).status_code == 403


def test_no_page_of_an_account_shows_its_key(operator: User) -> None:
    account = account_of(
        person("alice"), api_key="visible-key-id-0123456789q7Rd", sealed_secret="x1:k:AAAA:BBBB"
    )
    browser = signed_in(staff_member("boss", is_superuser=True))
    for address in ("", f"{account.pk}/change/"):
        text = browser.get(f"/admin/trading/tradingaccount/{address}").content.decode()
        assert "visible-key-id" not in text and "x1:k:" not in text
    assert TradingAccount.objects.for_user(account.user_id).get().sealed_secret
