"""Every key at once: for the day on which one of ours may have leaked."""

from datetime import datetime
from typing import Final

from django.db import transaction

from accounts import api as accounts
from cryptosystems.platform.bell import ring
from trading import vault
from trading.contracts import AccountState, Venue
from trading.models import BotSettings, TradingAccount
from trading.services import letters
from trading.services.journal import note
from trading.services.keys import WITHDRAWN as CODE

_SENTENCE: Final = (
    "All keys were withdrawn from use as a precaution. Delete this key at the exchange and connect a "
    "new one. Stops that rest there stay until you cancel them."
)


def revoke_all(now: datetime, *, key_id: str | None = None, exits_too: bool = False) -> int:
    """Stop the use of keys; return of how many accounts.

    Parameters
    ----------
    key_id : only keys sealed to this vault key; None: all
    exits_too : nothing is signed any more, not even to close: the secrets are overwritten

    The first statement ends the entries of everybody. Then each person is told once by mail, and
    their sessions end. It may be run again: an account is done once.
    """
    rows = TradingAccount.objects.across_tenants("mass revocation of keys")
    held = rows.exclude(venue=Venue.PAPER.value).exclude(sealed_secret="")
    if key_id is not None:
        held = held.filter(sealed_secret__startswith=f"{vault.VERSION}:{key_id}:")
    trading = (AccountState.CONNECTED.value, AccountState.CHECKING.value)
    held.filter(state__in=trading).update(state=AccountState.SUSPENDED.value)
    done = 0
    for pk in list(held.values_list("pk", flat=True)):
        with transaction.atomic():
            row = rows.select_for_update().get(pk=pk)
            is_done = row.code == CODE and not exits_too
            if not row.sealed_secret or is_done:
                continue
            _revoke(row, exits_too, now)
            done += 1
    return done


def _revoke(row: TradingAccount, exits_too: bool, now: datetime) -> None:
    first = row.code != CODE
    row.code, row.sentence = CODE, _SENTENCE
    row.state = AccountState.SUSPENDED.value
    if exits_too:
        row.state, row.revoked_at, row.sealed_secret = AccountState.REVOKED.value, now, ""
        row.uid_index = ""
    row.save()
    BotSettings.objects.for_user(row.user_id).filter(account=row).update(is_automatic=False)
    note(row, CODE, _SENTENCE, now=now, actor="staff")
    accounts.audit(
        f"trading_{CODE}",
        subject_id=row.user_id,
        details={"account": str(row.pk), "exits_too": exits_too},
    )
    if first:
        letters.write_to(row.user_id, "mass_revoked", label=row.label, tail=row.api_key[-4:])
        accounts.end_sessions(row.user_id)
    ring(row.user_id)
