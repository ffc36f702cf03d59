"""Weight and order counters of one address, so that an exit never waits behind an entry.

The exchange counts request weight by address and minute, orders by account per ten seconds and
per minute, and tells its own count with each answer. Of the limits, 30 % is kept for exits; an
entry is admitted only where its own stop, check and close still fit beside those of all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

MINUTE_MS: Final = 60_000
TEN_SECONDS_MS: Final = 10_000
WEIGHT_LIMIT: Final = 2_400
ORDERS_MINUTE: Final = 1_200
ORDERS_TEN_SECONDS: Final = 300
OPEN_SHARE: Final = 0.7
"""Of each limit, what entries and reads may use; the rest is for exits."""
EXIT_WEIGHT: Final = 12
"""What the exits of an entry need: five questions for the stop, a look at the position, cancels."""
ENTRY_WEIGHT: Final = EXIT_WEIGHT + 8
"""The same, with margin mode and leverage set and read before."""
HOLD_MS: Final = 30_000
"""How long room is held back: a stop that is not confirmed is closed after five seconds."""
ENTRY_ORDERS: Final = 8
"""Entry, guard, stop, three targets, close, and one more."""
_DEFAULT_PAUSE_MS: Final = 30_000
_DEFAULT_BAN_MS: Final = 120_000


class Priority(IntEnum):
    """Who goes first."""

    EXIT = 0
    """Stops, closes, cancels, and the reads that prove them."""
    READ = 1
    ENTRY = 2


@dataclass(slots=True)
class _Window:
    """A count within a window that starts on a round time, as the exchange counts."""

    length_ms: int
    limit: int
    start_ms: int = 0
    used: int = 0

    def at(self, now_ms: int) -> "_Window":
        start = now_ms - now_ms % self.length_ms
        if start > self.start_ms:
            self.start_ms, self.used = start, 0
        return self

    def left(self, now_ms: int, share: float = 1.0) -> int:
        return int(self.limit * share) - self.at(now_ms).used

    def wait_ms(self, now_ms: int) -> int:
        return self.at(now_ms).start_ms + self.length_ms - now_ms


@dataclass(slots=True)
class _Account:
    minute: _Window
    ten_seconds: _Window


@dataclass(slots=True)
class WeightBudget:
    """Counters of one egress address and of the accounts behind it; time is an argument."""

    weight_limit: int = WEIGHT_LIMIT
    orders_minute: int = ORDERS_MINUTE
    orders_ten_seconds: int = ORDERS_TEN_SECONDS
    paused_until_ms: int = 0
    """After a 429: nothing but exits before."""
    banned_until_ms: int = 0
    """After a 418: nothing at all before."""
    _weight: _Window = field(init=False)
    _accounts: dict[str, _Account] = field(default_factory=dict)
    _reserved: dict[str, tuple[int, int]] = field(default_factory=dict)
    """(weight, until) by account, of admitted entries whose exits are still to come."""

    def __post_init__(self) -> None:
        self._weight = _Window(MINUTE_MS, self.weight_limit)

    def _account(self, account: str) -> _Account:
        if account not in self._accounts:
            self._accounts[account] = _Account(
                _Window(MINUTE_MS, self.orders_minute),
                _Window(TEN_SECONDS_MS, self.orders_ten_seconds),
            )
        return self._accounts[account]

    def used(self, now_ms: int) -> int:
        """Return the weight used in this minute, as far as is known."""
        return self._weight.at(now_ms).used

    def reserved(self, now_ms: int) -> int:
        """Return the weight held back for the exits of admitted entries."""
        for account, (_, until_ms) in list(self._reserved.items()):
            if until_ms <= now_ms:
                del self._reserved[account]
        return sum(weight for weight, _ in self._reserved.values())

    def _held_for(self, account: str) -> int:
        return self._reserved.get(account, (0, 0))[0]

    def take(
        self, weight: int, priority: Priority, now_ms: int, *, account: str = "", orders: int = 0
    ) -> int:
        """Count a call and return 0, or count nothing and return the ms to wait before it."""
        wait_ms = self._wait_ms(weight, priority, now_ms, account, orders)
        if wait_ms:
            return wait_ms
        self._weight.at(now_ms).used += weight
        if account in self._reserved:
            left, until_ms = self._reserved[account]
            self._reserved[account] = (max(0, left - weight), until_ms)
        if orders:
            held = self._account(account)
            held.minute.at(now_ms).used += orders
            held.ten_seconds.at(now_ms).used += orders
        return 0

    def reserve(
        self,
        now_ms: int,
        *,
        account: str = "",
        weight: int = ENTRY_WEIGHT,
        orders: int = ENTRY_ORDERS,
    ) -> int:
        """Hold back what an entry and its exits need; 0, or the ms to wait before asking again.

        Asked again it is filled up, not added to; each call of the account uses of its own. Exits
        do not look at it, so they find there what was held back for them.
        """
        self.reserved(now_ms)
        held = self._held_for(account)
        more = max(0, weight - held)
        wait_ms = self._wait_ms(held + more, Priority.ENTRY, now_ms, account, orders)
        if not wait_ms:
            self._reserved[account] = (held + more, now_ms + HOLD_MS)
        return wait_ms

    def _wait_ms(
        self, weight: int, priority: Priority, now_ms: int, account: str, orders: int
    ) -> int:
        if now_ms < self.banned_until_ms:
            return self.banned_until_ms - now_ms
        is_exit = priority is Priority.EXIT
        if now_ms < self.paused_until_ms and not is_exit:
            return self.paused_until_ms - now_ms
        share = 1.0 if is_exit else OPEN_SHARE
        held = 0 if is_exit else self.reserved(now_ms) - self._held_for(account)
        if weight > self._weight.left(now_ms, share) - held:
            return self._weight.wait_ms(now_ms)
        if not orders:
            return 0
        counters = self._account(account)
        return max(
            (
                window.wait_ms(now_ms)
                for window in (counters.minute, counters.ten_seconds)
                if orders > window.left(now_ms, share)
            ),
            default=0,
        )

    def answered(
        self,
        status: int | None,
        headers: Mapping[str, str],
        now_ms: int,
        *,
        account: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        """Take the exchange's own counts from the headers (lower case), and its limits' ends."""
        told = _count(headers, "x-mbx-used-weight-1m")
        if told is not None:
            self._weight.at(now_ms).used = told
        for name, length in (("10s", "ten_seconds"), ("1m", "minute")):
            told = _count(headers, f"x-mbx-order-count-{name}")
            if told is not None:
                window: _Window = getattr(self._account(account), length)
                window.at(now_ms).used = told
        pause_ms = None if retry_after_s is None else int(retry_after_s * 1_000)
        if status == 429:
            until = now_ms + (pause_ms if pause_ms is not None else _DEFAULT_PAUSE_MS)
            self.paused_until_ms = max(self.paused_until_ms, until)
        elif status == 418:
            until = now_ms + (pause_ms if pause_ms is not None else _DEFAULT_BAN_MS)
            self.banned_until_ms = max(self.banned_until_ms, until)
            self.paused_until_ms = max(self.paused_until_ms, until)

    def set_limits(self, weight: int, orders_minute: int, orders_ten_seconds: int) -> None:
        """Take the limits that `exchangeInfo` publishes."""
        self.weight_limit = self._weight.limit = weight
        self.orders_minute, self.orders_ten_seconds = orders_minute, orders_ten_seconds
        for held in self._accounts.values():
            held.minute.limit, held.ten_seconds.limit = orders_minute, orders_ten_seconds


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isdigit() else None
