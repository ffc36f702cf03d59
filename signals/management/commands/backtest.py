"""Walk forward over a folder of recorded markets, measured against its rivals."""

import json
import os
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.clock import to_ms
from cryptosystems.kernel.errors import CryptoSystemsError

STANDARD: Final = ("um_4h", "um_1h", "um_5m")


class Command(BaseCommand):
    """Reads files, asks no database and stores nothing."""

    help = (
        "Walk forward over recorded markets (klines/<set>/*.parquet, funding/*.parquet), quarter "
        "by quarter, and compare the model with base rate, random entry, indicator rules, "
        "momentum, buy and hold and a FreqAI-like boosting on the same data and costs."
    )
    requires_system_checks: list[str] = []  # nothing of the site is asked

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--data", type=Path, help="folder with klines/ in it")
        what.add_argument(
            "--truth",
            type=int,
            metavar="SEEDS",
            help="instead: made-up markets whose truth is known, so many with planted effects and "
            "so many without",
        )
        parser.add_argument(
            "--set",
            dest="sets",
            default="",
            help="sets to judge, with commas (default: those of "
            f"{', '.join(STANDARD)} that are there)",
        )
        parser.add_argument(
            "--from",
            dest="test_from",
            help="first day to judge, as 2023-01-01 (default: after 40 %% of each set's span)",
        )
        parser.add_argument(
            "--json",
            nargs="?",
            const="-",
            metavar="FILE",
            help="write figures and one row a signal as JSON (without FILE: to the output)",
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=os.cpu_count() or 1,
            help="sets judged at the same time (default: one a core)",
        )
        parser.add_argument("--report", type=Path, metavar="FILE.md", help="write the page")

    def handle(self, *args: Any, **options: Any) -> None:
        from signals.backtest.page import page
        from signals.services.backtests import run_sets
        from signals.store.folders import set_names

        if options["truth"]:
            self._truth(options["truth"], options)
            return
        data: Path = options["data"]
        there = set_names(data)
        names = [name for name in options["sets"].split(",") if name] or [
            name for name in STANDARD if name in there
        ]
        if not names:
            raise CommandError(f"{data}: none of {', '.join(STANDARD)} below klines/")
        try:
            record = run_sets(
                data,
                names,
                test_from_ms=_day(options["test_from"]),
                workers=options["workers"],
                progress=tell,
            )
        except CryptoSystemsError as error:
            raise CommandError(str(error)) from error
        self._write(page(record), record, options)

    def _truth(self, seeds: int, options: dict[str, Any]) -> None:
        from signals.services.truth import truth, truth_page

        told = truth(seeds, progress=tell)
        self._write(truth_page(told), told, options)

    def _write(self, text: str, record: dict[str, Any], options: dict[str, Any]) -> None:
        if options["report"]:
            options["report"].write_text(text + "\n", encoding="utf-8")
        if options["json"] == "-":
            self.stdout.write(json.dumps(record, allow_nan=False))
            return
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(record, allow_nan=False), encoding="utf-8")
        self.stdout.write(text)


def tell(stage: str, done: int, total: int) -> None:
    """Say how far a stage is; a function of the module, for the processes beside."""
    print(f"  {stage}: {done} of {total}", file=sys.stderr)


def _day(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))
    except ValueError as error:
        raise CommandError(f"--from: {text} is not a day such as 2023-01-01") from error
