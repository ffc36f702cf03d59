"""A Celery worker step that hosts the engine.

A worker that consumes the queue `stream` runs the engine beside its consumer, in a thread
with an event loop of its own: the step starts it with the worker and stops it with the
worker. It wants a solo pool (nothing is forked from a threaded parent).
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from celery import bootsteps

QUEUE: Final = "stream"
_STOP_S: Final = 4.0

log = structlog.get_logger(__name__)


class EngineThread:
    """Runs one coroutine in a thread; `stop` cancels it and waits a bounded time."""

    def __init__(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._main = main
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            try:
                runner.run(self._watch())
            except asyncio.CancelledError:
                log.info("engine_stopped")

    async def _watch(self) -> None:
        self._task = asyncio.current_task()
        await self._main()

    def stop(self) -> None:
        """Cancel the engine; return when it has ended, or after four seconds."""
        if self._loop is not None and self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_STOP_S)
        if self._thread.is_alive():
            log.error("engine_did_not_stop", waited_s=_STOP_S)


class EngineStep(bootsteps.StartStopStep):
    """Starts the engine with a worker of the queue `stream`, and stops it with it."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.engine: EngineThread | None = None

    def include_if(self, parent: Any) -> bool:
        return QUEUE in parent.app.amqp.queues.consume_from

    def start(self, parent: Any) -> None:
        from signals.engine.host import run_engine  # heavy: only where it runs

        self.engine = EngineThread(run_engine)
        self.engine.start()

    def stop(self, parent: Any) -> None:
        if self.engine is not None:
            self.engine.stop()

    terminate = stop
