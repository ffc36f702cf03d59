"""Leases by compare-and-swap: they hold on SQLite and PostgreSQL alike.

The database's own clock decides, so that a machine with a wrong clock can neither keep a
lease too long nor take one too early.
"""

from dataclasses import dataclass
from typing import Final

from django.db import connection

from cryptosystems.platform.models import Lease

TTL_MS: Final = 15_000
RENEW_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Holding:
    """A lease that was taken; carry `epoch` into every write it protects."""

    name: str
    owner: str
    epoch: int


class LeaseLost(Exception):
    """Another owner holds the lease now: stop at once, write nothing more."""


def database_now_ms() -> int:
    """Return the database's time in milliseconds since the epoch, UTC."""
    clock = {
        "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        "postgresql": "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    }
    with connection.cursor() as cursor:
        cursor.execute(clock[connection.vendor])
        return int(cursor.fetchone()[0])


def take(name: str, owner: str, ttl_ms: int = TTL_MS) -> Holding | None:
    """Take the lease if it is free or has run out; None if somebody else holds it."""
    lease, _ = Lease.objects.get_or_create(name=name)
    now_ms = database_now_ms()
    if lease.until_ms > now_ms and lease.owner != owner:
        return None
    changed = Lease.objects.filter(name=name, epoch=lease.epoch, until_ms=lease.until_ms).update(
        owner=owner, epoch=lease.epoch + 1, until_ms=now_ms + ttl_ms
    )
    return Holding(name, owner, lease.epoch + 1) if changed else None


def renew(holding: Holding, ttl_ms: int = TTL_MS) -> None:
    """Prolong a lease.

    Raises
    ------
    LeaseLost
        If it was taken over in the meantime.
    """
    changed = Lease.objects.filter(
        name=holding.name, owner=holding.owner, epoch=holding.epoch
    ).update(until_ms=database_now_ms() + ttl_ms)
    if not changed:
        raise LeaseLost(f"the lease {holding.name} belongs to another owner now")


def give_back(holding: Holding) -> None:
    """End a lease early; nothing happens if it was lost already."""
    Lease.objects.filter(name=holding.name, epoch=holding.epoch).update(until_ms=0, owner="")


def require(holding: Holding) -> None:
    """Refuse to go on under a lease that is gone: call it inside the transaction it protects.

    Raises
    ------
    LeaseLost
        If a newer epoch exists.
    """
    if not Lease.objects.filter(name=holding.name, epoch=holding.epoch).exists():
        raise LeaseLost(f"the lease {holding.name} belongs to another owner now")
