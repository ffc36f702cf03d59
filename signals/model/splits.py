"""Walk-forward splits, purged by label end.

Source: López de Prado 2018, ch. 7.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

EMBARGO_CANDLES: Final = 48


@dataclass(frozen=True, slots=True)
class Window:
    """One step of a walk-forward: learn before `test_from_ms`, judge in [test_from_ms, test_to_ms)."""

    learn_from_ms: int
    test_from_ms: int
    test_to_ms: int


def walk_forward(
    from_ms: int, to_ms: int, n_blocks: int, first_share: float, *, align_ms: int = 1
) -> Iterator[Window]:
    """Return expanding windows: the first learns from `first_share` of the span.

    Parameters
    ----------
    align_ms : windows meet at multiples of this, so that no candle lies across two of them
    """
    start = from_ms + int((to_ms - from_ms) * first_share)
    edges = np.linspace(start, to_ms, n_blocks + 1).astype(np.int64)
    edges[:-1] -= edges[:-1] % align_ms
    for begin, end in pairwise(edges.tolist()):
        if begin < end:
            yield Window(from_ms, int(begin), int(end))


def purged(at_ms: IntArray, end_ms: IntArray, before_ms: int) -> BoolArray:
    """Say which labels may be learned from when judging starts at `before_ms`.

    A label counts only if it was decided before then: knowing it later is knowing the future.
    """
    return (at_ms < before_ms) & (end_ms < before_ms) & (end_ms > 0)


def quarters(from_ms: int, to_ms: int) -> Iterator[Window]:
    """Return expanding windows that judge one calendar quarter each, the first from `from_ms` on."""
    day = np.datetime64(from_ms, "ms").astype("datetime64[M]")
    quarter = day - (day.astype(int) % 3)
    begin = from_ms
    while begin < to_ms:
        quarter = quarter + 3
        end = min(to_ms, int(quarter.astype("datetime64[ms]").astype(np.int64)))
        yield Window(0, begin, end)
        begin = end
