"""From the exchange's socket to a viewer's: real processes, real sockets, a real database.

Exchange → engine → Valkey → web process → viewers, each a process of its own. Latency is from
the event time stamped on a frame as it leaves the exchange to its frame on a viewer's socket,
all by this machine's clock; a signal's is from the moment it was decided.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from cryptosystems.management import embedded
from cryptosystems.management.benchmarks.children import (
    PACKAGE,
    ROOT,
    ChildFailed,
    child,
    read_line,
    stop,
)
from cryptosystems.management.benchmarks.measure import machine

SYMBOLS: Final = 400
VIEWERS: Final = 100
SECONDS: Final = 20.0
SEED: Final = 7
_WARM_S: Final = 120.0
_AFTER_S: Final = 60.0
_READY_S: Final = 30.0


def _environment(run_dir: Path) -> dict[str, str]:
    """Return an environment in which nothing of this machine's installation is touched."""
    storage = run_dir / "storage"
    storage.mkdir()
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    return env | {
        "DJANGO_SETTINGS_MODULE": "cryptosystems.settings.local",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "STORAGE_DIR": str(storage),
        "REDIS_URL": f"unix://{run_dir / 'valkey.sock'}?db=0",
        "MARKET": "simulated",
        "LOG_LEVEL": "WARNING",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _wait_for(is_there: Callable[[], bool], what: str, process: "subprocess.Popen[bytes]") -> None:
    until = monotonic() + _READY_S
    while not is_there():
        if process.poll() is not None:
            raise ChildFailed(f"{what} ended with code {process.returncode}")
        if monotonic() > until:
            raise ChildFailed(f"{what} did not answer within {_READY_S:.0f} s")
        sleep(0.02)


@contextmanager
def _server(
    argv: list[str], env: dict[str, str], what: str, is_there: Callable[[], bool]
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(  # noqa: S603 - our own commands
        argv,
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(is_there, what, process)
        yield process
    finally:
        process.terminate()
        stop(process)


def _answers(family: int, address: Any) -> Callable[[], bool]:
    def ask() -> bool:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(address) == 0

    return ask


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _web_argv(port: int) -> list[str]:
    """Return how `manage.py up` starts the web process."""
    return [
        *(sys.executable, "-m", "uvicorn", "cryptosystems.asgi:application"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--log-level", "warning", "--no-access-log", "--lifespan", "off"),
        *("--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "2"),
    ]


def cpu_of(pid: int) -> float:
    """Return the CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(
    *,
    symbols: int = SYMBOLS,
    viewers: int = VIEWERS,
    seconds: float = SECONDS,
    seed: int = SEED,
) -> dict[str, Any]:
    """Start everything, watch for `seconds`, stop everything.

    Raises
    ------
    ChildFailed
        If a process does not come up or ends early.
    """
    with ExitStack() as stack:
        run_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cs-bench-")))
        env = _environment(run_dir)
        valkey = stack.enter_context(
            _server(
                embedded.valkey_argv(run_dir, run_dir / "valkey"),
                env,
                "valkey",
                _answers(socket.AF_UNIX, str(run_dir / "valkey.sock")),
            )
        )
        size = ("--symbols", str(symbols), "--seed", str(seed))
        exchange, port = stack.enter_context(
            child(f"{PACKAGE}.live_exchange", *size, "--seconds", str(seconds + _AFTER_S), env=env)
        )
        env["MARKET_REST_URL"] = f"http://127.0.0.1:{port}"
        engine, _ = stack.enter_context(
            child(f"{PACKAGE}.live_engine", *size, env=env, start_s=_WARM_S)
        )
        assert exchange.stdin is not None
        exchange.stdin.write(b"go\n")
        read_line(exchange, "the exchange", _WARM_S)
        web_port = free_port()
        web = stack.enter_context(
            _server(
                _web_argv(web_port),
                env,
                "the web process",
                _answers(socket.AF_INET, ("127.0.0.1", web_port)),
            )
        )
        watching, _ = stack.enter_context(
            child(
                f"{PACKAGE}.viewers",
                *("--port", str(web_port), "--viewers", str(viewers)),
                *("--symbols", str(symbols), "--seconds", str(seconds)),
                env=env,
                start_s=_WARM_S,
            )
        )
        processes = {
            "exchange": exchange,
            "engine": engine,
            "valkey": valkey,
            "web": web,
            "viewers": watching,
        }
        began, before = monotonic(), {name: cpu_of(p.pid) for name, p in processes.items()}
        found = json.loads(read_line(watching, "the viewers", seconds + _AFTER_S))
        for name in ("exchange", "engine", "valkey", "web"):
            if processes[name].poll() is not None:
                raise ChildFailed(f"{name} ended with code {processes[name].returncode}")
        lasted = monotonic() - began
        share = {
            name: round((cpu_of(p.pid) - before[name]) / lasted, 4)
            for name, p in processes.items()
            if p.poll() is None
        }
        exchange.stdin.close()
        sent = json.loads(read_line(exchange, "the exchange", _READY_S))
    return {
        "bench": "pipeline",
        **machine(),
        "symbols": symbols,
        "seconds": seconds,
        **found,
        "cores_used": share,
        "exchange": sent,
    }


def report(found: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people."""

    def line(title: str, values: dict[str, Any]) -> str:
        if not values["n"]:
            return f"  {title:32} none came"
        return (
            f"  {title:32} p50 {values['p50']:7.1f}  p99 {values['p99']:7.1f}  "
            f"max {values['max']:7.1f} ms   ({values['n']} frames)"
        )

    lines = [
        f"{found['symbols']} symbols, {found['viewers']} viewers, {found['seconds']:.0f} s",
        line("event to viewer", found["event_to_viewer_ms"]),
    ]
    for trigger, values in found["signal_to_viewer_ms"].items():
        lines.append(line(f"signal ({trigger}) to viewer", values))
    lines.append(line("exchange late by", found["exchange"]["late_ms"]))
    used = ", ".join(f"{name} {share:.0%}" for name, share in found["cores_used"].items())
    lines.append(f"  of a core: {used}")
    return lines
