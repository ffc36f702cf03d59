"""`manage.py catalogue`: the texts that can be translated, collected from code and templates."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation.template import templatize

ROOMS: Final = ("accounts", "billing", "cryptosystems", "frontend", "signals", "trading")
_KEYWORDS: Final[dict[str, Any]] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


class Command(BaseCommand):
    """Writes `locale/<language>/LC_MESSAGES/django.po`, and the compiled file of a translation.

    English is the language of the source, so its catalogue lists every text and translates none.
    """

    help = "Collect the texts for translation; --check only says whether the catalogue is true."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--language", default="en", help="which catalogue (default en)")
        parser.add_argument("--check", action="store_true", help="change nothing; fail if stale")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.LOCALE_PATHS[0], options["language"], "LC_MESSAGES", "django.po")
        kept = path.read_bytes() if path.exists() else b""
        made = catalogue(options["language"], kept)
        if options["check"]:
            if made != kept:
                raise CommandError("The catalogue is stale: run `manage.py catalogue`.")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made)
        if options["language"] != "en":
            path.with_suffix(".mo").write_bytes(compiled(made))
        self.stdout.write(f"Wrote {path.relative_to(settings.BASE_DIR)}.")


def catalogue(language: str, kept: bytes = b"") -> bytes:
    """Return a PO file of every text, with the translations that `kept` has already."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    # A fixed date: the file says what there is, not when somebody looked.
    since = datetime(2026, 11, 25, tzinfo=UTC)
    found = Catalog(
        locale=language,
        project="CryptoSystems",
        version="1",
        copyright_holder="CryptoSystems",
        msgid_bugs_address="by the issue tracker",
        creation_date=since,
        revision_date=since,
        last_translator="CryptoSystems",
        language_team="CryptoSystems",
        header_comment="# Texts of CryptoSystems, collected by `manage.py catalogue`.",
        fuzzy=False,
    )
    for path in sources():
        # No line numbers: they would change the file with every edit above a text.
        where: list[Any] = [(str(path.relative_to(settings.BASE_DIR)), None)]
        for message, context in texts(path):
            found.add(message, locations=where, context=context)
    if kept:
        old = read_po(BytesIO(kept), locale=language)
        for entry in found:
            before = old.get(entry.id, entry.context) if entry.id else None
            if before is not None:
                entry.string = before.string
    file = BytesIO()
    write_po(file, found, sort_output=True, width=100)
    return file.getvalue()


def compiled(po: bytes) -> bytes:
    """Return the compiled form of a PO file."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    file = BytesIO()
    write_mo(file, read_po(BytesIO(po)))
    return file.getvalue()


def sources() -> Iterator[Path]:
    """Yield every file whose texts are shown to people."""
    for room in ROOMS:
        for path in sorted((Path(settings.BASE_DIR) / room).rglob("*")):
            if (path.suffix == ".py" and "migrations" not in path.parts) or (
                path.suffix in (".html", ".txt") and "templates" in path.parts
            ):
                yield path


def texts(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """Yield (text or its forms, context) of one file."""
    from babel.messages.extract import extract

    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        source = templatize(source, origin=str(path))
    found = extract("python", BytesIO(source.encode()), _KEYWORDS)
    for _line, message, _comments, context in found:
        yield message, context
