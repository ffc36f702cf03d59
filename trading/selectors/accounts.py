"""Accounts as others see them: never a secret, never a whole key."""

from uuid import UUID

from cryptosystems.kernel.errors import CryptoSystemsError
from trading import vault
from trading.contracts import AccountState, AccountView, CheckView, Venue
from trading.models import KeyCheck, TradingAccount

_ORDER = {venue: place for place, venue in enumerate(Venue)}


def account_view(row: TradingAccount) -> AccountView:
    """Return the view of a row."""
    return AccountView(
        id=row.pk,
        venue=Venue(row.venue),
        label=row.label,
        state=AccountState(row.state),
        code=row.code,
        sentence=row.sentence,
        key_kind=row.key_kind,
        key_tail=row.api_key[-4:],
        public_key=row.public_key,
        rights=dict(row.rights),
        is_ip_restricted=row.is_ip_restricted,
        expires_at=row.key_expires_at,
        checked_at=row.checked_at,
        created_at=row.created_at,
    )


def accounts_of(user_id: UUID) -> list[AccountView]:
    """Return somebody's accounts, paper first; revoked ones are left out."""
    rows = TradingAccount.objects.for_user(user_id).exclude(state=AccountState.REVOKED.value)
    views = [account_view(row) for row in rows]
    return sorted(views, key=lambda view: (_ORDER[view.venue], view.created_at))


def account(user_id: UUID, account_id: UUID) -> AccountView | None:
    """Return one account of somebody, or None."""
    row = TradingAccount.objects.for_user(user_id).filter(pk=account_id).first()
    return None if row is None else account_view(row)


def checks_of(user_id: UUID, account_id: UUID) -> list[CheckView]:
    """Return the lines of the permission test, in their order."""
    rows = KeyCheck.objects.for_user(user_id).filter(account_id=account_id)
    return [CheckView(row.name, row.state, row.sentence, row.took_ms) for row in rows]


def vault_keys_needed() -> dict[str, int]:
    """Return how many stored secrets need each vault key; those that are no sealed value apart."""
    found: dict[str, int] = {}
    rows = TradingAccount.objects.across_tenants("which vault keys are needed")
    for text in rows.exclude(sealed_secret="").values_list("sealed_secret", flat=True).iterator():
        try:
            key_id = vault.key_id_of(text)
        except CryptoSystemsError:
            key_id = "unreadable"
        found[key_id] = found.get(key_id, 0) + 1
    return found
