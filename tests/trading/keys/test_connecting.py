"""What the permission test concludes: one person an exchange account, told once, warned in time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.support.people import person
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading.models import JournalEntry, TradingAccount
from trading.services import keys, mass

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url", "executor")]

KEY_ID = "k" * 40 + "q7Rd"
WITHDRAWS = ("right_withdrawals", "This key may withdraw.")


def pasted(user: Any, label: str = "Main account") -> TradingAccount:
    """Return an account whose key waits for its test."""
    account = keys.begin_key(user.pk, kind="ed25519", venue="simulated", label=label)
    return keys.finish_key(user.pk, account.pk, KEY_ID)


def conclude(account: TradingAccount, uid: str = "uid-1", **told: Any) -> TradingAccount:
    """End a test, and return the row as it stands then."""
    usual: dict[str, Any] = {
        "failed": [],
        "rights": {"futures": True},
        "is_ip_restricted": True,
        "expires_at": None,
        "now": timezone.now(),
    }
    keys.conclude(account, uid=uid, **{**usual, **told})
    return TradingAccount.objects.for_user(account.user_id).get(pk=account.pk)


def test_a_key_that_never_worked_is_refused_however_often_it_fails(mailoutbox: list[Any]) -> None:
    account = pasted(person("alice"))
    for _ in range(2):
        keys.test_key(account.user_id, account.pk)
        row = conclude(account, failed=[WITHDRAWS])
        assert (row.state, row.code, row.uid_index) == ("refused", "right_withdrawals", "")
    assert not mailoutbox
    assert conclude(keys.test_key(account.user_id, account.pk)).state == "connected"


def test_an_exchange_account_stays_its_owners_while_the_key_is_refused() -> None:
    mine = conclude(pasted(person("alice")))
    TradingAccount.objects.for_user(mine.user_id).filter(pk=mine.pk).update(
        state="suspended", code=keys.KEY_LOST
    )
    other = conclude(pasted(person("charlie")))
    assert (other.state, other.code, other.uid_index) == ("refused", "account_taken", "")
    assert conclude(mine).state == "connected"
    keys.revoke_key(mine.user_id, mine.pk)
    assert conclude(keys.test_key(other.user_id, other.pk)).state == "connected"


def test_the_same_exchange_account_is_not_connected_twice_by_one_person() -> None:
    alice = person("alice")
    conclude(pasted(alice, "Main account"))
    second = conclude(pasted(alice, "The same again"))
    assert (second.state, second.code) == ("refused", "account_twice")
    assert "“Main account”" in second.sentence


def test_after_all_keys_were_withdrawn_a_new_one_of_the_same_account_connects() -> None:
    alice = person("alice")
    old = conclude(pasted(alice))
    mass.revoke_all(timezone.now())
    assert conclude(pasted(alice, "Again")).state == "connected"
    old.refresh_from_db()
    assert (old.state, old.uid_index) == ("suspended", "")


def test_another_accounts_key_does_not_take_the_place_of_one_that_worked() -> None:
    mine = conclude(pasted(person("alice")))
    row = conclude(keys.test_key(mine.user_id, mine.pk), uid="uid-2")
    assert (row.state, row.code) == ("suspended", "other_account")
    assert row.uid_index == mine.uid_index


def test_a_changed_secret_key_makes_nobody_somebody_else(settings: Any) -> None:
    mine = conclude(pasted(person("alice")))
    settings.SECRET_KEY = "another" * 10
    row = conclude(mine)
    assert row.state == "connected" and row.uid_index != mine.uid_index


def test_a_daily_check_that_finds_nothing_new_says_nothing() -> None:
    mine = conclude(pasted(person("alice")))
    told = JournalEntry.objects.for_user(mine.user_id).filter(account_id=mine.pk)
    before = told.count()
    conclude(mine)
    assert told.count() == before


def test_a_week_before_a_key_lapses_its_owner_has_one_mail(mailoutbox: list[Any]) -> None:
    now = timezone.now()
    lapses = now + timedelta(days=9)
    mine = conclude(pasted(person("alice")), expires_at=lapses, now=now)
    assert not mailoutbox
    for day in (3, 4, 5):
        conclude(mine, expires_at=lapses, now=now + timedelta(days=day))
    [letter] = mailoutbox
    assert letter.subject == 'The API key of "Main account" lapses in 6 days'
    assert "/account/api-keys" in letter.body
