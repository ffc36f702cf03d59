"""Train a model on stored history."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.clock import SystemClock, to_datetime
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.origin import Origin
from signals.api import ORIGINS


class Command(BaseCommand):
    """Trains, promotes and walks forward: the same as the engine asks for at the first start."""

    help = (
        "Train a model on the stored history of one origin, promote it, and score it walk-forward."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--origin",
            choices=[origin.value for origin in Origin if origin is not Origin.BACKTEST],
            default=ORIGINS[settings.MARKET],
            help="whose history to learn from (default: that of MARKET)",
        )
        parser.add_argument(
            "--no-record", action="store_true", help="leave the walk-forward record out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from signals.services.training import record_walk_forward, train_on_history

        now = to_datetime(SystemClock().now_ms())
        try:
            trained = train_on_history(Origin(options["origin"]), now, self._tell)
            self.stdout.write(f"Model {trained.version.version} is trained and in use.")
            if options["no_record"]:
                return
            scores = record_walk_forward(trained, self._tell)
        except CryptoSystemsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Out of sample, walk-forward, after costs:")
        for name, row in scores.items():
            if isinstance(row, dict):
                shown = ", ".join(f"{key} {value}" for key, value in row.items())
                self.stdout.write(f"  {name}: {shown}")
        told = f"{scores['signals']}, new in the record: {scores['signals_new_in_record']}"
        self.stdout.write(f"  signals that settled: {told}")

    def _tell(self, stage: str, done: int, total: int) -> None:
        self.stderr.write(f"  {stage}: {done} of {total}")
