"""Wrap every exchange key's data key to the newest vault key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cryptosystems.kernel.errors import CryptoSystemsError
from trading import vault
from trading.models import TradingAccount
from trading.services.openings import Ledger


class Command(BaseCommand):
    """`manage.py rotate_keys`: run it where the executor runs; it may be stopped and run again."""

    help = "Seal every stored exchange key anew to VAULT_PUBLIC_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        if not vault.can_open():
            raise CommandError(
                "This process holds no vault key. Run it with the executor's environment "
                "(VAULT_PRIVATE_KEYS)."
            )
        current = vault.wrapper().current
        ledger = Ledger("rotate_keys")
        done = failed = 0
        rows = TradingAccount.objects.across_tenants("rotation of vault keys")
        for pk in rows.exclude(sealed_secret="").values_list("pk", flat=True):
            with transaction.atomic():
                row = rows.select_for_update().get(pk=pk)
                if not row.sealed_secret or vault.key_id_of(row.sealed_secret) == current:
                    continue
                place = vault.Place(row.user_id, row.pk)
                ledger.note(place, "rotate")
                try:
                    row.sealed_secret = vault.rewrap(place, row.sealed_secret)
                except CryptoSystemsError as error:
                    failed += 1
                    self.stderr.write(f"{row.pk}: {error}")
                    continue
                row.save(update_fields=["sealed_secret"])
                done += 1
        ledger.write()
        self.stdout.write(f"sealed anew: {done}")
        for key_id, count in sorted(counts().items()):
            note = "" if key_id == current else "  (needed until this is 0)"
            self.stdout.write(f"vault key {key_id}: {count}{note}")
        if failed:
            raise CommandError(f"{failed} could not be opened; see above.")


def counts() -> dict[str, int]:
    """Return how many stored secrets need each vault key."""
    found: dict[str, int] = {}
    rows = TradingAccount.objects.across_tenants("which vault keys are needed")
    for text in rows.exclude(sealed_secret="").values_list("sealed_secret", flat=True).iterator():
        key_id = vault.key_id_of(text)
        found[key_id] = found.get(key_id, 0) + 1
    return found
