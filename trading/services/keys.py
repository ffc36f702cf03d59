"""Exchange keys: made or pasted, tested, shown without what is secret, revoked.

Nothing here can open a secret. A test is asked for by rows; the executor does it and writes what
it found.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts import api as accounts
from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform.bell import ring
from cryptosystems.platform.http import iso
from cryptosystems.platform.text import check_free_text
from trading import vault
from trading.contracts import AccountState, Venue
from trading.models import BotSettings, JournalEntry, KeyCheck, TradingAccount
from trading.services import letters
from trading.services.journal import note
from trading.services.settings import check_rested

CHECKS: Final = (
    "signature",
    "reading",
    "futures",
    "withdrawals",
    "addresses",
    "position_mode",
    "stop_order",
)
KINDS: Final = ("ed25519", "hmac")
MOST_ACCOUNTS: Final = 5
WITHDRAWN: Final = "mass_revoked"
"""Code of an account whose key was withdrawn with all the others: nothing brings it back."""
KEY_LOST: Final = "key_refused"
"""Code of an account whose key the exchange refuses; it may work again."""
LAPSES: Final = timedelta(days=30)
"""A key that is bound to no address lapses after this."""
WARNED_BEFORE: Final = timedelta(days=7)
_TESTED: Final = (AccountState.CHECKING.value, AccountState.CONNECTED.value)
_OTHER_ACCOUNT: Final = gettext_noop(
    "This key belongs to another exchange account than the one connected here. Connect it as a new "
    "one."
)
_TAKEN: Final = gettext_noop(
    "This exchange account is connected to another account here already. One exchange account "
    "belongs to one person."
)
_KEY_ID: Final = re.compile(r"[A-Za-z0-9]{16,128}")
_SECRET: Final = re.compile(r"[!-~]{16,256}")


def venues_offered() -> list[Venue]:
    """Return where an account can be connected beside paper, by the market that runs here."""
    return {
        "binance": [Venue.BINANCE, Venue.DEMO],
        "demo": [Venue.DEMO],
        "simulated": [Venue.SIMULATED],
    }.get(settings.MARKET, [])


def egress_addresses() -> tuple[str, ...]:
    """Return the addresses the executor comes from; keys are bound to them."""
    found: tuple[str, ...] = settings.EGRESS_ADDRESSES
    return found


def begin_key(
    user_id: UUID, *, kind: str, venue: str, label: str, now: datetime | None = None
) -> TradingAccount:
    """Begin to connect an account.

    For Ed25519 the pair is made here: the private key is sealed at once, and the person registers
    the public one at the exchange. Nothing secret is typed or sent.

    Raises
    ------
    InvalidInput, NotAllowed
        For an unknown kind or venue, a label that is none, without the right to a bot, above five
        accounts, or within a day after a security change.
    """
    now = now or timezone.now()
    billing.require(user_id, Feature.BOT, now)
    if kind not in KINDS:
        raise InvalidInput(_("Choose Ed25519 or HMAC."))
    if venue not in {offered.value for offered in venues_offered()}:
        raise InvalidInput(_("That exchange cannot be connected here."))
    account = TradingAccount(
        user_id=user_id,
        venue=venue,
        label=_label(label),
        key_kind=kind,
        state=AccountState.DRAFT.value,
        created_at=now,
        sentence=_("Register the public key at the exchange, then paste the key's id here.")
        if kind == "ed25519"
        else _("Paste the key and its secret here."),
    )
    check_rested(account, now)
    if kind == "ed25519":
        private = Ed25519PrivateKey.generate()
        account.public_key = (
            private.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
        secret = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        account.sealed_secret = vault.seal(vault.Place(user_id, account.pk), secret)
    with transaction.atomic():
        mine = TradingAccount.objects.for_user(user_id).exclude(venue=Venue.PAPER.value)
        held = mine.exclude(state__in=[AccountState.REVOKED.value, AccountState.DRAFT.value])
        if held.count() >= MOST_ACCOUNTS:
            raise NotAllowed(_("Five accounts are connected. Remove one first."))
        # A draft that was never finished makes room for this one.
        mine.filter(state=AccountState.DRAFT.value, venue=venue).delete()
        TradingAccount.objects.across_tenants("one person begins a key").bulk_create([account])
        BotSettings.objects.add_for(user_id, account=account)
        _record(account, "key_begun", _("You began to connect an account."), now)
    return account


def _label(text: str) -> str:
    label = check_free_text(text.strip(), most=60)
    if not label:
        raise InvalidInput(_("Give it a name, as “Main account”."))
    return label


def finish_key(
    user_id: UUID, account_id: UUID, api_key: str, secret: str = "", now: datetime | None = None
) -> TradingAccount:
    """Take the key's id (and the secret of an HMAC key), and ask for the permission test.

    Raises
    ------
    InvalidInput
        If what was pasted cannot be one; it is never repeated in the message.
    """
    now = now or timezone.now()
    key_id = "".join(api_key.split())
    if not _KEY_ID.fullmatch(key_id):
        raise InvalidInput(
            _("A key's id is 16 to 128 letters and digits. Copy it from API Management.")
        )
    with transaction.atomic():
        account = _mine(user_id, account_id)
        _check_usable(account)
        check_rested(account, now)
        if account.key_kind == "hmac":
            text = "".join(secret.split())
            if not _SECRET.fullmatch(text):
                raise InvalidInput(_("Paste the key's secret as the exchange showed it."))
            if text == key_id:
                raise InvalidInput(_("Key and secret are the same. Paste the other one too."))
            place = vault.Place(user_id, account.pk)
            account.sealed_secret = vault.seal(place, text.encode())
        elif secret.strip():
            raise InvalidInput(_("This kind of key has no secret of yours. Paste its id alone."))
        account.api_key = key_id
        account.save(update_fields=["api_key", "sealed_secret"])
        _record(account, "key_pasted", _("You entered the key's id."), now)
        _ask_for_test(account, now)
    return account


def test_key(user_id: UUID, account_id: UUID, now: datetime | None = None) -> TradingAccount:
    """Ask for the permission test once more."""
    now = now or timezone.now()
    with transaction.atomic():
        account = _mine(user_id, account_id)
        _check_usable(account)
        if not account.api_key:
            raise InvalidInput(_("There is no key to test yet."))
        _ask_for_test(account, now)
    return account


def _check_usable(account: TradingAccount) -> None:
    """Refuse a key that was given up: whoever may have it could come back through a new test."""
    if account.state == AccountState.REVOKED.value:
        raise InvalidInput(_("This key was revoked. Connect another one."))
    if account.code == WITHDRAWN:
        raise InvalidInput(
            _("All keys were withdrawn. Delete this one at the exchange and connect a new one.")
        )


def _ask_for_test(account: TradingAccount, now: datetime) -> None:
    rows = KeyCheck.objects.for_user(account.user_id)
    for name in CHECKS:
        fields = {"state": "not_run", "code": "", "sentence": "", "took_ms": None, "at": now}
        changed = rows.filter(account_id=account.pk, name=name).update(**fields)
        if not changed:
            KeyCheck.objects.add_for(account.user_id, account=account, name=name, at=now)
    account.state = AccountState.CHECKING.value
    account.code, account.sentence = "", _("The key is being tested.")
    account.save(update_fields=["state", "code", "sentence"])
    ring(account.user_id)


def revoke_key(
    user_id: UUID, account_id: UUID, now: datetime | None = None, *, by_staff: bool = False
) -> TradingAccount:
    """Stop using a key and overwrite its secret. At the exchange the person deletes it.

    Raises
    ------
    NotAllowed
        While a position of ours is open: its stop could not be looked after any more.
    """
    from trading.models import Trade
    from trading.selectors.standing import HELD

    now = now or timezone.now()
    with transaction.atomic():
        account = _mine(user_id, account_id)
        if account.venue == Venue.PAPER.value:
            raise InvalidInput(_("The paper account has no key."))
        is_open = Trade.objects.for_user(user_id).filter(account=account, state__in=HELD).exists()
        if is_open and not by_staff:
            raise NotAllowed(
                _(
                    "Close what is open first: without the key nobody here could look after its stop."
                )
            )
        _forget(account, now)
        _record(
            account,
            "key_revoked",
            _("The key was revoked. Delete it at the exchange as well."),
            now,
            actor="staff" if by_staff else "user",
        )
        letters.write_to(user_id, "key_revoked", label=account.label, tail=account.api_key[-4:])
    return account


def _forget(account: TradingAccount, now: datetime) -> None:
    """Overwrite the secret; the row stays, so that old trades keep their account."""
    account.sealed_secret, account.uid_index = "", ""
    account.state, account.revoked_at = AccountState.REVOKED.value, now
    account.code, account.sentence = "revoked", _("Revoked. Delete the key at the exchange too.")
    account.save(
        update_fields=["sealed_secret", "uid_index", "state", "revoked_at", "code", "sentence"]
    )
    BotSettings.objects.for_user(account.user_id).filter(account=account).update(
        is_automatic=False, mode="off"
    )


# --- what the executor writes ---------------------------------------------------------------


def record_check(
    account: TradingAccount,
    name: str,
    state: str,
    sentence: str,
    *,
    now: datetime,
    code: str = "",
    took_ms: int | None = None,
) -> None:
    """Write one line of the permission test."""
    KeyCheck.objects.for_user(account.user_id).filter(account=account, name=name).update(
        state=state, sentence=sentence, code=code, took_ms=took_ms, at=now
    )
    ring(account.user_id)


def conclude(
    account: TradingAccount,
    *,
    failed: Sequence[tuple[str, str]],
    rights: Mapping[str, bool],
    is_ip_restricted: bool | None,
    expires_at: datetime | None,
    uid: str,
    now: datetime,
) -> None:
    """Connect an account, or refuse it with the first thing that has to be changed.

    `failed` holds (code, sentence). An account that worked before is suspended, not refused: what
    is open on it is still looked after. Nothing is told again where nothing has changed.
    """
    with transaction.atomic():
        row = (
            TradingAccount.objects.for_user(account.user_id).select_for_update().get(pk=account.pk)
        )
        before, worked = (row.state, row.code), row.uid_index != ""
        if row.state not in _TESTED and before != (AccountState.SUSPENDED.value, KEY_LOST):
            return  # revoked or withdrawn while it was being tested: that stands
        row.checked_at = now
        if rights:  # else it was not even told: what was known last stands
            row.rights, row.is_ip_restricted = dict(rights), is_ip_restricted
            row.key_expires_at = expires_at
        index = uid_index(row.venue, uid) if uid else ""
        reason = failed[0] if failed else None
        if index and worked and not _is_same(row.uid_index, index):
            reason = ("other_account", _(_OTHER_ACCOUNT))
        elif index and reason is None:
            reason = _taken(row, index)
        _settle(row, reason, index if reason is None else "", worked=worked)
        if (row.state, row.code) != before:
            _record(row, f"key_{row.state}", row.sentence, now, actor="executor")
            if row.state == AccountState.SUSPENDED.value:
                letters.write_to(
                    row.user_id, "key_suspended", label=row.label, sentence=row.sentence
                )
        if row.state == AccountState.CONNECTED.value:
            _warn_of_expiry(row, now)


def _settle(
    row: TradingAccount, reason: tuple[str, str] | None, index: str, *, worked: bool
) -> None:
    """Write the verdict; two people who connect one exchange account at once meet here."""
    row.uid_index = index or row.uid_index
    row.code, row.sentence = reason or ("", _("Connected."))
    row.state = AccountState.CONNECTED.value
    if reason is not None:
        row.state = (AccountState.SUSPENDED if worked else AccountState.REFUSED).value
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        row.state, row.uid_index = AccountState.REFUSED.value, ""
        row.code, row.sentence = "account_taken", _(_TAKEN)
        row.save()


def _taken(row: TradingAccount, index: str) -> tuple[str, str] | None:
    """Say who has this exchange account already (EX-31).

    One of the person's own whose key was withdrawn with all the others gives way: they were asked
    to connect a new one.
    """
    others = TradingAccount.objects.across_tenants("one exchange account has one row")
    other = others.filter(venue=row.venue, uid_index=index).exclude(pk=row.pk).first()
    if other is None:
        return None
    if other.user_id != row.user_id:
        return "account_taken", _(_TAKEN)
    if other.code == WITHDRAWN:
        others.filter(pk=other.pk).update(uid_index="")
        return None
    return "account_twice", _(
        "You have connected this exchange account already, as “%(label)s”. Test that one, or revoke "
        "it first."
    ) % {"label": other.label}


def _warn_of_expiry(row: TradingAccount, now: datetime) -> None:
    """Write once, a week before a key lapses."""
    expires_at = row.key_expires_at
    if expires_at is None or not now < expires_at <= now + WARNED_BEFORE:
        return
    told = JournalEntry.objects.for_user(row.user_id).filter(account_id=row.pk, kind="key_expires")
    if told.filter(details__expires_at=iso(expires_at)).exists():
        return
    days = (expires_at - now).days
    sentence = ngettext(
        "The key lapses in %(days)s day. Make a new one at the exchange and paste it in time.",
        "The key lapses in %(days)s days. Make a new one at the exchange and paste it in time.",
        days,
    ) % {"days": days}
    details = {"expires_at": iso(expires_at)}
    note(row, "key_expires", sentence, now=now, actor="executor", details=details)
    letters.write_to(row.user_id, "key_expires", label=row.label, expires_at=expires_at, days=days)
    ring(row.user_id)


def uid_index(venue: str, uid: str) -> str:
    """Return a keyed hash of an exchange's uid: equal for equal ones, and nothing else is told.

    Which key made it stands before it, so that after a change of SECRET_KEY nobody is taken for
    somebody else: the next daily check writes the new one.
    """
    key = hashlib.sha256(b"cs-uid-index" + settings.SECRET_KEY.encode()).digest()
    which = hashlib.sha256(b"which" + key).hexdigest()[:8]
    return f"{which}:{hmac.digest(key, f'{venue}:{uid}'.encode(), 'sha256').hex()[:48]}"


def _is_same(held: str, found: str) -> bool:
    """Say whether two indexes may be of one account; those of another key cannot be compared."""
    return held == found or held.partition(":")[0] != found.partition(":")[0]


# --- what is shown --------------------------------------------------------------------------


def blast_radius(user_id: UUID, account_id: UUID) -> list[tuple[str, str, bool]]:
    """Return what a thief could do with this key: (what, answer, is it bad)."""
    account = _mine(user_id, account_id)
    rights: dict[str, Any] = account.rights
    bot = BotSettings.objects.for_user(user_id).filter(account=account).first()
    if not rights:
        return [(_("Everything"), _("not known before the test"), False)]

    def yes_no(name: str) -> tuple[str, bool]:
        return (_("yes, must be fixed"), True) if rights.get(name) else (_("no"), False)

    trade = (
        _("yes, from our addresses only") if account.is_ip_restricted else _("yes, from anywhere")
    )
    lines = [
        (_("Withdraw funds"), *yes_no("withdrawals")),
        (_("Move funds to other accounts"), *yes_no("universal_transfer")),
        (_("Trade futures"), trade, not account.is_ip_restricted),
        (_("Trade spot, borrow"), *yes_no("spot_and_margin")),
    ]
    if bot is not None:
        cap = _("%(most)s USDT by our bot; at the exchange what the balance allows") % {
            "most": f"{bot.max_notional:,.0f}"
        }
        lines.append((_("Largest order"), cap, False))
    lines.append((_("Expires"), *_expiry(account)))
    return lines


def _expiry(account: TradingAccount) -> tuple[str, bool]:
    if account.key_expires_at is None:
        return _("not by itself"), False
    days = max(0, (account.key_expires_at - timezone.now()).days)
    return _("in %(days)s days") % {"days": days}, days < 7


def _mine(user_id: UUID, account_id: UUID) -> TradingAccount:
    found = TradingAccount.objects.for_user(user_id).filter(pk=account_id).first()
    if found is None:
        raise InvalidInput(_("There is no such account."))
    return found


def _record(
    account: TradingAccount, what: str, sentence: str, now: datetime, actor: str = "user"
) -> None:
    note(account, what, sentence, now=now, actor=actor)
    accounts.audit(
        f"trading_{what}",
        subject_id=account.user_id,
        actor_id=account.user_id if actor == "user" else None,
        actor_kind="user" if actor == "user" else "system",
        details={"account": str(account.pk), "venue": account.venue, "kind": account.key_kind},
    )
    ring(account.user_id)
