"""`manage.py reference`: write the reference pages that come from the code."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cryptosystems.management.reference import env_example, settings_page


class Command(BaseCommand):
    """Prints the page of settings, or writes it."""

    help = (
        "Print docs/reference/settings.md as the code has it; --write writes it and .env.example."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["write"]:
            self.stdout.write(settings_page())
            return
        for name, page in (
            ("docs/reference/settings.md", settings_page()),
            (".env.example", env_example()),
        ):
            path = Path(settings.BASE_DIR) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
            self.stdout.write(f"Wrote {name}.")
