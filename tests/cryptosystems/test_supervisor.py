"""The supervisor: starts in order, starts again what ends, takes everything down with it."""

import asyncio
import os
import signal as os_signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.management import embedded
from cryptosystems.management.supervisor import Service, Supervisor
from tests.support.servers import until
from tests.support.waiting import wait_until

# A service that stays until it is told to go: the child sleeps, no test waits for it.
STAY = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"


def is_alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def service(name: str, mark: Path, code: str = STAY, within_s: float = 10.0) -> Service:
    """Return a process that writes its number into `mark` when it is up."""

    async def ready() -> bool:
        return mark.exists()  # noqa: ASYNC240 - a local file, in a test

    argv = [sys.executable, "-c", code, str(mark)]
    return Service(name, argv, dict(os.environ), ready, ready_within_s=within_s)


@asynccontextmanager
async def supervisor(directory: Path) -> AsyncIterator[tuple[Supervisor, list[str]]]:
    said: list[str] = []
    one = Supervisor(directory / "log", said.append)
    try:
        yield one, said
    finally:
        await one.stop()


async def test_a_service_is_started_and_stopped(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    async with supervisor(tmp_path) as (one, _):
        await one.start(service("web", mark))
        pid = int(mark.read_text())
        assert is_alive(pid)
    assert not is_alive(pid)


async def test_what_ends_is_started_again(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    async with supervisor(tmp_path) as (one, said):
        await one.start(service("engine", mark))
        first = int(mark.read_text())
        os.kill(first, os_signal.SIGKILL)
        await until(lambda: mark.read_text() not in ("", str(first)))
        assert is_alive(int(mark.read_text()))
    assert any("engine ended" in line for line in said)


async def test_a_service_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    code = "print('the port is taken'); raise SystemExit(3)"
    async with supervisor(tmp_path) as (one, _):
        with pytest.raises(
            NeedsOperator, match=r"(?s)exchange ended with code 3.*the port is taken"
        ):
            await one.start(service("exchange", tmp_path / "never", code))


async def test_a_service_that_is_never_ready_is_told(tmp_path: Path) -> None:
    code = "import time; time.sleep(60)"  # the child stays and never says it is ready
    async with supervisor(tmp_path) as (one, _):
        with pytest.raises(NeedsOperator, match="not ready within 0 s"):
            await one.start(service("web", tmp_path / "never", code, within_s=0.2))


async def test_one_that_does_not_go_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STAY
    async with supervisor(tmp_path) as (one, said):
        held = service("workers", mark, stubborn)
        await one.start(Service(held.name, held.argv, held.env, held.ready, stop_within_s=0.2))
        pid = int(mark.read_text())
    assert not is_alive(pid)
    assert any("was killed" in line for line in said)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import asyncio, os, pathlib, sys
        from cryptosystems.management.supervisor import Service, Supervisor

        async def main():
            mark = pathlib.Path(sys.argv[1])
            async def ready():
                return mark.exists()  # noqa: ASYNC240 - a local file, in a test
            argv = [sys.executable, "-c", sys.argv[2], str(mark)]
            one = Supervisor(mark.parent / "log", print)
            await one.start(Service("web", argv, dict(os.environ), ready))
            await asyncio.sleep(60)

        asyncio.run(main())
        """
    )
    mark = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", program, str(mark), STAY])
    try:
        wait_until(lambda: mark.exists() and mark.read_text())
        child = int(mark.read_text())
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not is_alive(child))


def test_a_secret_lasts_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    first = embedded.lasting_secret(path)
    assert len(first) >= 50
    assert embedded.lasting_secret(path) == first
    assert path.stat().st_mode & 0o077 == 0


def test_two_products_cannot_share_one_storage(tmp_path: Path) -> None:
    with (
        embedded.only_one(tmp_path / "up.lock"),
        pytest.raises(NeedsOperator, match="already runs"),
        embedded.only_one(tmp_path / "up.lock"),
    ):
        pass
    with embedded.only_one(tmp_path / "up.lock"):
        pass


def test_a_taken_port_is_seen_before_anything_starts() -> None:
    async def probe() -> tuple[bool, bool]:
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        taken = embedded.is_port_free("127.0.0.1", port)
        server.close()
        await server.wait_closed()
        return taken, embedded.is_port_free("127.0.0.1", port)

    assert asyncio.run(probe()) == (False, True)
