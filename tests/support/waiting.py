"""Waiting on a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(
    condition: Callable[[], Found], timeout_s: float = 10.0, every_s: float = 0.02
) -> Found:
    """Return what `condition` gives as soon as that is true; fail after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain"
        time.sleep(every_s)  # between two looks at the condition; nothing rests on its length
