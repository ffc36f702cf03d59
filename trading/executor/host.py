"""The executor process: venues, lanes, key tests; it begins again after a failure."""

import asyncio
import resource
import sys
from typing import Final

import structlog

from cryptosystems.kernel.clock import SystemClock
from trading.executor.database import Threads
from trading.executor.hints import hear_bells
from trading.executor.key_tests import KeyTests
from trading.executor.key_watch import LOOK_S, KeyWatch
from trading.executor.supervisor import Supervisor, process_name
from trading.executor.venues import LiveVenues

log = structlog.get_logger(__name__)

SWITCH_S: Final = 0.0005
KEY_TESTS_S: Final = 1.0
VENUES_S: Final = 5.0


def forbid_core_files() -> None:
    """Let no crash write this process's memory to a file: opened secrets may be in it (SE-14)."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


async def run_executor() -> None:
    """Run until cancelled; then let lanes end their step and give their leases back."""
    forbid_core_files()
    # Else the loop waits 5 ms for the interpreter at each call of a socket, behind threads that
    # make statements and read rows: hundreds of lanes then stand still for seconds.
    sys.setswitchinterval(SWITCH_S)
    _open_files()
    db, wall, process = Threads(), SystemClock(), process_name()
    venues = LiveVenues(process, db)
    tests = KeyTests(venues, db, wall.now_ms)
    supervisor = Supervisor(
        venues,
        db,
        wall.now_ms,
        process,
        turns=((tests.turn, KEY_TESTS_S), (venues.turn, VENUES_S)),
    )
    supervisor.turns += ((KeyWatch(supervisor, db).turn, LOOK_S),)
    log.info("executor_started", process=process)
    venues.open_market()
    hearing = asyncio.create_task(hear_bells(supervisor.hear))
    try:
        await supervisor.run()
    finally:
        hearing.cancel()
        await asyncio.shield(_close(tests, venues, db))


def _open_files() -> None:
    """Allow as many sockets as the machine lets us have: two and more for each account."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _close(tests: KeyTests, venues: LiveVenues, db: Threads) -> None:
    await tests.close()
    await venues.close()
    db.close()
