"""Secrets at rest: anybody puts one in, the executor alone takes it out."""

import base64
import copy
import os
import pickle
import resource
import signal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from trading import vault
from trading.executor.host import forbid_core_files
from trading.vault import Place, Secret, VaultClosed

SECRET = b"the secret of somebody's exchange key"


def pair(name: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Return (public, private) as settings hold them."""
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return (name, public), (name, private.private_bytes_raw())


@pytest.fixture
def executor(settings: Any) -> Any:
    """A process that holds the private key."""
    public, private = pair("2026-11")
    settings.VAULT_PUBLIC_KEY, settings.VAULT_PRIVATE_KEYS = public, (private,)
    return settings


def somewhere() -> Place:
    return Place(uuid4(), uuid4())


def test_what_was_sealed_opens_in_its_place(executor: Any) -> None:
    place = somewhere()
    sealed = vault.seal(place, SECRET)
    assert bytes(vault.open_sealed(place, sealed)) == SECRET
    assert SECRET.decode() not in sealed and vault.seal(place, SECRET) != sealed


def test_a_web_process_seals_and_cannot_open(executor: Any) -> None:
    place = somewhere()
    executor.VAULT_PRIVATE_KEYS = ()
    sealed = vault.seal(place, SECRET)
    with pytest.raises(VaultClosed, match="only the executor"):
        vault.open_sealed(place, sealed)
    assert not vault.can_open()


def test_in_another_users_or_accounts_row_it_does_not_open(executor: Any) -> None:
    place = somewhere()
    sealed = vault.seal(place, SECRET)
    for other in (Place(uuid4(), place.account_id), Place(place.user_id, uuid4())):
        with pytest.raises(VaultClosed):
            vault.open_sealed(other, sealed)


def test_no_changed_byte_and_no_cut_opens(executor: Any) -> None:
    place = somewhere()
    sealed = vault.seal(place, b"short")
    for at in range(len(sealed)):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(VaultClosed):
            vault.open_sealed(place, changed)
    for cut in (sealed[:-1], sealed[: len(sealed) // 2], "", ":::"):
        with pytest.raises(VaultClosed):
            vault.open_sealed(place, cut)


def test_rotation_reads_the_old_key_and_writes_the_new_one(executor: Any) -> None:
    place = somewhere()
    old = executor.VAULT_PRIVATE_KEYS[0]
    sealed = vault.seal(place, SECRET)
    public, private = pair("2027-02")
    executor.VAULT_PUBLIC_KEY, executor.VAULT_PRIVATE_KEYS = public, (private, old)
    again = vault.rewrap(place, sealed)
    assert vault.key_id_of(again) == "2027-02"
    assert again.split(":")[3] == sealed.split(":")[3], "the secret itself stayed sealed"
    executor.VAULT_PRIVATE_KEYS = (private,)
    assert bytes(vault.open_sealed(place, again)) == SECRET
    with pytest.raises(VaultClosed, match="2026-11"):
        vault.open_sealed(place, sealed)


def test_a_secret_is_noted_wiped_and_never_shown(executor: Any) -> None:
    place, noted = somewhere(), []
    secret = Secret(place, vault.seal(place, SECRET), lambda where, why: noted.append((where, why)))
    with secret.opened("sign") as plain:
        assert bytes(plain) == SECRET
    assert set(plain) == {0} and noted == [(place, "sign")]
    assert "secret of" not in repr(secret) and not hasattr(secret, "__dict__")
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            way(secret)


def test_the_private_ring_is_masked() -> None:
    _, private = pair("x")
    opener = vault.PrivateKeyOpener((private,))
    assert base64.b64encode(private[1]).decode() not in repr(opener)
    assert str(private[1]) not in repr(opener)


def test_a_place_is_bound_by_version_field_user_account_and_key() -> None:
    place = Place(UUID(int=1), UUID(int=2))
    bounds = {place.bound("a"), place.bound("b"), Place(UUID(int=2), UUID(int=1)).bound("a")}
    assert len(bounds) == 3 and b"sealed_secret" in place.bound("a")


def test_a_crash_of_the_executor_leaves_no_memory_in_a_file(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:  # never comes back from here
        try:
            os.chdir(tmp_path)
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell's background job ignores it
            resource.setrlimit(resource.RLIMIT_CORE, (most := core_limit()[1], most))
            forbid_core_files()
            if core_limit() == (0, most):
                os.kill(os.getpid(), signal.SIGQUIT)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


def core_limit() -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_CORE)
