"""CPU time and the figures made of it."""

import os
import platform
from collections.abc import Callable, Sequence
from statistics import median
from time import process_time
from typing import Any


def cpu_s(work: Callable[[], Any]) -> float:
    """Return the CPU seconds (user and system, all threads) that `work` took."""
    began = process_time()
    work()
    return process_time() - began


def median_ms(work: Callable[[], Any], rounds: int) -> float:
    """Return the median CPU milliseconds of `rounds` runs."""
    return median(cpu_s(work) for _ in range(max(1, rounds))) * 1000


def percentiles(values: Sequence[float]) -> dict[str, float | int | None]:
    """Return n, p50, p99 and the largest of some durations."""
    if not values:
        return {"n": 0, "p50": None, "p99": None, "max": None}
    ranked = sorted(values)

    def at(share: float) -> float:
        return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3)

    return {"n": len(ranked), "p50": at(0.5), "p99": at(0.99), "max": round(ranked[-1], 3)}


def machine() -> dict[str, Any]:
    """Return what the figures were taken on; ratios travel, microseconds do not."""
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }
