"""The database for the executor: short transactions, in threads, fenced by the lane's lease."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Final, ParamSpec, Protocol, TypeVar

from django.db import close_old_connections, transaction

from cryptosystems.platform import leases
from trading.executor import hooks
from trading.reconciliation.guards import Guard

P = ParamSpec("P")
R = TypeVar("R")

THREADS: Final = 2
"""One may write on SQLite, another read; more only fight for the interpreter."""


class Database(Protocol):
    """Runs functions that touch rows."""

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...

    def apart(self) -> "Database":
        """Return a way to the same rows that does not wait behind this one's."""
        ...


class Threads:
    """The pool of one executor process."""

    def __init__(self, n: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(n, thread_name_prefix="executor-db")
        self._apart: Threads | None = None

    def apart(self) -> "Threads":
        """Return a thread of its own, closed with the pool."""
        self._apart = self._apart or Threads(1)
        return self._apart

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run in a thread; connections that have died are left before."""
        context = contextvars.copy_context()
        call = partial(context.run, _fresh, partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        """Let running work end; start nothing new."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._apart is not None:
            self._apart.close()


def _fresh(call: Callable[[], R]) -> R:
    close_old_connections()
    return call()


@contextmanager
def fenced(holding: leases.Holding | None) -> Iterator[None]:
    """Open a transaction that an older owner of the lane cannot commit.

    Raises
    ------
    LeaseLost
        If another process has taken the lane over.
    """
    with transaction.atomic():
        if holding is not None and hooks.has(Guard.LEASE):
            leases.require(holding)
        yield
