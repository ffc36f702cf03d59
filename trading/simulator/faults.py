"""Faults on order: what can go wrong with an exchange, chosen by a test or an operator.

A fault has a channel (`rest` or `ws`), a pattern for the path or stream, an action, and how
often it strikes: from the `nth` match on, `count` times (None: until taken back).
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

REST_ACTIONS: Final = (
    "status",
    "html",
    "empty",
    "cut",
    "delay",
    "garbage",
    "withhold",
    "shift_time",
    "old_book",
    "maintenance",
)
ALTERING: Final = ("withhold", "shift_time", "maintenance")
"""Actions that answer, but not as it was."""
WS_ACTIONS: Final = (
    "mute",
    "drop",
    "duplicate",
    "garbage",
    "nan",
    "crossed",
    "unknown_symbol",
    "binary",
    "late",
    "clock_offset",
    "break_chain",
    "cut",
    "big",
)


@dataclass(slots=True)
class Fault:
    """One order for trouble."""

    channel: str
    match: re.Pattern[str]
    action: str
    nth: int = 1
    count: int | None = None
    args: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    struck: int = 0
    contains: str = ""
    """Strikes only frames that hold this text."""

    def strikes(self, subject: str, text: str = "") -> bool:
        """Count a match; say whether the fault strikes this time."""
        if not self.match.search(subject) or self.contains not in text:
            return False
        self.seen += 1
        if self.seen < self.nth or (self.count is not None and self.struck >= self.count):
            return False
        self.struck += 1
        return True


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, order: dict[str, Any]) -> Fault:
        """Put a fault in force.

        Raises
        ------
        ValueError
            If the order names an unknown channel or action, or a bad pattern.
        """
        channel, action = order.get("channel"), order.get("action")
        known = {"rest": REST_ACTIONS, "ws": WS_ACTIONS}.get(str(channel))
        if known is None:
            raise ValueError("channel must be rest or ws")
        if action not in known:
            raise ValueError(f"action must be one of {', '.join(known)}")
        try:
            pattern = re.compile(str(order.get("match", "")))
        except re.error as error:
            raise ValueError(f"match is not a pattern: {error}") from error
        fault = Fault(
            str(channel),
            pattern,
            str(action),
            int(order.get("nth", 1)),
            order.get("count"),
            dict(order.get("args", {})),
            contains=str(order.get("contains", "")),
        )
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Take every fault back."""
        self._faults.clear()

    def find(self, channel: str, subject: str, text: str = "") -> Fault | None:
        """Return the fault that strikes this path, or this frame of a stream, now."""
        for fault in self._faults:
            if fault.channel == channel and fault.strikes(subject, text):
                return fault
        return None


def alter(fault: Fault, body: bytes) -> bytes:
    """Return a REST answer as the fault leaves it."""
    if fault.action == "withhold":
        hidden = {int(at) for at in fault.args.get("open_ms", [])}
        rows = [row for row in msgspec.json.decode(body) if row[0] not in hidden]
        return msgspec.json.encode(rows)
    if fault.action == "shift_time":
        by_ms = int(fault.args.get("ms", 3_600_000))
        return re.sub(
            rb'"serverTime":(\d+)', lambda m: b'"serverTime":%d' % (int(m[1]) + by_ms), body
        )
    if fault.action == "maintenance":
        return body.replace(b'"status":0,"msg":"normal"', b'"status":1,"msg":"system_maintenance"')
    return body


def spoil(fault: Fault, text: str) -> list[str | bytes]:
    """Return what is sent instead of the frame `text`."""
    action = fault.action
    if action in ("mute", "drop"):
        return []
    if action == "duplicate":
        return [text, text]
    if action == "garbage":
        return [text[: len(text) // 2] + "<<garbage>>"]
    if action == "binary":
        return [b"\x00\x01" + text.encode()]
    if action == "nan":
        return [re.sub(r'("(?:c|p)":|"b":\[\[)"[0-9.]+"', r'\1"NaN"', text)]
    if action == "unknown_symbol":
        return [re.sub(r'"s":"[^"]+"', '"s":"NOSUCHUSDT"', text)]
    if action == "crossed":
        return [re.sub(r'("a":\[\[")[0-9.]+', r"\g<1>0.0000001", text, count=1)]
    if action == "clock_offset":
        offset = int(fault.args.get("ms", 3_600_000))
        return [re.sub(r'"E":(\d+)', lambda m: f'"E":{int(m[1]) + offset}', text)]
    if action == "break_chain":
        return [re.sub(r'"pu":\d+', '"pu":1', text)]
    if action == "big":
        return [text[:-1] + ',"filler":"' + "x" * int(fault.args.get("bytes", 2_000_000)) + '"}']
    return [text]
