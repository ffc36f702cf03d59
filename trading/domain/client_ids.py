"""Client ids of our orders: a pure function, so that they can be built again from the rows.

The exchange checks an id among open orders only, so an id never makes a repeat safe (EX-03); it
lets us find what we sent, after a crash and after a restore alike.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trading.domain.orders import Leg

PREFIX: Final = "cs-"
MAX_ATTEMPT: Final = 9_999
MAX_CLOSE_ATTEMPT: Final = 32_767
"""The close loop has no end; at five seconds a try this is two days."""
_CODES: Final = {
    Leg.GUARD: "g",
    Leg.ENTRY: "e",
    Leg.STOP: "s",
    Leg.TP1: "t1",
    Leg.TP2: "t2",
    Leg.TP3: "t3",
    Leg.CLOSE: "c",
}
_LEGS: Final = {code: leg for leg, code in _CODES.items()}
_SHAPE: Final = re.compile(r"^cs-(g|e|s|c|t[123])([1-9]\d{0,4})-([a-z2-7]{26})$")


@dataclass(frozen=True, slots=True)
class ParsedId:
    """What an id of ours says by itself."""

    leg: Leg
    attempt: int


def client_id(user_id: UUID, account_id: UUID, signal_id: UUID, leg: Leg, attempt: int) -> str:
    """Return the id of one attempt of one leg, at most 36 of the exchange's legal characters.

    The account is part of it: one person may follow a signal on paper and at an exchange.

    Raises
    ------
    ValueError
        If `attempt` is not a number that still fits.
    """
    most = MAX_CLOSE_ATTEMPT if leg is Leg.CLOSE else MAX_ATTEMPT
    if not 1 <= attempt <= most:
        raise ValueError(f"an attempt of {leg.value} is 1..{most}, was {attempt}")
    digest = hashlib.blake2s(digest_size=16)
    for part in (user_id.bytes, account_id.bytes, signal_id.bytes):
        digest.update(part)
    digest.update(f"{leg.value}/{attempt}".encode())
    code = base64.b32encode(digest.digest()).decode().rstrip("=").lower()
    return f"{PREFIX}{_CODES[leg]}{attempt}-{code}"


def is_ours(text: str) -> bool:
    """Say whether an order carries our prefix; all others are never touched (EX-16)."""
    return text.startswith(PREFIX)


def parse(text: str) -> ParsedId | None:
    """Return leg and attempt of an id of ours; None where it is none."""
    found = _SHAPE.match(text)
    if found is None:
        return None
    return ParsedId(_LEGS[found.group(1)], int(found.group(2)))
