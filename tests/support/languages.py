"""A second language for tests: every text of the catalogues with its vowels accented.

What is still read in plain letters was never marked, or never looked up.
"""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po, write_po

from cryptosystems.management.commands.catalogue import DOMAINS, catalogue, write_compiled

# The language is German by name only: its texts are made here.
LANGUAGE = "de"
_ACCENTED = str.maketrans("aeiouAEIOU", "áéíóúÁÉÍÓÚ")
# Placeholders, tags and entities stay as they are.
_KEPT = re.compile(r"(%\(\w+\)[sd]|\{\w*\}|<[^>]*>|&\w+;|%%)")


def accented(text: str) -> str:
    """Return a text as this language has it."""
    return "".join(
        part if _KEPT.fullmatch(part) else part.translate(_ACCENTED) for part in _KEPT.split(text)
    )


def translated(domain: str) -> bytes:
    """Return the whole catalogue of a domain in this language."""
    made = read_po(BytesIO(catalogue(LANGUAGE, domain=domain)), locale=LANGUAGE)
    for entry in made:
        if entry.id:
            is_plural = isinstance(entry.id, tuple)
            entry.string = tuple(map(accented, entry.id)) if is_plural else accented(str(entry.id))
    file = BytesIO()
    write_po(file, made)
    return file.getvalue()


def offer_language(folder: Path, settings: Any) -> None:
    """Offer the language beside English, with its texts in `folder`."""
    texts = folder / LANGUAGE / "LC_MESSAGES"
    texts.mkdir(parents=True)
    for domain in DOMAINS:
        write_compiled(texts, domain, translated(domain))
    settings.LOCALE_PATHS = [folder]
    settings.LANGUAGES = [("en", "English"), (LANGUAGE, "Deutsch")]
