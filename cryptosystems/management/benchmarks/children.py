"""Processes a benchmark needs beside its own; every one ends with it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Final

START_S: Final = 60.0
_STOP_S: Final = 5.0
ROOT: Final = Path(__file__).resolve().parents[3]
PACKAGE: Final = "cryptosystems.management.benchmarks"


class ChildFailed(RuntimeError):
    """A process did not start, or ended before its time."""


@contextmanager
def child(
    module: str, *arguments: str, env: dict[str, str] | None = None
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run `python -m module`; give (process, its first line), and end it afterwards.

    Raises
    ------
    ChildFailed
        If it says nothing within a minute.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, _first_line(process, module)
    finally:
        stop(process)


def _first_line(process: "subprocess.Popen[str]", module: str) -> str:
    assert process.stdout is not None
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        if not selector.select(START_S):
            raise ChildFailed(f"{module} did not start within {START_S:.0f} s")
    line = process.stdout.readline().strip()
    if not line:
        raise ChildFailed(f"{module} ended at once, with code {process.wait(_STOP_S)}")
    return line


def stop(process: "subprocess.Popen[str]") -> None:
    """End a child: by closing its input, then by asking, then by force."""
    if process.stdin is not None:
        process.stdin.close()
    for end in (None, process.terminate, process.kill):
        if end is not None:
            end()
        try:
            process.wait(_STOP_S)
            break
        except subprocess.TimeoutExpired:
            continue
    if process.stdout is not None:
        process.stdout.close()
