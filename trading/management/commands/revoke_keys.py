"""Withdraw every exchange key from use."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cryptosystems.kernel.errors import CryptoSystemsError
from trading.models import TradingAccount
from trading.services.keys import revoke_key
from trading.services.mass import revoke_all


class Command(BaseCommand):
    """`manage.py revoke_keys --all`: docs/runbooks/key-leak.md says when."""

    help = (
        "Stop the use of all exchange keys, or of one vault key's generation, and tell everybody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true")
        parser.add_argument(
            "--account", type=UUID, help="one account's key, whatever is open on it"
        )
        parser.add_argument("--key-version", help="only keys sealed to this vault key")
        parser.add_argument(
            "--exits-too",
            action="store_true",
            help="overwrite the secrets: nothing is signed any more, not even to close",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        asked = [name for name in ("all", "key_version", "account") if options[name]]
        if len(asked) != 1:
            raise CommandError("Say --all, --key-version ID or --account ID.")
        if options["account"]:
            self._one(options["account"])
            return
        done = revoke_all(
            timezone.now(), key_id=options["key_version"], exits_too=options["exits_too"]
        )
        self.stdout.write(f"withdrawn: {done}; every owner has a mail")

    def _one(self, pk: UUID) -> None:
        rows = TradingAccount.objects.across_tenants("staff revoke one key")
        owner = rows.filter(pk=pk).values_list("user_id", flat=True).first()
        if owner is None:
            raise CommandError("There is no such account.")
        try:
            revoke_key(owner, pk, by_staff=True)
        except CryptoSystemsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("revoked; its owner has a mail")
