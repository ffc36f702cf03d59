"""Sealed values: they open where they were sealed for, whole, and nowhere else."""

import base64
from typing import Any

import pytest

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.platform.encryption import SealBroken, open_sealed, rewrap, seal

SECRET = b"JBSWY3DPEHPK3PXP"
HERE = "keys.credential/alice/1"


def test_a_value_opens_where_it_was_sealed_for() -> None:
    assert open_sealed(seal(SECRET, HERE), HERE) == SECRET
    assert open_sealed(seal(b"", HERE), HERE) == b""


def test_each_sealing_has_a_key_and_a_nonce_of_its_own() -> None:
    texts = {part for _ in range(50) for part in seal(SECRET, HERE).split(":")[2:]}
    assert len(texts) == 100
    assert all(SECRET not in base64.urlsafe_b64decode(text) for text in texts)


@pytest.mark.parametrize("elsewhere", ["keys.credential/charlie/1", "keys.credential/alice/2", ""])
def test_a_value_put_elsewhere_does_not_open(elsewhere: str) -> None:
    with pytest.raises(SealBroken):
        open_sealed(seal(SECRET, HERE), elsewhere)


def test_no_changed_letter_opens() -> None:
    text = seal(SECRET, HERE)
    for at, letter in enumerate(text):
        for other in ("A", "_", ":"):
            if other != letter:
                with pytest.raises(SealBroken):
                    open_sealed(text[:at] + other + text[at + 1 :], HERE)


def test_no_cut_or_mixed_value_opens() -> None:
    text, other = seal(SECRET, HERE), seal(b"another secret", HERE)
    for length in range(len(text)):
        with pytest.raises(SealBroken):
            open_sealed(text[:length], HERE)
    version, key_id, wrapped, _body = text.split(":")
    with pytest.raises(SealBroken):
        open_sealed(":".join((version, key_id, wrapped, other.split(":")[3])), HERE)


def test_an_older_key_still_opens_and_rewrap_moves_to_the_newest(settings: Any) -> None:
    old = seal(SECRET, HERE)
    settings.KEY_ENCRYPTION_KEYS = (("2027", b"n" * 32), *settings.KEY_ENCRYPTION_KEYS)
    assert open_sealed(old, HERE) == SECRET
    renewed = rewrap(old, HERE)
    assert renewed.startswith("v1:2027:")
    assert rewrap(renewed, HERE) == renewed
    settings.KEY_ENCRYPTION_KEYS = settings.KEY_ENCRYPTION_KEYS[:1]
    assert open_sealed(renewed, HERE) == SECRET
    with pytest.raises(SealBroken):
        open_sealed(old, HERE)
    with pytest.raises(SealBroken):
        rewrap(old, HERE)


def test_without_a_key_nothing_is_sealed(settings: Any) -> None:
    settings.KEY_ENCRYPTION_KEYS = ()
    with pytest.raises(NeedsOperator, match="KEY_ENCRYPTION_KEYS"):
        seal(SECRET, HERE)


def test_the_error_tells_nothing_of_the_secret() -> None:
    with pytest.raises(SealBroken) as caught:
        open_sealed(seal(SECRET, HERE), "elsewhere")
    assert SECRET.decode() not in str(caught.value)
    assert caught.value.__suppress_context__
