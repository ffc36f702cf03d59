"""Meters inside a running executor: CPU of claims and calls, rows written, request weight.

Python gives CPU time of a thread, not of a task. A coroutine's own share is taken step by step:
the thread's time is read each time the loop goes into it and comes out again.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack
from time import thread_time
from typing import Any, Final, ParamSpec, TypeVar
from unittest.mock import patch

from django.db import connection

from trading.exchanges.budget import Priority
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.outcomes import Reply
from trading.exchanges.paper import PaperPort
from trading.exchanges.signer import Credential
from trading.executor.database import Threads

P = ParamSpec("P")
R = TypeVar("R")
_STOPS: Final = "fapiPrivatePostAlgoOrder"
_WAITS: Final = "waiting for room"


class Stepped(Awaitable[R]):
    """Awaits something and adds the CPU of its own steps to a meter."""

    def __init__(self, inner: Awaitable[R], add: Callable[[float], None]) -> None:
        self._inner, self._add = inner, add

    def __await__(self) -> Generator[Any, Any, R]:
        steps = self._inner.__await__()
        value: Any = None
        while True:
            began = thread_time()
            try:
                wanted = steps.send(value)
            except StopIteration as end:
                result: R = end.value
                return result
            finally:
                self._add(thread_time() - began)
            try:
                value = yield wanted
            except BaseException as error:
                wanted = steps.throw(error)
                value = yield wanted


class Meters:
    """Everything that was counted since it was put in place."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.cpu_s: dict[str, float] = defaultdict(float)
        self.n: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.weight: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.stops_that_waited = 0
        self.most_weight = 0
        self._rows = 0
        self._changes: dict[int, int] = {}

    def add(self, name: str, seconds: float) -> None:
        with self.lock:
            self.cpu_s[name] += seconds
            self.n[name] += 1

    def rows_written(self) -> int:
        """Return rows inserted, updated or deleted by the executor's threads (SQLite's count)."""
        return self._rows

    def saw_changes(self, total: int) -> None:
        """Take SQLite's count of this thread's connection; a new one begins at nothing."""
        thread = threading.get_ident()
        with self.lock:
            before = self._changes.get(thread, 0)
            self._rows += total - before if total >= before else total
            self._changes[thread] = total

    def clear(self) -> None:
        """Begin to count anew; rows go on."""
        with self.lock:
            for held in (self.cpu_s, self.n, self.calls, self.weight, self.statuses):
                held.clear()
            self.stops_that_waited = self.most_weight = 0

    def told(self) -> dict[str, Any]:
        """Return what was counted: mean CPU of a claim with its call, calls, weight."""
        with self.lock:
            mean = {
                name: round(1_000 * self.cpu_s[name] / self.n[name], 3)
                for name in sorted(self.n, key=lambda name: -self.cpu_s[name])
            }
            n = max(1, self.n["claim"])
            sending = sum(self.cpu_s[name] for name in ("claim", "submit"))
            signing = mean.get("sign", 0.0)
            return {
                "claim_and_submit_ms": round(1_000 * sending / n + signing, 3),
                "mean_cpu_ms": mean,
                "n": dict(self.n),
                "cpu_s": {name: round(s, 3) for name, s in self.cpu_s.items()},
                "calls": dict(self.calls),
                "weight": dict(self.weight),
                "weight_used": sum(self.weight.values()),
                "weight_used_most": self.most_weight,
                "statuses": dict(self.statuses),
                "stops_that_waited": self.stops_that_waited,
            }

    def put_in(self) -> ExitStack:
        """Put the meters into the classes of this process until the stack is closed."""
        stack = ExitStack()
        for owner, name in (
            (FuturesClient, "send"),
            (CcxtFutures, "submit"),
            (PaperPort, "submit"),
            (Credential, "sign"),
        ):
            around = getattr(self, f"_{name}")(getattr(owner, name))
            stack.enter_context(patch.object(owner, name, around))
        return stack

    def _submit(self, submit: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
        async def metered(port: Any, request: Any) -> R:
            taken = 0.0

            def add(seconds: float) -> None:
                nonlocal taken
                taken += seconds

            try:
                return await Stepped(submit(port, request), add)
            finally:
                self.add("submit", taken)

        return metered

    def _sign(self, sign: Callable[..., str]) -> Callable[..., str]:
        def metered(credential: Credential, payload: str) -> str:
            began = thread_time()
            try:
                return sign(credential, payload)
            finally:
                self.add("sign", thread_time() - began)

        return metered

    def _send(self, send: Callable[..., Awaitable[Reply]]) -> Callable[..., Awaitable[Reply]]:
        async def metered(client: FuturesClient, endpoint: str, *args: Any, **kw: Any) -> Reply:
            reply = await send(client, endpoint, *args, **kw)
            if reply.status is None and reply.trouble.startswith(_WAITS):
                self.stops_that_waited += endpoint == _STOPS
                self.statuses[f"held back ({kw.get('priority', Priority.READ).name})"] += 1
                return reply
            self.calls[endpoint] += 1
            self.weight[endpoint] += kw.get("weight", 1)
            self.statuses[str(reply.status)] += 1
            told = int(reply.headers.get("x-mbx-used-weight-1m", 0))
            self.most_weight = max(self.most_weight, told)
            return reply

        return metered


class MeteredThreads(Threads):
    """The executor's pool, with the CPU of each function and the rows each thread has changed."""

    def __init__(self, meters: Meters) -> None:
        super().__init__()
        self._meters = meters

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run in a thread and meter it."""

        def metered() -> R:
            began = thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self._meters.add(getattr(function, "__name__", "rows"), thread_time() - began)
                held = connection.connection
                if hasattr(held, "total_changes"):
                    self._meters.saw_changes(held.total_changes)

        return await super().run(metered)
