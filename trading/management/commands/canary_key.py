"""Put a canary among the exchange keys."""

import secrets
from argparse import ArgumentParser
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import api as accounts
from trading import vault
from trading.contracts import AccountState
from trading.models import TradingAccount
from trading.services.keys import venues_offered
from trading.services.openings import canary_index


class Command(BaseCommand):
    """`manage.py canary_key EMAIL`: whoever opens it is not one of ours (docs/keys.md)."""

    help = "Store an exchange key that nothing ever uses: an opening of it raises the alarm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose account it stands in: one made for this")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        owner = next((one for one in accounts.search_users(email) if one.email == email), None)
        if owner is None:
            raise CommandError("There is no account with this address. Make one for it first.")
        offered = venues_offered()
        if not offered:
            raise CommandError("No exchange account can be connected to the market that runs here.")
        private = Ed25519PrivateKey.generate()
        row = TradingAccount(
            user_id=owner.id,
            venue=offered[0].value,
            label="Main account",
            key_kind="ed25519",
            # Refused: no lane and no daily check ever wants it.
            state=AccountState.REFUSED.value,
            api_key=secrets.token_hex(32),
            created_at=timezone.now(),
            checked_at=timezone.now(),
        )
        row.uid_index = canary_index(row.pk)
        secret = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        row.sealed_secret = vault.seal(vault.Place(owner.id, row.pk), secret)
        TradingAccount.objects.across_tenants("a canary").bulk_create([row])
        self.stdout.write(f"canary: {row.pk}; whatever opens it raises the alarm canary_opened")
