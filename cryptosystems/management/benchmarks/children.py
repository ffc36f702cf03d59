"""Processes a benchmark needs beside its own; every one ends with it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    module: str, *arguments: str, env: dict[str, str] | None = None, start_s: float = START_S
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run `python -m module`; give (process, its first line), and end it afterwards.

    Raises
    ------
    ChildFailed
        If it says nothing within `start_s`.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    try:
        yield process, read_line(process, module, start_s)
    finally:
        stop(process)


def read_line(process: "subprocess.Popen[bytes]", name: str, within_s: float) -> str:
    """Return the next line a child prints.

    Raises
    ------
    ChildFailed
        If none comes in time, or the child has ended.
    """
    assert process.stdout is not None
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        if not selector.select(within_s):
            raise ChildFailed(f"{name} said nothing within {within_s:.0f} s")
    # Unbuffered: what waits in a buffer of ours would not wake the selector.
    line = process.stdout.readline().decode().strip()
    if not line:
        raise ChildFailed(f"{name} ended with code {process.wait(_STOP_S)}")
    return line


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a child: by closing its input, then by asking, then by force."""
    if process.stdin is not None and not process.stdin.closed:
        with suppress(BrokenPipeError):
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
