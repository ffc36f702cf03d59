"""A Celery worker step that hosts the executor beside the consumer of the queue `trading`."""

from collections.abc import Coroutine
from typing import Any

from cryptosystems.platform.worker_steps import LoopStep


class ExecutorStep(LoopStep):
    """Starts the executor with a worker of the queue `trading`, and stops it with it."""

    queue = "trading"
    stop_s = 10.0
    """Lanes finish the step they are in, for at most `DRAIN_S`, and give their leases back."""

    def main(self) -> Coroutine[Any, Any, None]:
        from trading.executor.host import run_executor  # heavy: only where it runs

        return run_executor()
