"""What people write: plain text in one normal form, without characters that hide or reorder."""

import unicodedata
from typing import Final

from cryptosystems.kernel.errors import InvalidInput

_MOST_MARKS: Final = 4
_HIDDEN: Final = frozenset("\u200b\u2060\ufeff\u00ad\u180e\u061c\u200e\u200f")
_BIDI: Final = frozenset(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_REFUSED: Final = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


def check_plain_text(value: str, *, most: int, name: str = "The text") -> str:
    """Return the text in NFC without space around it.

    Raises
    ------
    InvalidInput
        If it is empty, too long, or holds control characters, invisible ones, ones that turn the
        direction of writing, or a pile of combining marks.
    """
    if len(value) > most * 4:
        raise InvalidInput(f"{name} is at most {most} characters long.")
    if any(_is_refused(letter) for letter in value):
        raise InvalidInput(f"{name} is plain text on one line: no control or invisible characters.")
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        raise InvalidInput(f"{name} is empty; write at least one character.")
    if len(text) > most:
        raise InvalidInput(f"{name} is at most {most} characters long.")
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks > _MOST_MARKS:
            raise InvalidInput(f"{name} piles too many marks on one letter.")
    return text


def _is_refused(letter: str) -> bool:
    return letter in _HIDDEN or letter in _BIDI or unicodedata.category(letter) in _REFUSED
