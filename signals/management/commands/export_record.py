"""`manage.py export_record`: one origin's record into a directory, with its own check."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.origin import Origin
from signals.services.monthly import ALL, contents


class Command(BaseCommand):
    """Writes rows, links, figures, and the script that works them out again."""

    help = "Writes the record of one origin, and the script that checks it, into a directory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", choices=[o.value for o in Origin], required=True)
        parser.add_argument("--month", default=ALL, help="YYYY-MM; everything if left out")
        parser.add_argument("--out", type=Path, required=True, help="made if it is not there")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            files, n = contents(options["origin"], options["month"], timezone.now())
        except InvalidInput as error:
            raise CommandError(str(error)) from None
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
        self.stdout.write(f"{n} signals in {out}; check them with: python3 {out / 'rebuild.py'}")
