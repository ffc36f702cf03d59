"""The row that a paper account lives in: read whole, written whole, and only over what was read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from trading.domain.venue import TradingRules, VenueEvent
from trading.matching.matching import MatchingAccount
from trading.matching.records import FIRST_ALGO_ID, Fees, Ids
from trading.models import PaperBook

FIRST_BALANCE: Final = Decimal(10_000)
"""USDT on a new paper account."""
VERSIONS_S: Final = 2.0
_KEPT: Final = 400
"""Ended orders, trades and cash flows that stay in the row; our own tables keep them all."""


class Outrun(Exception):
    """Somebody else has written the row since it was read."""


@dataclass(slots=True)
class PaperState:
    """A paper account in memory, and the version of the row it came from."""

    account: MatchingAccount
    ids: Ids
    version: int
    seen_ms: int
    """Until when the market has been applied to it."""
    settled_ms: dict[str, int] = field(default_factory=dict)
    """The last funding time of each symbol that was settled."""
    happened: list[VenueEvent] = field(default_factory=list)
    """What is told once the row is written."""


def new_state(
    rules: Mapping[str, TradingRules], version: int, now_ms: int, fees: Fees
) -> PaperState:
    """Return a fresh account. Ids begin with the time, so that a reset never repeats one."""
    ids = Ids(order=now_ms, algo=FIRST_ALGO_ID + now_ms, trade=now_ms, flow=now_ms)
    account = MatchingAccount(rules, wallet=FIRST_BALANCE, fees=fees, ids=ids)
    return PaperState(account, ids, version, now_ms)


def load(
    user_id: UUID, account_id: UUID, rules: Mapping[str, TradingRules], now_ms: int, fees: Fees
) -> PaperState:
    """Read the account of a row; an empty row is a new account.

    Raises
    ------
    PaperBook.DoesNotExist
        If there is no such paper account.
    """
    row = PaperBook.objects.for_user(user_id).get(account_id=account_id)
    held: dict[str, Any] = row.book
    if not held:
        return new_state(rules, row.version, now_ms, fees)
    ids = Ids(**held["ids"])
    account = MatchingAccount.from_dict(held["account"], rules, ids)
    return PaperState(account, ids, row.version, held["seen_ms"], dict(held["settled_ms"]))


def save(user_id: UUID, account_id: UUID, state: PaperState) -> None:
    """Write the account, if the row still is the one that was read.

    Raises
    ------
    Outrun
        If it is not; nothing was written.
    """
    book = {
        "account": state.account.to_dict(_KEPT),
        "ids": {
            "order": state.ids.order,
            "algo": state.ids.algo,
            "trade": state.ids.trade,
            "flow": state.ids.flow,
        },
        "seen_ms": state.seen_ms,
        "settled_ms": state.settled_ms,
    }
    with transaction.atomic():
        n = (
            PaperBook.objects.for_user(user_id)
            .filter(account_id=account_id, version=state.version)
            .update(
                book=book,
                version=state.version + 1,
                updated_at=datetime.fromtimestamp(state.seen_ms / 1_000, UTC),
            )
        )
    if not n:
        raise Outrun
    state.version += 1


class Versions:
    """Versions of the rows of a process's paper accounts, read together and not one by one.

    A version only rises: one above ours means that the row was reset or taken over.
    """

    def __init__(self, run: Callable[..., Awaitable[Any]]) -> None:
        self._run = run
        self._lock = asyncio.Lock()
        self._accounts: set[UUID] = set()
        self._read: dict[UUID, int] = {}
        self._read_s = -VERSIONS_S

    async def of(self, account_id: UUID) -> int | None:
        """Return the version as it stood a moment ago; None where there is no row.

        Raises
        ------
        DatabaseError
            If rows cannot be read.
        """
        is_new = account_id not in self._accounts
        self._accounts.add(account_id)
        async with self._lock:
            if is_new or monotonic() - self._read_s >= VERSIONS_S:
                asked_s = monotonic()
                self._read = await self._run(_versions, list(self._accounts))
                self._read_s = asked_s
        return self._read.get(account_id)

    def leave(self, account_id: UUID) -> None:
        """The account's port is closed."""
        self._accounts.discard(account_id)


def _versions(accounts: list[UUID]) -> dict[UUID, int]:
    rows = PaperBook.objects.across_tenants("executor: versions of paper accounts")
    return dict(rows.filter(account_id__in=accounts).values_list("account_id", "version"))
