"""One writer thread for everything the engine stores.

The event loop never touches the database: it hands over jobs. Urgent jobs (a signal, a
settlement) overtake bulk (candles). A job that fails is tried again with growing pauses, in
order, so that nothing is lost while the database is away; bulk is bounded, and what would
pass the bound is counted and found again by the continuity check.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

import structlog
from django.db import DatabaseError, close_old_connections

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.retry import Backoff
from cryptosystems.kernel.timeframes import Timeframe
from signals.store.candles import CandleRow, store_candles

Job = Callable[[], object]

BULK_LIMIT: Final = 200_000
"""Candles that may wait; beyond it the newest are dropped and refilled by REST."""
_FLUSH_AT: Final = 5_000
_IDLE_S: Final = 0.2

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class SinkCounters:
    """What the sink has done; read by the status page."""

    jobs: int = 0
    candles: int = 0
    retries: int = 0
    dropped_candles: int = 0
    failed_jobs: int = 0
    last_error: str = ""


@dataclass(slots=True)
class Sink:
    """The writer. `start` it, `submit` jobs, `stop` it: stopping drains what waits."""

    origin: Origin
    counters: SinkCounters = field(default_factory=SinkCounters)
    _urgent: deque[Job] = field(default_factory=deque)
    _bulk: dict[Timeframe, list[CandleRow]] = field(default_factory=dict)
    _n_bulk: int = 0
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _stopping: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Write what waits, then end; give up waiting after `timeout_s`."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def submit(self, job: Job) -> None:
        """Run `job` in the writer thread, before any waiting candles."""
        with self._wake:
            self._urgent.append(job)
            self._wake.notify()

    def add_candles(self, timeframe: Timeframe, rows: Sequence[CandleRow]) -> None:
        """Store closed candles soon, many to a transaction."""
        with self._wake:
            room = BULK_LIMIT - self._n_bulk
            if len(rows) > room:
                self.counters.dropped_candles += len(rows) - room
                rows = rows[:room]
            self._bulk.setdefault(timeframe, []).extend(rows)
            self._n_bulk += len(rows)
            self._wake.notify()

    @property
    def n_waiting(self) -> int:
        """Jobs and candles not yet written."""
        return len(self._urgent) + self._n_bulk

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._urgent and not self._n_bulk:
                    if self._stopping:
                        close_old_connections()
                        return
                    self._wake.wait(_IDLE_S)
                job = self._urgent.popleft() if self._urgent else None
                bulk = [] if job is not None else self._take_bulk()
            if job is not None:
                self._attempt(job)
                self.counters.jobs += 1
            for timeframe, rows in bulk:
                self._attempt(partial(store_candles, self.origin, timeframe, rows))
                self.counters.candles += len(rows)

    def _take_bulk(self) -> list[tuple[Timeframe, list[CandleRow]]]:
        taken: list[tuple[Timeframe, list[CandleRow]]] = []
        for timeframe, rows in self._bulk.items():
            if rows:
                taken.append((timeframe, rows[:_FLUSH_AT]))
                del rows[:_FLUSH_AT]
        self._n_bulk -= sum(len(rows) for _, rows in taken)
        return taken

    def _attempt(self, job: Job) -> None:
        backoff, random = Backoff(first_s=0.1, cap_s=5.0, max_tries=None), Random()
        attempt = 0
        while True:
            try:
                job()
                return
            except DatabaseError as error:
                # The database may be away or locked; the row matters more than the time.
                self.counters.retries += 1
                self.counters.last_error = f"{type(error).__name__}: {error}"
                log.warning("sink_retry", attempt=attempt, error=self.counters.last_error)
                close_old_connections()
                if self._stopping and attempt >= 2:
                    return
                time.sleep(backoff.pause_s(attempt, random))
                attempt += 1
            except Exception as error:  # one bad job must not end the only writer
                self.counters.failed_jobs += 1
                self.counters.last_error = f"{type(error).__name__}: {error}"
                log.exception("sink_job_failed")
                return
