"""Build a signal again from what was stored with it."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.errors import CryptoSystemsError


class Command(BaseCommand):
    """Exits with an error when the result differs from what was published."""

    help = "Recompute a signal from its stored inputs and compare it with what was published."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("signal", type=UUID, help="the signal's id")

    def handle(self, *args: Any, **options: Any) -> None:
        from signals.services.recompute import recompute

        try:
            found = recompute(options["signal"])
        except CryptoSystemsError as error:
            raise CommandError(str(error)) from error
        if not found.matches:
            raise CommandError(
                "The recomputed signal differs from the published one:\n  "
                + "\n  ".join(found.differences)
            )
        self.stdout.write(f"Signal {options['signal']} is the same, byte for byte.")
