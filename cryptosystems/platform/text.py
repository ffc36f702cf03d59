"""One rule for text that people type: plain, composed, nothing that hides or reorders."""

import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cryptosystems.kernel.errors import InvalidInput

MOST_CHARACTERS: Final = 2_000
_JOINERS: Final = frozenset("\u200c\u200d")
"""Needed to write some languages and emoji; they neither hide nor reorder text."""
_REFUSED: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


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


def plain_text(text: str) -> None:
    """Refuse the same as a form's validator."""
    try:
        check_plain_text(text)
    except InvalidInput as error:
        raise ValidationError(str(error), code="not_plain") from None
