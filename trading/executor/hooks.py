"""What only tests may turn on: points at which the process kills itself, and guards taken away.

Both are dead unless the setting EXECUTOR_TEST_HOOKS is on, which no deployment may have.
"""

import os
import signal
from typing import Final

from django.conf import settings

from trading.domain.orders import Leg
from trading.reconciliation.guards import Guard

POINTS: Final = tuple(f"K{number}" for number in range(12))
"""K0 signal read; K1 row prepared; K2 claimed, nothing sent; K3 bytes sent, no reply read; K4 reply
read, not recorded; K5 entry recorded, stop not sent; K6 stop sent, no reply read; K7 stop seen, not
recorded; K8 one target placed; K9 exit booked, leftovers not cancelled; K10 emergency close sent,
not recorded; K11 fill received, not recorded."""


def are_on() -> bool:
    """Say whether this process runs for a test."""
    return bool(settings.EXECUTOR_TEST_HOOKS)


def is_armed(point: str, leg: Leg | None = None) -> bool:
    """Say whether the process is to die at this point (CRASH_AT=K4 or K4:stop)."""
    if not are_on():
        return False
    wanted, _, wanted_leg = os.environ.get("CRASH_AT", "").partition(":")
    if wanted != point:
        return False
    return not wanted_leg or (leg is not None and leg.value == wanted_leg)


def reach(point: str, leg: Leg | None = None) -> None:
    """Die here, at once and without any clean-up, if a test has asked for it."""
    if is_armed(point, leg):
        os.kill(os.getpid(), signal.SIGKILL)


def guards_off() -> frozenset[Guard]:
    """Return the guards that a test has taken away (GUARDS_OFF=seen,watch)."""
    if not are_on():
        return frozenset()
    off = getattr(settings, "EXECUTOR_GUARDS_OFF", ()) or os.environ.get("GUARDS_OFF", "").split(
        ","
    )
    return frozenset(Guard(name) for name in off if name)


def has(guard: Guard) -> bool:
    """Say whether a guard of the shell stands."""
    return guard not in guards_off()
