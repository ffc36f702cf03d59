"""Who sees which signal, and when: one rule for JSON, pages and the socket.

Whatever is not the real market (simulated, replayed, back-tested) is the demo and open to all.
Of the real market's signals, settled ones are public at once, because the record is; open ones
belong to those who pay for them (or try them) until they are a quarter of an hour old.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.origin import Origin

DELAY: Final = timedelta(minutes=15)
SENTENCE: Final = (
    "Open signals of the real market are shown 15 minutes after they are issued. "
    "A trial or a plan shows them at once."
)

ORIGINS: Final = {"simulated": "simulated", "replay": "replay", "binance": "live", "demo": "live"}
"""What the engine publishes on each market."""


def live_origin() -> str:
    """Return the origin of what the engine publishes now."""
    return ORIGINS[settings.MARKET]


def is_visible(
    *, origin: str, is_open: bool, issued_at: datetime, now: datetime, sees_live: bool
) -> bool:
    """Say whether a viewer sees a signal at a moment."""
    return sees_live or origin != Origin.LIVE.value or not is_open or issued_at <= now - DELAY


def visible(now: datetime, *, sees_live: bool) -> Q:
    """Return the same rule as a condition on rows of `Signal`."""
    if sees_live:
        return Q()
    late = Q(issued_at__lte=now - DELAY)
    return ~Q(origin=Origin.LIVE.value) | Q(current__is_open=False) | late


def sees_live(user_id: UUID | None, now: datetime | None = None) -> bool:
    """Say whether somebody's state opens the real market's signals; None is a visitor."""
    return billing.entitlements_for(user_id, now).allows(Feature.LIVE_SIGNALS)


def delay_s(user_id: UUID | None, now: datetime | None = None) -> int:
    """Return by how many seconds open signals reach this viewer late on the market followed now."""
    if live_origin() != Origin.LIVE.value or sees_live(user_id, now):
        return 0
    return int(DELAY.total_seconds())
