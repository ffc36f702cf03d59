"""A Celery worker step that hosts the engine beside the consumer of the queue `stream`."""

from collections.abc import Coroutine
from typing import Any

from cryptosystems.platform.worker_steps import LoopStep


class EngineStep(LoopStep):
    """Starts the engine with a worker of the queue `stream`, and stops it with it."""

    queue = "stream"

    def main(self) -> Coroutine[Any, Any, None]:
        from signals.engine.host import run_engine  # heavy: only where it runs

        return run_engine()
