"""Starts processes in order, watches them, starts them again, and takes all of them down.

Every child is the leader of a session of its own, so that Ctrl-C reaches only the supervisor,
and asks the kernel to be told when the supervisor dies (Linux), so that nothing outlives it.
"""

import asyncio
import ctypes
import os
import signal as os_signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.kernel.retry import Backoff

POLL_S: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1
_BACKOFF: Final = Backoff(first_s=0.5, cap_s=20.0)
_STEADY_S: Final = 30.0
_LOG_TAIL: Final = 2_000

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Service:
    """One process: how it is started, when it counts as ready, how it is stopped."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    ready: Probe
    ready_within_s: float = 30.0
    stop_within_s: float = 8.0


@dataclass(slots=True)
class _Running:
    service: Service
    process: asyncio.subprocess.Process
    task: asyncio.Task[None] | None = None


def _die_with_parent() -> None:
    """Run in the child before it becomes the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, os_signal.SIGTERM)
        if os.getppid() == 1:  # the parent died before we could ask
            os._exit(1)


@dataclass(slots=True)
class Supervisor:
    """Runs services; `say` gets a sentence for the person who watches."""

    log_dir: Path
    say: Callable[[str], None]
    _running: list[_Running] = field(default_factory=list)
    _stopping: bool = False

    async def start(self, service: Service) -> None:
        """Start a service and wait until it is ready; from then on it is kept alive.

        Raises
        ------
        NeedsOperator
            If it ends, or is not ready in time; the message carries the end of its log.
        """
        process = await self._spawn(service)
        held = _Running(service, process)
        self._running.append(held)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + service.ready_within_s
        while not await service.ready():
            if process.returncode is not None:
                raise NeedsOperator(
                    f"{service.name} ended with code {process.returncode} while starting.\n"
                    + self._tail(service)
                )
            if loop.time() > deadline:
                raise NeedsOperator(
                    f"{service.name} was not ready within {service.ready_within_s:.0f} s.\n"
                    + self._tail(service)
                )
            await asyncio.sleep(POLL_S)
        held.task = asyncio.create_task(self._keep(held))

    async def _spawn(self, service: Service) -> asyncio.subprocess.Process:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        with self.log_path(service.name).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *service.argv,
                env=dict(service.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def log_path(self, name: str) -> Path:
        """Return where a service's output goes."""
        return self.log_dir / f"{name}.log"

    def _tail(self, service: Service) -> str:
        path = self.log_path(service.name)
        text = path.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace") if path.exists() else ""
        return f"The end of its log ({path}):\n{text}"

    async def _keep(self, held: _Running) -> None:
        """Start the process again whenever it ends."""
        random, attempt = Random(), 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            code = await held.process.wait()
            if self._stopping:
                return
            attempt = 0 if loop.time() - began > _STEADY_S else attempt + 1
            pause = _BACKOFF.pause_s(attempt, random)
            self.say(
                f"{held.service.name} ended (code {code}); it starts again in {pause:.1f} s. "
                f"Its log: {self.log_path(held.service.name)}"
            )
            await asyncio.sleep(pause)
            held.process = await self._spawn(held.service)

    async def stop(self) -> None:
        """End every process, the newest first; one that does not go in time is killed."""
        self._stopping = True
        for held in reversed(self._running):
            if held.process.returncode is None:
                held.process.send_signal(os_signal.SIGTERM)
            try:
                async with asyncio.timeout(held.service.stop_within_s):
                    await held.process.wait()
            except TimeoutError:
                self.say(f"{held.service.name} did not stop in time and was killed.")
                os.killpg(held.process.pid, os_signal.SIGKILL)
                await held.process.wait()
            if held.task is not None:
                held.task.cancel()
        self._running.clear()
