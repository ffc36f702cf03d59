"""How execution stands, for the public status page: read at most once in some seconds."""

from time import monotonic
from typing import Final

from django.db import DatabaseError

from trading import api as trading
from trading.contracts import ExecutorStatus

FRESH_S: Final = 2.0
_kept: dict[str, tuple[float, ExecutorStatus]] = {}


def execution() -> ExecutorStatus | None:
    """Return how execution stands, at most two seconds old; None while the database is away."""
    held = _kept.get("status")
    if held is None or monotonic() - held[0] >= FRESH_S:
        try:
            held = _kept["status"] = (monotonic(), trading.executor_status())
        except DatabaseError:
            return None
    return held[1]


def forget() -> None:
    """Drop what is kept, so that the next page reads anew."""
    _kept.clear()
