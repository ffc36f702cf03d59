"""Run the simulated exchange."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.errors import InvalidInput


class Command(BaseCommand):
    """`manage.py exchange`: Binance's REST and WebSocket protocol on loopback."""

    help = "Run the simulated exchange (REST and WebSockets as Binance USDⓈ-M) on loopback."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        from trading.simulator.running import add_arguments

        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        from trading.simulator.running import Runner

        if options["world"] == "replay" and options["replay"] is None:
            raise CommandError(
                "--world replay needs --replay DIR, a directory of recorded candles or frames"
            )
        try:
            Runner(options, self._say).run()
        except InvalidInput as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
