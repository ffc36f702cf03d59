"""`manage.py catalogue`: the texts that can be translated, from code, templates and modules."""

import gettext
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

ROOMS: Final = (
    "accounts",
    "billing",
    "cryptosystems",
    "frontend",
    "learning",
    "signals",
    "trading",
    "workspace",
)
# Of Python and templates, and of the browser's modules: the latter go out with each page.
DOMAINS: Final = ("django", "djangojs")
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
_SCRIPT_KEYWORDS: Final[dict[str, Any]] = {"t": None, "n": (1, 2)}
# As many counts as a page is told the plural form of: more depend on their last two digits.
_COUNTS: Final = 200


class Command(BaseCommand):
    """Writes `locale/<language>/LC_MESSAGES/{django,djangojs}.po`, and what is compiled from them.

    English is the language of the source, so its catalogues list every text and translate none.
    """

    help = "Collect the texts for translation; --check only says whether the catalogues are true."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--language", default="en", help="which catalogue (default en)")
        parser.add_argument("--check", action="store_true", help="change nothing; fail if stale")

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["language"]
        folder = Path(settings.LOCALE_PATHS[0], to_locale(language), "LC_MESSAGES")
        for domain in DOMAINS:
            path = folder / f"{domain}.po"
            kept = path.read_bytes() if path.exists() else b""
            made = catalogue(language, kept, domain)
            if options["check"]:
                if made != kept:
                    raise CommandError("The catalogue is stale: run `manage.py catalogue`.")
                continue
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made)
            if language != "en":
                write_compiled(folder, domain, made)
            self.stdout.write(f"Wrote {path}.")


def catalogue(language: str, kept: bytes = b"", domain: str = "django") -> bytes:
    """Return a PO file of every text of a domain, with the translations that `kept` has already."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    # A fixed date: the file says what there is, not when somebody looked.
    since = datetime(2026, 11, 25, tzinfo=UTC)
    found = Catalog(
        locale=to_locale(language),
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
    for path in sources(domain):
        # No line numbers: they would change the file with every edit above a text.
        where: list[Any] = [(str(path.relative_to(settings.BASE_DIR)), None)]
        for message, context in texts(path):
            found.add(message, locations=where, context=context)
    if kept:
        old = read_po(BytesIO(kept), locale=to_locale(language))
        for entry in found:
            before = old.get(entry.id, entry.context) if entry.id else None
            if before is not None:
                entry.string = before.string
    file = BytesIO()
    write_po(file, found, sort_output=True, width=100)
    return file.getvalue()


def write_compiled(folder: Path, domain: str, po: bytes) -> None:
    """Write what runs: a MO file for Python, JSON for the pages' modules."""
    if domain == "django":
        (folder / "django.mo").write_bytes(compiled(po))
    else:
        (folder / "djangojs.json").write_text(script_texts(po), encoding="utf-8")


def compiled(po: bytes) -> bytes:
    """Return the compiled form of a PO file."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    file = BytesIO()
    write_mo(file, read_po(BytesIO(po)))
    return file.getvalue()


def script_texts(po: bytes) -> str:
    """Return the translated texts of the modules, and which plural form goes with which count."""
    from babel.messages.pofile import read_po

    held = read_po(BytesIO(po))
    texts: dict[str, str | list[str]] = {}
    for entry in held:
        if entry.fuzzy:
            continue
        match entry.id, entry.string:
            case (one, _many), [*forms] if all(forms):
                texts[one] = forms
            case str(text), str(said) if text and said:
                texts[text] = said
    form = gettext.c2py(held.plural_expr)
    plural = "".join(str(form(n)) for n in range(_COUNTS))
    return json.dumps({"plural": plural, "texts": texts}, ensure_ascii=False, indent=1) + "\n"


def sources(domain: str = "django") -> Iterator[Path]:
    """Yield every file of a domain whose texts are shown to people."""
    if domain == "djangojs":
        scripts = Path(settings.BASE_DIR) / "frontend" / "static" / "frontend" / "js"
        yield from sorted(scripts.rglob("*.js"))
        return
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
    if path.suffix == ".js":
        for _line, message, _comments, context in extract(
            "javascript", BytesIO(source.encode()), _SCRIPT_KEYWORDS
        ):
            yield message, context
        return
    if path.suffix != ".py":
        source = templatize(source, origin=str(path))
    found = extract("python", BytesIO(source.encode()), _KEYWORDS)
    for _line, message, _comments, context in found:
        yield message, context
