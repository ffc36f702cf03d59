"""A crowd for the executor: people with the right to trade, their accounts and keys, one signal.

Everybody is real to the product: a row in each table it reads, keys sealed to this process's vault
and opened at the exchange, limits that a new person has.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.contrib.auth import get_user_model
from django.utils import timezone

from billing import api as billing
from signals.models import Signal, SignalState
from trading import vault
from trading.contracts import AccountState, BotMode, Venue
from trading.models import BotSettings, PaperBook, TradingAccount
from trading.services.keys import uid_index

WALLET: Final = 10_000
ATR: Final = Decimal("0.004")
"""Of the price: how far the stop of the one signal is, too."""
_VALID: Final = timedelta(minutes=2)
_LASTS: Final = timedelta(hours=4)
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Member:
    """One of the crowd: whose account, and what the exchange calls it and its key."""

    user_id: UUID
    account_id: UUID
    uid: str = ""
    api_key: str = ""


def make_crowd(n: int, venue: Venue, rest: str) -> list[Member]:
    """Store `n` people with a trial and an automatic bot each; their accounts are connected."""
    now = timezone.now()
    users = get_user_model()
    people = users.objects.bulk_create(
        [users(email=f"person{i}@crowd.example", verified_at=now) for i in range(n)],
        batch_size=_BATCH,
    )
    rows, members = [], []
    with httpx.Client(base_url=rest, timeout=30.0) as http:
        for person in people:
            row = TradingAccount(
                user_id=person.pk,
                venue=venue.value,
                label="Crowd",
                state=AccountState.CONNECTED.value,
                created_at=now,
                checked_at=now,
            )
            uid = _connect(http, row) if venue is not Venue.PAPER else ""
            rows.append(row)
            members.append(Member(person.pk, row.pk, uid, row.api_key))
    why = "bench: a crowd"
    TradingAccount.objects.across_tenants(why).bulk_create(rows, batch_size=_BATCH)
    BotSettings.objects.across_tenants(why).bulk_create(
        [
            BotSettings(
                user_id=row.user_id,
                account=row,
                mode=BotMode.TRADING.value,
                is_automatic=True,
                changed_at=now,
            )
            for row in rows
        ],
        batch_size=_BATCH,
    )
    if venue is Venue.PAPER:
        PaperBook.objects.across_tenants(why).bulk_create(
            [PaperBook(user_id=row.user_id, account=row, updated_at=now) for row in rows],
            batch_size=_BATCH,
        )
    for person in people:
        billing.entitlements_for(person.pk)  # makes the trial that comes with an address
    return members


def _connect(http: httpx.Client, row: TradingAccount) -> str:
    """Open an account at the exchange with an Ed25519 key of its own; return its uid."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    order = {"wallet": WALLET, "key": {"kind": "ed25519", "public_key": public.decode()}}
    answer = http.post("/sim/accounts", json=order)
    answer.raise_for_status()
    told = answer.json()
    secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    row.key_kind, row.api_key = "ed25519", told["key"]["api_key"]
    row.public_key = public.decode()
    row.uid_index = uid_index(row.venue, str(told["uid"]))
    row.sealed_secret = vault.seal(vault.Place(row.user_id, row.pk), secret)
    return str(told["uid"])


def issue(symbol: str, base: str, price: Decimal, tick: Decimal, decimals: int) -> Signal:
    """Store one long signal whose zone the price is in, as the engine would have."""
    now = timezone.now()
    newest = Signal.objects.order_by("-number").values_list("number", flat=True).first() or 0

    def level(distance: str) -> Decimal:
        moved = price * (1 + ATR * Decimal(distance))
        return (moved // tick) * tick

    made = Signal.objects.create(
        number=newest + 1,
        origin="simulated",
        symbol=symbol,
        timeframe="15m",
        side="long",
        trigger="close",
        issued_at=now,
        entry_low=level("-0.5"),
        entry_high=level("0.25"),
        reference_entry=level("0"),
        valid_until=now + _VALID,
        stop=level("-1.5"),
        targets=[
            {"price": str(level(r)), "share": share, "r": float(n), "p": 0.5}
            for n, r, share in ((1, "1.75", 0.4), (2, "3.25", 0.3), (3, "4.75", 0.3))
        ],
        expires_at=now + _LASTS,
        model_version="crowd",
        snapshot="{}",
        hash=uuid.uuid4().hex,
        previous_hash="",
        details={"base": base, "decimals": decimals, "atr": float(price * ATR)},
        **_FIGURES,
    )
    SignalState.objects.create(signal=made, state="in_zone", updated_at=now)
    return made


_FIGURES: Final[dict[str, Any]] = {
    "reward_risk": 2.0,
    "confidence": 0.6,
    "p_low": 0.5,
    "p_high": 0.7,
    "break_even": 0.4,
    "base_rate": 0.4,
    "strength": 0.3,
    "strength_low": 0.1,
    "strength_high": 0.5,
    "reasons": [],
    "other": [],
    "invalidation": "",
}
