"""Withdraw exchange keys from use: all, one generation, or one account's."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cryptosystems.kernel.errors import CryptoSystemsError
from trading.services.keys import owner_of, revoke_key
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
            "--account",
            type=UUID,
            help="only this account's: its secret is overwritten, even while something is open",
        )
        parser.add_argument(
            "--exits-too",
            action="store_true",
            help="overwrite the secrets: nothing is signed any more, not even to close",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = [options["all"], options["key_version"], options["account"]]
        if sum(map(bool, chosen)) != 1:
            raise CommandError("Say --all, --key-version ID, or --account ID.")
        if options["account"]:
            self._revoke_one(options["account"])
            return
        done = revoke_all(
            timezone.now(), key_id=options["key_version"], exits_too=options["exits_too"]
        )
        self.stdout.write(f"withdrawn: {done}; every owner has a mail")

    def _revoke_one(self, account_id: UUID) -> None:
        user_id = owner_of(account_id)
        if user_id is None:
            raise CommandError("There is no account with this id.")
        try:
            revoke_key(user_id, account_id, by_staff=True)
        except CryptoSystemsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("withdrawn: 1; its owner has a mail")
