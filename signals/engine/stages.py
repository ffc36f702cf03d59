"""Timing of the six pipeline stages, as the status page shows them.

Each stage keeps its last durations in a ring; p50 and p99 are taken when somebody looks.
"receive" is exchange time to our clock and so includes the network and the clocks' offset.
"""

from time import perf_counter_ns
from typing import Final

import numpy as np

STAGES: Final = (
    ("receive", "Exchange to engine"),
    ("decode", "Decode and check"),
    ("state", "Market state"),
    ("factors", "Factors"),
    ("score", "Score and gates"),
    ("deliver", "Row to browser hub"),
)
_RING: Final = 512


class StageTimes:
    """Rings of durations in milliseconds, one per stage."""

    def __init__(self) -> None:
        self._rings = {name: np.full(_RING, np.nan) for name, _ in STAGES}
        self._counts = dict.fromkeys(self._rings, 0)
        self._at_ms = dict.fromkeys(self._rings, 0)

    def add(self, stage: str, duration_ms: float, at_ms: int) -> None:
        """Record one duration of `stage`, measured at `at_ms`."""
        count = self._counts[stage]
        self._rings[stage][count % _RING] = duration_ms
        self._counts[stage] = count + 1
        self._at_ms[stage] = at_ms

    def add_since(self, stage: str, started_ns: int, at_ms: int) -> None:
        """Record the time since `started_ns` (of `perf_counter_ns`) as one duration."""
        self.add(stage, (perf_counter_ns() - started_ns) / 1e6, at_ms)

    def report(self) -> list[dict[str, object]]:
        """Return one row a stage: name, title, p50_ms, p99_ms (null before the first), count, at_ms."""
        rows: list[dict[str, object]] = []
        for name, title in STAGES:
            known = self._rings[name][: min(self._counts[name], _RING)]
            p50, p99 = np.percentile(known, (50, 99)) if known.size else (None, None)
            rows.append(
                {
                    "name": name,
                    "title": title,
                    "p50_ms": None if p50 is None else round(float(p50), 3),
                    "p99_ms": None if p99 is None else round(float(p99), 3),
                    "count": self._counts[name],
                    "at_ms": self._at_ms[name],
                }
            )
        return rows
