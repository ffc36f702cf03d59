"""Wrap every exchange key's data key to the newest vault key."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cryptosystems.kernel.errors import CryptoSystemsError
from trading import vault
from trading.models import TradingAccount
from trading.selectors.accounts import vault_keys_needed
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
        for pk in list(rows.exclude(sealed_secret="").values_list("pk", flat=True)):
            try:
                done += _rotate(pk, current, ledger)
            except CryptoSystemsError as error:
                failed += 1
                self.stderr.write(f"{pk}: {error}")
        ledger.write()  # of those that did not open
        self.stdout.write(f"sealed anew: {done}")
        for key_id, count in sorted(vault_keys_needed().items()):
            note = "" if key_id == current else "  (needed until this is 0)"
            self.stdout.write(f"vault key {key_id}: {count}{note}")
        if failed:
            raise CommandError(f"{failed} could not be opened; see above.")


def _rotate(pk: UUID, current: str, ledger: Ledger) -> int:
    """Seal one secret anew; 0 if there is nothing to do. Killed in between, nothing has changed."""
    rows = TradingAccount.objects.across_tenants("rotation of vault keys")
    with transaction.atomic():
        row = rows.select_for_update().filter(pk=pk).first()
        if row is None or not row.sealed_secret or vault.key_id_of(row.sealed_secret) == current:
            return 0
        place = vault.Place(row.user_id, row.pk)
        ledger.note(place, "rotate")
        row.sealed_secret = vault.rewrap(place, row.sealed_secret)
        row.save(update_fields=["sealed_secret"])
        ledger.write()  # in the same transaction: no opening without its line, even if it is killed
    return 1
