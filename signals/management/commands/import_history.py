"""Take recorded markets into the history."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.origin import Origin
from signals.api import ORIGINS


class Command(BaseCommand):
    """Reads Parquet files and the exchange's bulk archives; nothing is invented for what is missing."""

    help = (
        "Import recorded candles (Parquet, or Binance's bulk .zip and .csv), open interest (metrics) "
        "and funding (fundingRate) into the history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a file, or a directory of files")
        parser.add_argument(
            "--origin",
            choices=[origin.value for origin in Origin if origin is not Origin.BACKTEST],
            default=ORIGINS[settings.MARKET],
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from signals.services.imports import import_path

        try:
            done = import_path(options["path"], Origin(options["origin"]))
        except CryptoSystemsError as error:
            raise CommandError(str(error)) from error
        for row in done:
            self.stdout.write(f"{row.symbol}: {row.n_rows} {row.what} read")
        self.stdout.write(f"{len(done)} file(s) imported into the {options['origin']} history.")
