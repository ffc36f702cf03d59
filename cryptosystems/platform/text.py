"""One rule for text that people type: plain, composed, nothing that hides or reorders."""

import re
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cryptosystems.kernel.errors import InvalidInput

MOST_CHARACTERS: Final = 2_000
_JOINERS: Final = frozenset("\u200c\u200d")
"""Needed to write some languages and emoji; they neither hide nor reorder text."""
_REFUSED: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_KEY_WORDS: Final = re.compile(r"-----BEGIN|PRIVATE KEY")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{40,}(?![0-9A-Za-z])")
_LETTERS: Final = re.compile(r"(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{32,}={0,2}(?![0-9A-Za-z+/_-])")
_FEW: Final = 6
"""A row of the same few letters is no key."""
_SEED_WORD: Final = re.compile(r"[a-z]{3,8}")
_SEED_LENGTHS: Final = (12, 15, 18, 21, 24)
_PROSE: Final = (
    "the and for with are was were but not his her our your they them has had who its into than "
    "then may get got did how"
)
_NO_SEED_WORDS: Final = frozenset(_PROSE.split())
"""Common words that no seed phrase holds: prose has one of them every few words."""


def has_hidden_characters(text: str, *, lines: bool = False) -> bool:
    """Say whether text holds control, bidirectional, invisible or unassigned characters."""
    allowed = _JOINERS | {"\n"} if lines else _JOINERS
    return any(
        unicodedata.category(letter) in _REFUSED and letter not in allowed for letter in text
    )


def check_plain_text(text: str, *, most: int = MOST_CHARACTERS, lines: bool = False) -> str:
    """Return text in its composed form (NFC); refuse what is too long or not plain.

    Raises
    ------
    InvalidInput
        If it is longer than `most` or holds control or bidirectional characters.
    """
    if len(text) > most:
        raise InvalidInput(_("Use at most %(most)s characters.") % {"most": most})
    if has_hidden_characters(text, lines=lines):
        raise InvalidInput(
            _("Use plain letters, digits and signs: this holds an invisible or control character.")
        )
    return unicodedata.normalize("NFC", text)


def looks_like_secret(text: str) -> bool:
    """Say whether a text holds what looks like a key: PEM, hex, base64 or a seed phrase."""
    if _KEY_WORDS.search(text):
        return True
    if any(len(set(found.lower())) > _FEW for found in _HEX.findall(text)):
        return True
    if any(_is_mixed(found) for found in _LETTERS.findall(text)):
        return True
    words = text.split()
    return len(words) in _SEED_LENGTHS and all(
        _SEED_WORD.fullmatch(word) and word not in _NO_SEED_WORDS for word in words
    )


def _is_mixed(text: str) -> bool:
    """Say whether letters look drawn by lot: a long word, a path or a name of ours does not."""
    kinds = (str.islower, str.isupper, str.isdigit)
    counts = [sum(1 for letter in text if is_kind(letter)) for is_kind in kinds]
    return min(counts) >= 2 and text.count("/") + text.count("-") <= len(text) // 8


def check_free_text(text: str, *, most: int = MOST_CHARACTERS, lines: bool = False) -> str:
    """Return plain text that others may see; what looks like a key is refused and kept nowhere.

    Raises
    ------
    InvalidInput
        As `check_plain_text`, and if it looks like a key.
    """
    if looks_like_secret(text):
        raise InvalidInput(
            _("That looks like a key. Never write one where others can read it; nobody here asks.")
        )
    return check_plain_text(text, most=most, lines=lines)


def plain_text(text: str) -> None:
    """Refuse the same as a form's validator."""
    try:
        check_plain_text(text)
    except InvalidInput as error:
        raise ValidationError(str(error), code="not_plain") from None
