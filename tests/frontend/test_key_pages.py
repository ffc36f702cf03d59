"""The key wizard: what is pasted there lies nowhere but sealed, not even while a proof is asked."""

import json
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from tests.support.people import add_totp, alice, confirm_again, signed_in
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading.models import TradingAccount
from trading.services import keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url", "executor")]

SECRET = "aSecretThatIsMarked" + "0123456789" * 4
KEY_ID = "keyIdThatIsMarked" + "9876543210" * 4


def test_a_secret_does_not_wait_in_the_session_for_a_proof() -> None:
    user = alice()
    add_totp(user)
    browser = signed_in(user)
    account = keys.begin_key(user.pk, kind="hmac", venue="simulated", label="Main account")
    page = f"/account/api-keys/{account.pk}"
    pasted = {"api_key": KEY_ID, "secret": SECRET}

    answer = browser.post(f"{page}/finish", pasted)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/?next=%2Faccount%2Fapi-keys")
    held = _everything_in_sessions(browser)
    assert SECRET not in held and KEY_ID not in held
    assert TradingAccount.objects.for_user(user.pk).get(pk=account.pk).api_key == ""
    confirm_again(browser, user)
    assert "Paste it again" in browser.get(page).content.decode()
    assert browser.post(f"{page}/finish", pasted).status_code == 303
    assert TradingAccount.objects.for_user(user.pk).get(pk=account.pk).api_key == KEY_ID
    assert SECRET not in _everything_in_sessions(browser)


def _everything_in_sessions(browser: Client) -> str:
    stored: list[Any] = [row.get_decoded() for row in Session.objects.all()]
    return json.dumps([dict(browser.session), *stored], default=str)
