"""Somebody goes for good: their export, and why they stay until what is open is closed (F-60)."""

import io
import json
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts import api as accounts
from accounts.models import User
from billing.services import deletion
from cryptosystems.kernel.errors import NotAllowed
from tests.support.people import alice
from tests.support.trades import account_of, fill_of, order_of, paper_of, told, trade_of
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading import vault
from trading.models import BotSettings, Trade, TradingAccount

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

LATER = timedelta(days=31)


def with_a_position(state: str = "open") -> tuple[User, Trade]:
    """Return somebody who asked to be deleted, with a position on an exchange account."""
    user = alice()
    account = account_of(user, key_kind="hmac", api_key="K" * 64)
    BotSettings.objects.for_user(user.pk).update(mode="trading", is_automatic=True)
    trade = trade_of(user, account, state)
    accounts.request_deletion(user.pk)
    return user, trade


def sweep() -> int:
    return deletion.close_accounts(timezone.now() + LATER)


@pytest.mark.parametrize("state", ["entering", "open", "closing", "parked"])
def test_nobody_is_deleted_while_something_of_theirs_is_open(state: str) -> None:
    user, trade = with_a_position(state)
    assert sweep() == 0
    trade.refresh_from_db()
    assert trade.close_asked_at is not None, "the executor is asked to close it"
    assert not BotSettings.objects.for_user(user.pk).get(account=trade.account).is_automatic
    asked_at = trade.close_asked_at
    with pytest.raises(NotAllowed, match="trading"):
        accounts.delete_everything(user.pk)
    trade.refresh_from_db()
    assert trade.close_asked_at == asked_at, "asked once"
    Trade.objects.for_user(user.pk).update(state="closed", open_quantity=Decimal(0))
    assert sweep() == 1
    assert not User.objects.filter(pk=user.pk).exists()
    assert not Trade.objects.across_tenants("a test").exists()


def test_within_the_thirty_days_nothing_is_closed() -> None:
    user, trade = with_a_position()
    assert deletion.close_accounts(timezone.now() + timedelta(days=29)) == 0
    trade.refresh_from_db()
    assert trade.close_asked_at is None
    assert accounts.withdraw_deletion(user.pk)
    assert sweep() == 0 and User.objects.filter(pk=user.pk).exists()


def test_what_waits_to_be_entered_is_dropped_and_holds_nobody_back() -> None:
    user, _ = with_a_position("chosen")
    trade_of(user, paper_of(user), "offered")
    assert sweep() == 1
    assert not User.objects.filter(pk=user.pk).exists()


def test_an_account_whose_key_is_gone_holds_nobody_back() -> None:
    user, trade = with_a_position()
    TradingAccount.objects.for_user(user.pk).filter(pk=trade.account_id).update(state="revoked")
    assert sweep() == 1


def test_the_export_holds_trades_and_nothing_that_opens_an_account(executor: Any) -> None:  # noqa: F811
    user = alice()
    account = account_of(user, key_kind="hmac", api_key="MarkedKeyId" + "9" * 40)
    secret = b"MarkedSecret" + b"7" * 40
    sealed = vault.seal(vault.Place(user.pk, account.pk), secret)
    TradingAccount.objects.for_user(user.pk).filter(pk=account.pk).update(
        sealed_secret=sealed, uid_index="markeduidindex"
    )
    trade = trade_of(user, account)
    fill_of(trade, order_of(trade, "entry", Decimal(60_000)), Decimal(60_001))
    told(trade, "fill", "The entry was filled.")
    with zipfile.ZipFile(io.BytesIO(accounts.export_of(user.pk))) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    for table in ("trade", "tradeorder", "fill", "journalentry", "botsettings", "tradingaccount"):
        assert len(json.loads(files[f"trading.{table}.json"])) >= 1, table
    assert "The entry was filled." in files["trading.journalentry.csv"]
    everything = "".join(files.values())
    for marked in ("MarkedKeyId", "MarkedSecret", sealed[:20], sealed[-20:], "markeduidindex"):
        assert marked not in everything
