"""Every opening is on the ledger, and one that no request explains raises the alarm (SE-18)."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.support.people import person
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading import vault
from trading.models import SecretOpening, TradingAccount
from trading.services import keys
from trading.services.openings import MOST_A_MINUTE, MOST_UNEXPLAINED, Ledger

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url", "executor")]


@pytest.fixture
def accounts() -> list[TradingAccount]:
    """Accounts of twelve people, each with a key."""
    return [
        keys.begin_key(person(f"p{n}").pk, kind="ed25519", venue="simulated", label="Main")
        for n in range(12)
    ]


@pytest.fixture
def boss() -> Any:
    user = person("boss")
    user.is_staff = True
    user.save()
    return user


def place_of(account: TradingAccount) -> vault.Place:
    return vault.Place(account.user_id, account.pk)


def opened(account: TradingAccount, ledger: Ledger, purpose: str = "sign") -> None:
    secret = vault.Secret(place_of(account), account.sealed_secret, ledger.note)
    with secret.opened(purpose):
        pass


def test_what_reads_all_keys_is_noticed_within_ten(
    accounts: list[TradingAccount], boss: Any, mailoutbox: list[Any]
) -> None:
    script = Ledger("a script")
    for account in accounts[: MOST_UNEXPLAINED + 1]:
        opened(account, script)
    assert script.write(is_last=True) == MOST_UNEXPLAINED + 1 == SecretOpening.objects.count()
    assert script.alarms == {"unexplained_openings": 1}
    [letter] = mailoutbox
    assert letter.to == [boss.email] and "key-leak.md" in letter.body
    assert "a script" in letter.body


def test_signed_requests_explain_openings_however_many(
    accounts: list[TradingAccount], boss: Any, mailoutbox: list[Any]
) -> None:
    lane = Ledger("a lane")
    for account in accounts * 3:
        opened(account, lane)
        lane.used(place_of(account))
    assert lane.write(is_last=True) == 36
    assert not lane.alarms and not mailoutbox


def test_what_is_on_its_way_has_a_moment(accounts: list[TradingAccount]) -> None:
    lane = Ledger("a lane")
    for account in accounts:
        opened(account, lane)
    lane.write()
    assert not lane.alarms


def test_one_account_opened_too_often_is_told_once_an_hour(
    accounts: list[TradingAccount], boss: Any, mailoutbox: list[Any]
) -> None:
    lane, place = Ledger("a lane"), place_of(accounts[0])
    for _ in range(2):
        lane._minute[1].clear()
        for _ in range(MOST_A_MINUTE):
            lane.note(place, "sign")
            lane.used(place)
        lane.write()
    assert lane.alarms["too_many_openings"] in (1, 2)  # 1: the minute turned meanwhile
    assert len(mailoutbox) <= 1


def test_a_canary_may_be_rotated_and_nothing_else(
    boss: Any, mailoutbox: list[Any], accounts: list[TradingAccount]
) -> None:
    call_command("canary_key", accounts[0].user.email)
    rows = TradingAccount.objects.across_tenants("a test")
    canary = rows.exclude(uid_index="").get()
    assert "canary" not in str(rows.filter(pk=canary.pk).values().get())

    ledger = Ledger("rotate_keys")
    opened(canary, ledger, "rotate")
    ledger.write(is_last=True)
    assert not ledger.alarms

    opened(canary, ledger)
    ledger.used(place_of(canary))
    ledger.write()
    assert ledger.alarms == {"canary_opened": 1}
    assert "canary" in mailoutbox[0].body
    with pytest.raises(CommandError, match="no account"):
        call_command("canary_key", "nobody@example.org")
