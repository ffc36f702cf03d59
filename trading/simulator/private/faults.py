"""Faults of the private side, on order: of calls, of user events, of the matching itself.

A fault strikes from the `nth` match on, `count` times (None: until taken back), and for no longer
than `for_ms` of market time. It can be bound to an account, a key, a method or an address.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

ACTIONS: Final = {
    "private": (
        "drop",
        "delay",
        "cut",
        "half",
        "html",
        "empty",
        "status",
        "other_order",
        "ban",
        "zero",
    ),
    "user": ("drop", "duplicate", "hold", "reorder"),
    "matching": ("lose_algo", "hide_algo", "stuck", "reject", "hide_order", "algo_down"),
}
"""What can go wrong, by channel."""


@dataclass(slots=True)
class PrivateFault:
    """One order for trouble."""

    channel: str
    action: str
    match: re.Pattern[str]
    method: str = ""
    api_key: str = ""
    account: str = ""
    address: str = ""
    nth: int = 1
    count: int | None = None
    until_ms: int | None = None
    args: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    struck: int = 0

    def concerns(self, what: "Subject", now_ms: int) -> bool:
        """Say whether the fault is about this at all."""
        if self.until_ms is not None and now_ms >= self.until_ms:
            return False
        bound = (
            (self.method, what.method),
            (self.api_key, what.api_key),
            (self.account, what.account),
            (self.address, what.address),
        )
        if any(wanted and wanted != found for wanted, found in bound):
            return False
        return self.match.search(what.text) is not None

    def strikes(self, what: "Subject", now_ms: int) -> bool:
        """Count a match; say whether the fault strikes this time."""
        if not self.concerns(what, now_ms):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.count is not None and self.struck >= self.count):
            return False
        self.struck += 1
        return True

    def told(self) -> dict[str, Any]:
        """Return it for `/sim/faults`."""
        return {
            "channel": self.channel,
            "action": self.action,
            "match": self.match.pattern,
            "account": self.account,
            "seen": self.seen,
            "struck": self.struck,
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """What a fault may strike."""

    text: str
    """Path and parameters of a call, the JSON of an event, or symbol and client id of an order."""
    account: str = ""
    method: str = ""
    api_key: str = ""
    address: str = ""


class PrivateFaults:
    """The faults in force."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._faults: list[PrivateFault] = []

    def add(self, order: dict[str, Any]) -> PrivateFault:
        """Put a fault in force.

        Raises
        ------
        ValueError
            If the order names an unknown channel or action, or a bad pattern.
        """
        channel, action = str(order.get("channel")), str(order.get("action"))
        if channel not in ACTIONS:
            raise ValueError(f"channel must be one of rest, ws, {', '.join(ACTIONS)}")
        if action not in ACTIONS[channel]:
            raise ValueError(f"action must be one of {', '.join(ACTIONS[channel])}")
        try:
            pattern = re.compile(str(order.get("match", "")))
        except re.error as error:
            raise ValueError(f"match is not a pattern: {error}") from error
        for_ms = order.get("for_ms")
        fault = PrivateFault(
            channel,
            action,
            pattern,
            method=str(order.get("method", "")),
            api_key=str(order.get("api_key", "")),
            account=str(order.get("account", "")),
            address=str(order.get("address", "")),
            nth=int(order.get("nth", 1)),
            count=order.get("count"),
            until_ms=None if for_ms is None else self._now_ms() + int(for_ms),
            args=dict(order.get("args", {})),
        )
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Take every fault back."""
        self._faults.clear()

    def told(self) -> list[dict[str, Any]]:
        return [fault.told() for fault in self._faults]

    def find(self, channel: str, what: Subject, *actions: str) -> PrivateFault | None:
        """Return the first fault of a channel that strikes now; of some actions only if named."""
        now_ms = self._now_ms()
        for fault in self._faults:
            if fault.channel != channel or (actions and fault.action not in actions):
                continue
            if fault.strikes(what, now_ms):
                return fault
        return None

    def holds(self, channel: str, action: str, account: str) -> bool:
        """Say whether a lasting fault is in force for an account; nothing is counted."""
        now_ms, what = self._now_ms(), Subject("", account)
        return any(
            fault.channel == channel and fault.action == action and fault.concerns(what, now_ms)
            for fault in self._faults
        )
