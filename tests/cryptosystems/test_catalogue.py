"""Every text for people can be translated: the catalogue is complete, and a translation shows."""

import json
import re
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po, write_po
from django.core.management import CommandError, call_command
from django.utils.translation import gettext, override

from cryptosystems.management.commands.catalogue import catalogue, compiled, script_texts, sources
from frontend.texts import texts_of_scripts


def test_the_catalogue_holds_every_text() -> None:
    call_command("catalogue", check=True, stdout=StringIO())


def test_a_translation_is_kept_and_shown(tmp_path: Path, settings: Any) -> None:
    made = read_po(BytesIO(catalogue("de")), locale="de")
    entry = made.get("Getting started")
    assert entry is not None
    entry.string = "Erste Schritte"
    file = BytesIO()
    write_po(file, made)

    again = catalogue("de", file.getvalue())
    assert b"Erste Schritte" in again
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(compiled(again))
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    with override("de"):
        assert gettext("Getting started") == "Erste Schritte"


def test_every_text_of_a_module_is_collected() -> None:
    """The collector does not see into a template string, nor into another text's values."""
    held = read_po(BytesIO(catalogue("en", domain="djangojs")))
    texts = {entry.id[0] if isinstance(entry.id, tuple) else entry.id for entry in held}
    asked = {
        text
        for path in sources("djangojs")
        for text in re.findall(r'\b[tn]\(\s*"([^"]*)"', path.read_text(encoding="utf-8"))
    }
    assert asked
    assert asked - texts == set()


def test_a_stale_catalogue_of_the_modules_is_told(tmp_path: Path, settings: Any) -> None:
    settings.LOCALE_PATHS = [tmp_path]
    call_command("catalogue", stdout=StringIO())
    call_command("catalogue", check=True, stdout=StringIO())
    path = tmp_path / "en" / "LC_MESSAGES" / "djangojs.po"
    path.write_bytes(path.read_bytes().replace(b'msgid "Recompute"', b'msgid "Compute"'))
    with pytest.raises(CommandError, match="stale"):
        call_command("catalogue", check=True, stdout=StringIO())


def test_a_page_carries_what_is_translated_and_nothing_else(tmp_path: Path, settings: Any) -> None:
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("pl", "Polski")]
    call_command("catalogue", language="pl", stdout=StringIO())
    folder = tmp_path / "pl" / "LC_MESSAGES"
    made = read_po(BytesIO((folder / "djangojs.po").read_bytes()), locale="pl")
    made["Recompute"].string = "Przelicz"
    made["Trial, {count} day left"].string = ("{count} dzień", "{count} dni", "{count} dni")
    file = BytesIO()
    write_po(file, made)
    (folder / "djangojs.po").write_bytes(file.getvalue())
    call_command("catalogue", language="pl", stdout=StringIO())
    assert b"Przelicz" in (folder / "djangojs.po").read_bytes()
    with override("pl"):
        carried = texts_of_scripts()
    assert carried is not None
    assert carried == json.loads(script_texts(file.getvalue()))
    assert carried["texts"] == {
        "Recompute": "Przelicz",
        "Trial, {count} day left": ["{count} dzień", "{count} dni", "{count} dni"],
    }
    assert [carried["plural"][n] for n in (1, 2, 5, 12, 22)] == ["0", "1", "2", "2", "1"]
    with override("en"):
        assert texts_of_scripts() is None
    with override("fr"):  # not offered
        assert texts_of_scripts() is None
