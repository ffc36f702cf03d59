"""Hosts an event loop beside a Celery worker of one queue: started with it, stopped with it.

The step wants a solo pool: nothing is forked from a threaded parent.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from celery import bootsteps

_STOP_S: Final = 4.0

log = structlog.get_logger(__name__)


class LoopThread:
    """Runs one coroutine in a thread; `stop` cancels it and waits a bounded time."""

    def __init__(
        self, name: str, main: Callable[[], Coroutine[Any, Any, None]], stop_s: float = _STOP_S
    ) -> None:
        self._name = name
        self._main = main
        self._stop_s = stop_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            try:
                runner.run(self._watch())
            except asyncio.CancelledError:
                log.info("loop_stopped", loop=self._name)

    async def _watch(self) -> None:
        self._task = asyncio.current_task()
        await self._main()

    def stop(self) -> None:
        """Cancel what runs; return when it has ended, or after the time given."""
        if self._loop is not None and self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(self._stop_s)
        if self._thread.is_alive():
            log.error("loop_did_not_stop", loop=self._name, waited_s=self._stop_s)


class LoopStep(bootsteps.StartStopStep):
    """Starts a loop with a worker of the queue `queue`; subclasses say which."""

    requires = ("celery.worker.components:Pool",)
    queue = ""
    stop_s = _STOP_S

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.hosted: LoopThread | None = None

    def main(self) -> Coroutine[Any, Any, None]:
        """Return what runs; import what is heavy here, so that only its worker pays."""
        raise NotImplementedError

    def include_if(self, parent: Any) -> bool:
        return self.queue in parent.app.amqp.queues.consume_from

    def start(self, parent: Any) -> None:
        self.hosted = LoopThread(self.queue, self.main, self.stop_s)
        self.hosted.start()

    def stop(self, parent: Any) -> None:
        if self.hosted is not None:
            self.hosted.stop()

    terminate = stop
