"""Leases by compare-and-swap: they hold on SQLite and PostgreSQL alike.

The database's own clock decides, so that a machine with a wrong clock can neither keep a
lease too long nor take one too early.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import DatabaseError, close_old_connections, connection

from cryptosystems.platform.models import Lease

log = structlog.get_logger(__name__)

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


def forget_idle(prefix: str, idle_ms: int) -> int:
    """Delete leases below `prefix` that nobody has held for `idle_ms`; return how many.

    Only for work whose writes carry no epoch: the next owner starts at one again.
    """
    limit = database_now_ms() - idle_ms
    return Lease.objects.filter(name__startswith=prefix, until_ms__lt=limit).delete()[0]


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


def renew_all(owner: str, prefix: str, ttl_ms: int = TTL_MS) -> set[str]:
    """Prolong every lease below `prefix` that this owner holds, in one statement; return their names.

    What is missing in the answer was taken over: stop at once, write nothing more.
    """
    held = Lease.objects.filter(owner=owner, name__startswith=prefix)
    held.update(until_ms=database_now_ms() + ttl_ms)
    return set(held.values_list("name", flat=True))


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


@contextmanager
def kept(holding: Holding, ttl_ms: int = TTL_MS) -> Iterator[None]:
    """Prolong a lease from a thread of its own while long work goes on; give it back after.

    A process that dies lets go of the lease within `ttl_ms`.
    """
    ended = threading.Event()

    def prolong() -> None:
        while not ended.wait(ttl_ms / 3000):
            try:
                renew(holding, ttl_ms)
            except (LeaseLost, DatabaseError) as error:
                log.warning("lease_not_renewed", lease=holding.name, error=str(error))
        close_old_connections()

    thread = threading.Thread(target=prolong, name=f"lease-{holding.name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(ttl_ms / 1000)
        give_back(holding)
