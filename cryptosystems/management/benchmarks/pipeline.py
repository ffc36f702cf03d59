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
from dataclasses import dataclass
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
_AFTER_S: Final = 30.0
_READY_S: Final = 30.0


def environment(run_dir: Path) -> dict[str, str]:
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
        # Every viewer of the bench comes from one address.
        "SOCKETS_PER_ADDRESS": "100000",
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
def server(
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


def answers(family: int, address: Any) -> Callable[[], bool]:
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


@dataclass(frozen=True, slots=True)
class _Parts:
    """The running processes, and what their CPU is read from."""

    exchange: "subprocess.Popen[bytes]"
    engine: "subprocess.Popen[bytes]"
    valkey: "subprocess.Popen[bytes]"
    web: "subprocess.Popen[bytes]"
    web_port: int

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds by name.

        Raises
        ------
        ChildFailed
            If one of them has ended.
        """
        out = {}
        for name in ("exchange", "engine", "valkey", "web"):
            process = getattr(self, name)
            if process.poll() is not None:
                raise ChildFailed(f"{name} ended with code {process.returncode}")
            out[name] = cpu_of(process.pid)
        return out


def _start(
    stack: ExitStack, run_dir: Path, env: dict[str, str], size: tuple[str, ...], lasting_s: float
) -> _Parts:
    """Start everything up to the web process; the exchange is sending when this returns."""
    at = run_dir / "valkey.sock"
    argv = embedded.valkey_argv(run_dir, run_dir / "valkey")
    valkey = stack.enter_context(server(argv, env, "valkey", answers(socket.AF_UNIX, str(at))))
    exchange, port = stack.enter_context(
        child(f"{PACKAGE}.live_exchange", *size, "--seconds", str(lasting_s), env=env)
    )
    env["MARKET_REST_URL"] = f"http://127.0.0.1:{port}"
    engine, _ = stack.enter_context(
        child(f"{PACKAGE}.live_engine", *size, env=env, start_s=_WARM_S)
    )
    assert exchange.stdin is not None
    exchange.stdin.write(b"go\n")
    read_line(exchange, "the exchange", _WARM_S)
    web_port = free_port()
    is_there = answers(socket.AF_INET, ("127.0.0.1", web_port))
    web = stack.enter_context(server(_web_argv(web_port), env, "the web process", is_there))
    return _Parts(exchange, engine, valkey, web, web_port)


def _last_word(process: "subprocess.Popen[bytes]", name: str) -> dict[str, Any]:
    """End a child's input and return what it reports of itself."""
    assert process.stdin is not None
    process.stdin.close()
    found: dict[str, Any] = json.loads(read_line(process, name, _READY_S))
    return found


def _watch(
    stack: ExitStack, parts: _Parts, env: dict[str, str], n_viewers: int, n: int, seconds: float
) -> dict[str, Any]:
    """Let viewers look for `seconds`; return what they saw and the CPU it took."""
    watching, _ = stack.enter_context(
        child(
            f"{PACKAGE}.viewers",
            *("--port", str(parts.web_port), "--viewers", str(n_viewers)),
            *("--symbols", str(n), "--seconds", str(seconds)),
            env=env,
            start_s=_WARM_S,
        )
    )
    began, before = monotonic(), parts.cpu() | {"viewers": cpu_of(watching.pid)}
    found: dict[str, Any] = json.loads(read_line(watching, "the viewers", seconds + _AFTER_S))
    lasted, after = monotonic() - began, parts.cpu() | {"viewers": cpu_of(watching.pid)}
    found["cores_used"] = {name: round((after[name] - before[name]) / lasted, 4) for name in before}
    return found


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
    size = ("--symbols", str(symbols), "--seed", str(seed))
    with ExitStack() as stack:
        run_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cs-bench-")))
        env = environment(run_dir)
        parts = _start(stack, run_dir, env, size, seconds + _AFTER_S)
        found = _watch(stack, parts, env, viewers, symbols, seconds)
        ahead_ms = _last_word(parts.engine, "the engine")["clock_ahead_ms"] or 0.0
        sent = _last_word(parts.exchange, "the exchange")
    # A signal carries the engine's clock; latencies are by this machine's.
    found["signal_to_viewer_ms"] = {
        trigger: {k: v if k == "n" else round(v + ahead_ms, 3) for k, v in values.items()}
        for trigger, values in found["signal_to_viewer_ms"].items()
    }
    return {
        "bench": "pipeline",
        **machine(),
        "symbols": symbols,
        "seconds": seconds,
        **found,
        "engine_clock_ahead_ms": ahead_ms,
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
