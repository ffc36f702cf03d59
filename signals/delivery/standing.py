"""What a socket's owner may see now: asked at the join, each minute, and when their bell rings."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts import api as accounts
from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.origin import Origin
from cryptosystems.platform import account_parts
from signals.delivery.payloads import iso
from signals.selectors.visibility import is_visible, live_origin


@dataclass(frozen=True, slots=True)
class Standing:
    """The rights of one socket at one moment."""

    sees_live: bool
    """Open signals of the real market as they are issued."""
    account: str
    """The frame of the topic `account` as JSON; empty for a visitor."""

    @property
    def may_follow_signals(self) -> bool:
        """Say whether the topic `signals` is open: always, where the market is not the real one."""
        return self.sees_live or live_origin() != Origin.LIVE.value


def standing_of(
    user_id: UUID | None, now: datetime | None = None, *, with_parts: bool = True
) -> Standing:
    """Return what somebody may see; None is a visitor.

    Without parts (what other rooms add to the frame) it is enough to ask for rights.
    """
    found = billing.entitlements_for(user_id, now)
    data: dict[str, Any] = {
        "state": found.state.value,
        "until": iso(found.until),
        "features": sorted(feature.value for feature in found.features),
        "sentence": str(found.sentence),
    }
    if user_id is not None and with_parts:
        data |= account_parts.parts_of(user_id)
    account = json.dumps(data, separators=(",", ":"), ensure_ascii=False) if user_id else ""
    return Standing(found.allows(Feature.LIVE_SIGNALS), account)


def standing_in_session(
    user_id: UUID, session_key: str, now: datetime | None = None, *, with_parts: bool = True
) -> Standing | None:
    """Return the same of somebody whose session still stands; None once it is over."""
    if not accounts.is_session_alive(session_key, user_id):
        return None
    return standing_of(user_id, now, with_parts=with_parts)


def may_resume(frame: str, standing: Standing, now: datetime) -> bool:
    """Say whether a stored `signals` frame may go to this socket.

    A server that has just turned from the real market to a simulated one still holds frames of the
    real one.
    """
    if standing.sees_live:
        return True
    signal = json.loads(frame).get("signal", {})
    return is_visible(
        origin=signal.get("origin", ""),
        is_open=signal.get("settled_at") is None,
        issued_at=datetime.fromisoformat(signal["issued_at"]),
        now=now,
        sees_live=False,
    )
