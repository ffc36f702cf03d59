"""Run the local stand-in of Stripe."""

import asyncio
import os
import signal as os_signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.errors import NeedsOperator


class Command(BaseCommand):
    """`manage.py stripe_standin`: Stripe's protocol on loopback; no money moves."""

    help = "Run the local stand-in of Stripe (API, hosted pages, webhooks) on loopback."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=12111, help="0 picks a free one")
        parser.add_argument("--storage", type=Path, help="keep customers and the rest here")
        parser.add_argument("--webhook-url", default="", help="where events are sent")
        parser.add_argument(
            "--webhook-secret", default="", help="signs events; else STRIPE_WEBHOOK_SECRET"
        )
        parser.add_argument("--key", default="", help="sk_standin_…; else STRIPE_SECRET_KEY")
        parser.add_argument("--ready-file", type=Path, help="write the address here when ready")

    def handle(self, *args: Any, **options: Any) -> None:
        from billing.standin.server import StandInConfig

        # Secrets come by the environment where others could read the process list.
        key = options["key"] or os.environ.get("STRIPE_SECRET_KEY", "")
        secret = options["webhook_secret"] or os.environ.get("STRIPE_WEBHOOK_SECRET", "")
        given: dict[str, Any] = {"secret_key": key} if key else {}
        if secret:
            given["webhook_secret"] = secret.split(",")[0].strip()
        config = StandInConfig(
            port=options["port"],
            storage=options["storage"],
            webhook_url=options["webhook_url"],
            **given,
        )
        try:
            asyncio.run(self._serve(config, options["ready_file"]))
        except (NeedsOperator, ValueError) as error:
            raise CommandError(str(error)) from error

    async def _serve(self, config: Any, ready_file: Path | None) -> None:
        from billing.standin.server import StandInServer

        ended = asyncio.Event()
        for number in (os_signal.SIGTERM, os_signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        server = StandInServer(config)
        address = await server.start()
        if ready_file is not None:
            draft = ready_file.with_suffix(f".{os.getpid()}")
            draft.write_text(address)
            draft.replace(ready_file)
        self.stdout.write(f"stripe stand-in ready at {address}")
        self.stdout.flush()
        try:
            await server.run_until(ended)
        finally:
            await server.stop()
