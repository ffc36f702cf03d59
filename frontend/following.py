"""What stands beside a signal about following it on paper: a button, a reason, or how it went."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from billing.contracts import Feature
from frontend.context import Shell
from trading import api as trading
from trading.contracts import TradeLine


def lock_of(shell: Shell) -> str:
    """Return why this reader may not follow signals on paper; empty: they may, or are visitors."""
    rights = shell.entitlements
    if rights is None or rights.allows(Feature.PAPER):
        return ""
    return str(rights.sentence)


def followed_of(user_id: UUID | None, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return by signal how the reader's paper trade of it stands; nothing of a visitor's."""
    if user_id is None:
        return {}
    found = trading.followed(user_id, [UUID(each) for each in ids])
    return {str(signal_id): line_json(line) for signal_id, line in found.items()}


def line_json(line: TradeLine) -> dict[str, Any]:
    """Return what a page needs to say how a followed signal stands."""
    return {
        "trade": str(line.id),
        "signal": str(line.signal_id),
        "venue": line.venue.value,
        "how": line.how,
        "state": line.state.value,
        "is_final": line.state.is_final,
        "reason": line.reason,
        "sentence": line.sentence,
        "result_r": None if line.result_r is None else float(line.result_r),
    }
