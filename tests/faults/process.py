"""Lanes in processes of their own that die, stop or crowd: forked, so that they cost no start."""

import asyncio
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from django.db import connections

from cryptosystems.platform.leases import LeaseLost
from tests.faults.stage import Stage
from tests.trading.executor.stage import Served
from trading.executor import hooks
from trading.executor.supervisor import SAFE_S, Hosted, boot_s

_FAILED: Final = 1
_LEASE_LOST: Final = 3
_SHORT_S: Final = 0.2


def dies_at(stage: Stage, crash_at: str, live: Callable[[Stage], object]) -> bool:
    """Let another process look after the account until it dies at a point; say whether it did.

    Nothing of it is left but rows and the exchange. It shares no socket and no connection.
    """

    def until_death() -> None:
        os.environ["CRASH_AT"] = crash_at
        stage.begin()
        live(stage)

    stage.stop()
    status = os.waitpid(_fork(stage, until_death), 0)[1]
    stage.catch_up()
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    _assert_well(status)
    return False


def all_at_once(stage: Stage, n: int, work: Callable[[], object]) -> None:
    """Let so many processes do the same work, all from the same moment; they end well."""
    stage.stop()
    gate, opens = os.pipe()

    def behind_the_gate() -> None:
        os.close(opens)
        os.read(gate, 1)
        work()

    pids = [_fork(stage, behind_the_gate) for _ in range(n)]
    os.close(gate)
    os.close(opens)
    for pid in pids:
        _assert_well(os.waitpid(pid, 0)[1])


@dataclass(slots=True)
class Stopped:
    """A process that was stopped in the middle of something, as a machine that sleeps is."""

    pid: int
    since_s: float

    def goes_on(self) -> bool:
        """Let it go on where it stood; say whether it found that its lease was lost."""
        while boot_s() - self.since_s < _SHORT_S:
            pass
        os.kill(self.pid, signal.SIGCONT)
        status = os.waitpid(self.pid, 0)[1]
        if os.waitstatus_to_exitcode(status) == _LEASE_LOST:
            return True
        _assert_well(status)
        return False


def stopped_at(stage: Stage, point: str, leg: str, live: Callable[[Stage], object]) -> Stopped:
    """Let another process, which holds the lease, work until it is stopped at a point.

    What the supervisor calls a fresh lease is old for it once it goes on.
    """
    stage.take_over("one")
    held = Hosted(stage.lane.ref, renewed_s=boot_s() + 1_000)

    def is_armed(at: str, of: Any = None) -> bool:
        is_there = at == point and (not leg or (of is not None and of.value == leg))
        return is_there and held.is_fresh()

    def reach(at: str, of: Any = None) -> None:
        if is_armed(at, of):
            held.renewed_s = boot_s() - SAFE_S + _SHORT_S
            os.kill(os.getpid(), signal.SIGSTOP)
            stage.clock.advance(max(0, stage.venue.now_ms() - stage.clock.now_ms()))

    def until_stopped() -> None:
        hooks.reach, hooks.is_armed = reach, is_armed
        stage.begin()
        stage.lane.lease_is_fresh = held.is_fresh
        live(stage)

    stage.stop()
    pid = _fork(stage, until_stopped)
    status = os.waitpid(pid, os.WUNTRACED)[1]
    assert os.WIFSTOPPED(status), "it has never come to that point"
    stage.catch_up()
    return Stopped(pid, boot_s())


def _fork(stage: Stage, work: Callable[[], object]) -> int:
    """Start a process that has a loop, a database and a client of its own; return its id."""
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        _be_the_other(stage, work)
    return pid


def _be_the_other(stage: Stage, work: Callable[[], object]) -> None:
    try:
        loop = asyncio.new_event_loop()
        stage.loop, stage.db = loop, Served(loop)
        stage.venue.http = httpx.Client(base_url=stage.venue.base_url, timeout=10.0)
        work()
    except LeaseLost:
        os._exit(_LEASE_LOST)
    except BaseException:
        traceback.print_exc()
        os._exit(_FAILED)
    os._exit(0)


def _assert_well(status: int) -> None:
    assert os.waitstatus_to_exitcode(status) == 0, "the other process failed, see its output"
