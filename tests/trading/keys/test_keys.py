"""Connecting a key: nothing secret typed, every right explained, one person an account."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from tests.support.people import person
from tests.trading.keys.test_vault import executor  # noqa: F401 - a fixture
from trading import api, vault
from trading.contracts import AccountState, Venue
from trading.models import KeyCheck, TradingAccount
from trading.services import keys, mass

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url", "executor")]

KEY_ID = "k" * 40 + "q7Rd"


def begun(user: Any, kind: str = "ed25519") -> Any:
    return keys.begin_key(user.pk, kind=kind, venue="simulated", label="Main account")


def test_the_pair_is_made_here_and_only_the_public_half_is_shown() -> None:
    alice = person("alice")
    account = begun(alice)
    view = api.account(alice.pk, account.pk)
    assert view is not None and view.public_key.startswith("-----BEGIN PUBLIC KEY-----")
    opened = bytes(vault.open_sealed(vault.Place(alice.pk, account.pk), account.sealed_secret))
    shown = str(view) + str(TradingAccount.objects.for_user(alice.pk).values().get(pk=account.pk))
    assert opened.hex() not in shown and "sealed_secret" not in str(view)


def test_pasting_the_id_asks_for_seven_checks() -> None:
    alice = person("alice")
    account = begun(alice)
    view = api.finish_key(alice.pk, account.pk, f"  {KEY_ID[:20]}\r\n{KEY_ID[20:]} ")
    assert view.state is AccountState.CHECKING and view.key_tail == "q7Rd"
    assert [check.name for check in api.checks_of(alice.pk, account.pk)] == list(keys.CHECKS)


@pytest.mark.parametrize("typed", ["", "short", "has spaces and !", "x" * 200])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(typed: str) -> None:
    alice = person("alice")
    account = begun(alice)
    with pytest.raises(InvalidInput) as refusal:
        api.finish_key(alice.pk, account.pk, typed)
    assert not typed or typed not in str(refusal.value)
    assert api.account(alice.pk, account.pk).state is AccountState.DRAFT  # type: ignore[union-attr]


def test_an_hmac_secret_is_sealed_and_the_two_must_differ() -> None:
    alice = person("alice")
    account = begun(alice, "hmac")
    with pytest.raises(InvalidInput, match="same"):
        api.finish_key(alice.pk, account.pk, KEY_ID, KEY_ID)
    api.finish_key(alice.pk, account.pk, KEY_ID, "s" * 64)
    row = TradingAccount.objects.for_user(alice.pk).get(pk=account.pk)
    assert "s" * 64 not in row.sealed_secret
    assert bytes(vault.open_sealed(vault.Place(alice.pk, row.pk), row.sealed_secret)) == b"s" * 64


@pytest.mark.parametrize(
    "label", ["0123456789abcdef" * 4, "AkIa" + "0123456789" * 5, "-----BEGIN PRIVATE KEY-----"]
)
def test_a_name_that_looks_like_a_key_is_refused(label: str) -> None:
    with pytest.raises(InvalidInput):
        keys.begin_key(person("alice").pk, kind="hmac", venue="simulated", label=label[:60])


def test_one_exchange_account_belongs_to_one_person() -> None:
    accounts = [begun(person(name)) for name in ("alice", "charlie")]
    for account in accounts:
        api.finish_key(account.user_id, account.pk, KEY_ID)
        keys.conclude(
            account,
            failed=[],
            rights={"futures": True},
            is_ip_restricted=True,
            expires_at=None,
            uid="uid-1",
            now=timezone.now(),
        )
    states = [api.account(a.user_id, a.pk) for a in accounts]
    assert [view.state for view in states if view] == [
        AccountState.CONNECTED,
        AccountState.REFUSED,
    ]
    assert states[1] is not None and states[1].code == "account_taken"
    assert "uid-1" not in str(TradingAccount.objects.across_tenants("a test").values())


def test_rights_that_have_grown_suspend_what_worked_and_tell_its_owner(mailoutbox: Any) -> None:
    alice = person("alice")
    account = begun(alice)
    api.finish_key(alice.pk, account.pk, KEY_ID)
    told = {"rights": {}, "is_ip_restricted": True, "expires_at": None, "uid": "uid-1"}
    keys.conclude(account, failed=[], now=timezone.now(), **told)
    keys.conclude(
        account, failed=[("right_withdrawals", "It may withdraw.")], now=timezone.now(), **told
    )
    view = api.account(alice.pk, account.pk)
    assert view is not None and view.state is AccountState.SUSPENDED and "withdraw" in view.sentence


def test_revoking_overwrites_the_secret_and_keeps_the_row() -> None:
    alice = person("alice")
    account = begun(alice)
    api.revoke_key(alice.pk, account.pk)
    row = TradingAccount.objects.for_user(alice.pk).get(pk=account.pk)
    assert row.sealed_secret == "" and row.state == "revoked"
    assert api.accounts_of(alice.pk)[-1].venue is Venue.PAPER


def test_all_keys_are_withdrawn_at_once_and_again_changes_nothing() -> None:
    people = [person(name) for name in ("alice", "charlie")]
    for user in people:
        api.finish_key(user.pk, begun(user).pk, KEY_ID)
    now = timezone.now()
    assert mass.revoke_all(now) == 2
    assert mass.revoke_all(now) == 0
    rows = TradingAccount.objects.across_tenants("a test").exclude(venue="paper")
    assert {row.state for row in rows} == {"suspended"} and all(row.sealed_secret for row in rows)
    assert mass.revoke_all(now, exits_too=True) == 2
    assert {row.sealed_secret for row in rows.all()} == {""}


def test_after_a_security_change_no_key_for_a_day() -> None:
    alice = person("alice")
    alice.security_changed_at = timezone.now() - timedelta(hours=23)
    alice.save()
    with pytest.raises(NotAllowed, match="changed"):
        begun(alice)
    alice.security_changed_at = timezone.now() - timedelta(hours=25)
    alice.save()
    assert begun(alice).pk


def test_the_test_page_is_its_owners_alone() -> None:
    alice, charlie = person("alice"), person("charlie")
    account = begun(alice)
    api.finish_key(alice.pk, account.pk, KEY_ID)
    browser = Client()
    browser.force_login(charlie)
    for name in ("api-key", "api-key-state", "api-key-revoke"):
        address = reverse(f"frontend:{name}", args=[account.pk])
        assert browser.get(address).status_code == 404
    browser.force_login(alice)
    page = browser.get(reverse("frontend:api-key", args=[account.pk])).content.decode()
    assert "…q7Rd" in page and KEY_ID not in page and "Stop order on the exchange" in page
    KeyCheck.objects.for_user(alice.pk).filter(name="withdrawals").update(
        state="failed", sentence="This key may withdraw."
    )
    told = browser.get(reverse("frontend:api-key-state", args=[account.pk])).json()
    assert [c["state"] for c in told["checks"] if c["name"] == "withdrawals"] == ["failed"]
