"""How long `manage.py up` takes until a page is served and until signals are scored.

Cold is an empty storage directory (history is made, a model is trained); warm is the same
directory again. Takes minutes, so it is run only when asked for.
"""

import os
import secrets
import signal as os_signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any, Final

from cryptosystems.management.benchmarks.children import ROOT, ChildFailed, read_line
from cryptosystems.management.benchmarks.measure import machine
from cryptosystems.management.benchmarks.pipeline import free_port

SYMBOLS: Final = 40
_READY_WITHIN_S: Final = 1_800.0
_STOP_WITHIN_S: Final = 30.0
_SERVED: Final = "The page is served"
_READY: Final = "CryptoSystems is ready"


def _start_once(storage: Path, symbols: int) -> dict[str, float]:
    """Start the product, wait until it is ready, stop it; return seconds to each stage."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {
        "STORAGE_DIR": str(storage),
        "SECRET_KEY": secrets.token_urlsafe(64),
        "PYTHONUNBUFFERED": "1",
    }
    argv = [sys.executable, "manage.py", "up", "--port", str(free_port())]
    argv += ["--symbols", str(symbols)]
    began = monotonic()
    process = subprocess.Popen(  # noqa: S603 - our own command
        argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, bufsize=0
    )
    took: dict[str, float] = {}
    try:
        while "ready_s" not in took:
            left_s = _READY_WITHIN_S - (monotonic() - began)
            line = read_line(process, "manage.py up", max(1.0, left_s))
            for text, name in ((_SERVED, "served_s"), (_READY, "ready_s")):
                if line.startswith(text):
                    took[name] = round(monotonic() - began, 2)
        stopping = monotonic()
        process.send_signal(os_signal.SIGINT)
        process.wait(_STOP_WITHIN_S)
        took["stopped_s"] = round(monotonic() - stopping, 2)
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"manage.py up did not stop within {_STOP_WITHIN_S:.0f} s") from error
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return took


def run(*, symbols: int = SYMBOLS) -> dict[str, Any]:
    """Start twice from one temporary storage directory: cold, then warm.

    Raises
    ------
    ChildFailed
        If the product does not become ready, or does not stop.
    """
    with tempfile.TemporaryDirectory(prefix="cs-bench-") as directory:
        storage = Path(directory) / "storage"
        return {
            "bench": "startup",
            **machine(),
            "symbols": symbols,
            "cold": _start_once(storage, symbols),
            "warm": _start_once(storage, symbols),
        }


def report(found: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people."""
    lines = [f"{found['symbols']} symbols, simulated market"]
    for name in ("cold", "warm"):
        took = found[name]
        lines.append(
            f"  {name}: page served after {took['served_s']:.1f} s, ready after "
            f"{took['ready_s']:.1f} s, stopped in {took['stopped_s']:.1f} s"
        )
    return lines
