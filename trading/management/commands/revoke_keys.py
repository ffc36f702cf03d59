"""Withdraw every exchange key from use."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from trading.services.mass import revoke_all


class Command(BaseCommand):
    """`manage.py revoke_keys --all`: docs/runbooks/key-leak.md says when."""

    help = (
        "Stop the use of all exchange keys, or of one vault key's generation, and tell everybody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true")
        parser.add_argument("--key-version", help="only keys sealed to this vault key")
        parser.add_argument(
            "--exits-too",
            action="store_true",
            help="overwrite the secrets: nothing is signed any more, not even to close",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["all"]) == bool(options["key_version"]):
            raise CommandError("Say --all, or --key-version ID.")
        done = revoke_all(
            timezone.now(), key_id=options["key_version"], exits_too=options["exits_too"]
        )
        self.stdout.write(f"withdrawn: {done}; every owner has a mail")
