"""The commands of an operator's worst day: rotate, withdraw everything, make new keys."""

import io
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.settings.env import key_ring
from tests.support.people import person
from tests.support.trades import trade_of
from tests.trading.keys.test_vault import executor, pair  # noqa: F401 - a fixture
from trading import vault
from trading.management.commands.rotate_keys import counts
from trading.models import JournalEntry, SecretOpening, TradingAccount
from trading.services import keys, mass
from trading.services.permits import entry_denial

pytestmark = pytest.mark.usefixtures("redis_url", "executor")

KEY_ID = "k" * 40 + "q7Rd"


def connected(name: str) -> TradingAccount:
    """Return a connected account whose secret says whose it is."""
    user = person(name)
    account = keys.begin_key(user.pk, kind="hmac", venue="simulated", label="Main account")
    keys.finish_key(user.pk, account.pk, KEY_ID, f"secret-of-{name}-{'x' * 20}")
    conclude(account)
    return TradingAccount.objects.for_user(user.pk).get(pk=account.pk)


def conclude(account: TradingAccount) -> None:
    """Let the permission test end well."""
    keys.conclude(
        account,
        failed=[],
        rights={"futures": True},
        is_ip_restricted=True,
        expires_at=None,
        uid=str(account.pk),
        now=timezone.now(),
    )


def stored() -> list[TradingAccount]:
    rows = TradingAccount.objects.across_tenants("a test")
    return list(rows.exclude(sealed_secret="").order_by("created_at"))


def opened(row: TradingAccount) -> str:
    return bytes(vault.open_sealed(vault.Place(row.user_id, row.pk), row.sealed_secret)).decode()


def run(*command: str) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def killed_while_rotating(monkeypatch: Any, after: int, *, is_saved: bool) -> None:
    """Run the command in a process of its own that dies at its `after`-th secret."""
    connection.close()
    child = os.fork()
    if child == 0:  # never comes back from here
        done: list[int] = []
        inner = vault.rewrap

        def dying(place: vault.Place, text: str) -> str:
            done.append(1)
            sealed = inner(place, text)
            if len(done) == after and not is_saved:
                os.kill(os.getpid(), signal.SIGKILL)
            return sealed

        def dying_later(self: TradingAccount, **how: Any) -> None:
            TradingAccount.save_base(self, **how)
            if len(done) == after and is_saved:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            monkeypatch.setattr(vault, "rewrap", dying)
            monkeypatch.setattr(TradingAccount, "save", dying_later)
            call_command("rotate_keys", stdout=io.StringIO())
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.django_db(transaction=True)
def test_a_rotation_that_is_killed_five_times_ends_right(settings: Any, monkeypatch: Any) -> None:
    names = [f"person{n}" for n in range(12)]
    for name in names:
        connected(name)
    old = settings.VAULT_PRIVATE_KEYS[0]
    public, private = pair("2027-02")
    settings.VAULT_PUBLIC_KEY, settings.VAULT_PRIVATE_KEYS = public, (private, old)

    for after in (1, 3, 2, 1, 2):
        killed_while_rotating(monkeypatch, after, is_saved=after % 2 == 0)
        told = [opened(row) for row in stored()]
        assert told == [f"secret-of-{name}-{'x' * 20}" for name in names]
    assert 0 < counts()["2026-11"] < len(names)

    assert "vault key 2027-02: 12" in run("rotate_keys")
    assert counts() == {"2027-02": 12}
    settings.VAULT_PRIVATE_KEYS = (private,)
    assert [opened(row) for row in stored()][-1].startswith("secret-of-person11")
    # Every secret that was opened for good has its line; a rolled-back one has neither.
    assert SecretOpening.objects.filter(purpose="rotate").count() == len(names)
    assert run("rotate_keys").startswith("sealed anew: 0")


@pytest.mark.django_db
def test_one_broken_secret_does_not_keep_the_others_from_being_rotated(settings: Any) -> None:
    accounts = [connected(name) for name in ("alice", "bob", "charlie")]
    rows = TradingAccount.objects.across_tenants("a test")
    rows.filter(pk=accounts[0].pk).update(sealed_secret="not a sealed one")
    old = settings.VAULT_PRIVATE_KEYS[0]
    public, private = pair("2027-02")
    settings.VAULT_PUBLIC_KEY, settings.VAULT_PRIVATE_KEYS = public, (private, old)
    with pytest.raises(CommandError, match="1 could not be opened"):
        run("rotate_keys")
    assert counts() == {"2027-02": 2, "unreadable": 1}


@pytest.mark.django_db
def test_a_process_without_the_private_key_rotates_nothing(settings: Any) -> None:
    settings.VAULT_PRIVATE_KEYS = ()
    with pytest.raises(CommandError, match="VAULT_PRIVATE_KEYS"):
        run("rotate_keys")


@pytest.mark.django_db
def test_a_made_pair_fits_both_settings() -> None:
    told = dict(line.split("=", 1) for line in run("vault_keys", "2027-03").splitlines()[1::2])
    ((name, private),) = key_ring(told["VAULT_PRIVATE_KEYS"])
    ((public_name, public),) = key_ring(told["VAULT_PUBLIC_KEY"])
    place = vault.Place(person("alice").pk, person("bob").pk)
    sealed = vault.PublicKeyWrapper(public_name, public).wrap(b"d" * 32, place.bound(name))
    assert (
        vault.PrivateKeyOpener(((name, private),)).unwrap(name, sealed, place.bound(name))
        == b"d" * 32
    )
    with pytest.raises(CommandError, match="id is up to"):
        run("vault_keys", "no spaces")


@pytest.fixture
def many(django_db_blocker: Any, db: None) -> Iterator[list[TradingAccount]]:
    yield [connected(f"person{n}") for n in range(20)]


def test_all_keys_are_withdrawn_and_everybody_is_told_once(
    many: list[TradingAccount], mailoutbox: list[Any]
) -> None:
    trades = [trade_of(User.objects.get(pk=row.user_id), row, "chosen") for row in many]
    began = timezone.now()
    assert "withdrawn: 20" in run("revoke_keys", "--all")
    assert (timezone.now() - began).total_seconds() < 20, "a minute holds more than a thousand"
    told = [entry_denial(trade, timezone.now()) for trade in trades]
    assert {denial.code if denial else "" for denial in told} == {"not_connected"}
    assert "withdrawn: 0" in run("revoke_keys", "--all")
    letters = [m.to[0] for m in mailoutbox if m.subject.startswith("Please delete the API key")]
    assert sorted(letters) == sorted(f"person{n}@example.org" for n in range(20))
    assert JournalEntry.objects.across_tenants("a test").filter(kind=keys.WITHDRAWN).count() == 20


def test_entries_of_everybody_end_before_the_first_letter_is_written(
    many: list[TradingAccount], monkeypatch: Any
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the mail does not go out")

    monkeypatch.setattr(mass.letters, "write_to", broken)
    with pytest.raises(RuntimeError):
        run("revoke_keys", "--all")
    assert {row.state for row in stored()} == {"suspended"}
    monkeypatch.undo()
    assert "withdrawn: 20" in run("revoke_keys", "--all")


def test_only_the_generation_that_leaked_is_withdrawn(settings: Any, db: None) -> None:
    connected("alice")
    settings.VAULT_PUBLIC_KEY, _ = pair("2027-02")
    connected("bob")
    assert "withdrawn: 1" in run("revoke_keys", "--key-version", "2026-11")
    assert [row.state for row in stored()] == ["suspended", "connected"]


def test_a_withdrawn_key_does_not_come_back_through_a_new_test(db: None) -> None:
    account = connected("alice")
    keys.test_key(account.user_id, account.pk)  # a test runs while the keys are withdrawn
    run("revoke_keys", "--all")
    conclude(account)
    account.refresh_from_db()
    assert (account.state, account.code) == ("suspended", keys.WITHDRAWN)
    for again in (
        lambda: keys.test_key(account.user_id, account.pk),
        lambda: keys.finish_key(account.user_id, account.pk, KEY_ID, "another-secret-of-mine"),
    ):
        with pytest.raises(InvalidInput, match="withdrawn"):
            again()
    anew = keys.begin_key(account.user_id, kind="ed25519", venue="simulated", label="Again")
    assert anew.state == "draft"
