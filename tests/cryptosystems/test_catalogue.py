"""Every text for people can be translated: the catalogue is complete, and a translation shows."""

from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po, write_po
from django.core.management import call_command
from django.utils.translation import gettext, override

from cryptosystems.management.commands.catalogue import catalogue, compiled


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
