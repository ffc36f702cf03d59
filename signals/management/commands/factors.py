"""Write or check the reference page of the factors."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from signals.features.catalogue import reference_page

PAGE = Path("docs/reference/factors.md")


class Command(BaseCommand):
    """`manage.py factors`: the catalogue of factors as a page."""

    help = "Print the reference page of the factors, write it, or check that it is up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--write", action="store_true", help=f"write {PAGE}")
        what.add_argument("--check", action="store_true", help=f"fail if {PAGE} is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        page, path = reference_page(), Path(settings.BASE_DIR) / PAGE
        if options["write"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
        elif options["check"]:
            if not path.exists() or path.read_text(encoding="utf-8") != page:
                raise CommandError(f"{PAGE} is out of date: run `manage.py factors --write`")
        else:
            self.stdout.write(page)
