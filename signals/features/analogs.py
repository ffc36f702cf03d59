"""What followed when a symbol's path last looked like this: a weighted vote of its own past.

Every fourth closed candle leaves one case: the shape of the 32 closes before it and what the next
24 brought. A query weighs all cases that have ended by likeness. The mean is drawn to nothing by
how few cases are really alike: n / (n + 50), n the effective count.

Source: Nadaraya 1964 and Watson 1964 (kernel regression); Lin, Keogh et al. 2003 (piecewise means
of a normalised path).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PATH: Final = 32
AHEAD: Final = 24
EVERY: Final = 4
CASES: Final = 512
"""Cases a symbol remembers: the last 2,048 candles."""
LEAST: Final = 8
WARM_UP: Final = 90
"""Candles after which `LEAST` cases are there, however they fall."""
REACH: Final = PATH + AHEAD + 1
"""Closes that a case is read from."""
_PIECES: Final = 8
_DIMENSIONS: Final = _PIECES + 2
_WIDTH: Final = 2.0
"""Squared width of the kernel."""
_DOUBT: Final = 50.0
_SLACK: Final = 2
"""Cases kept beyond those asked, so that the newest candle can be asked again as it was."""


def shape_of(log_close: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (shape (10, n), σ of one candle (n,)) of paths (33, n).

    Eight piecewise means of the normalised path, how far it went, and how its second half moved
    against its first.
    """
    moves = np.diff(log_close, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma = np.sqrt((moves**2).mean(axis=0))
        path = log_close[1:] - log_close[1:].mean(axis=0)
        spread = np.sqrt((path**2).mean(axis=0))
        pieces = (path / spread).reshape(_PIECES, PATH // _PIECES, -1).mean(axis=1)
        gone = (log_close[-1] - log_close[0]) / (sigma * PATH**0.5)
        early, late = (moves[:half] if half > 0 else moves[half:] for half in (16, -16))
        livelier = 0.5 * np.log((late**2).mean(axis=0) / (early**2).mean(axis=0))
    out = np.concatenate([pieces, gone[None], np.clip(livelier, -2, 2)[None]])
    out[~np.isfinite(out)] = np.nan
    return out, sigma


class Analogs:
    """The cases of `n` symbols; each symbol asks its own only."""

    def __init__(self, n: int) -> None:
        size = CASES + _SLACK
        self._shapes = np.zeros((_DIMENSIONS, size, n), dtype=np.float32)
        self._lengths = np.zeros((size, n), dtype=np.float32)
        self._outcomes = np.full((size, n), np.nan, dtype=np.float32)
        self.count = 0
        """Cases taken in so far."""

    def absorb(self, log_close: FloatArray) -> None:
        """Take in the case that ends with the last of (`REACH`, n) closes."""
        shape, sigma = shape_of(log_close[: PATH + 1])
        with np.errstate(invalid="ignore", divide="ignore"):
            outcome = (log_close[-1] - log_close[PATH]) / (sigma * AHEAD**0.5)
        known = ~np.isnan(shape).any(axis=0) & np.isfinite(outcome)
        place = self.count % self._outcomes.shape[0]
        self._shapes[:, place] = np.where(known, shape, 0.0)
        self._lengths[place] = (self._shapes[:, place] ** 2).sum(axis=0)
        self._outcomes[place] = np.where(known, outcome, np.nan)
        self.count += 1

    def ask(self, log_close: FloatArray, upto: int) -> FloatArray:
        """Return the shrunk mean outcome of paths like these (33, n), in σ, by the cases to `upto`."""
        out = np.full(log_close.shape[1], np.nan)
        held = min(upto, CASES)
        if not held:
            return out
        size = self._outcomes.shape[0]
        query, _ = shape_of(log_close)
        told = ~np.isnan(query).any(axis=0)
        asked = np.where(told, query, 0.0).astype(np.float32)
        far = self._lengths + (asked**2).sum(axis=0)
        for shape, value in zip(self._shapes, asked, strict=True):
            far -= 2 * shape * value
        known = ~np.isnan(self._outcomes)
        # Cases beyond those asked for stand in the slack: older ones and newer ones.
        asked_for = np.zeros(size, dtype=bool)
        asked_for[np.arange(upto - held, upto) % size] = True
        known &= asked_for[:, None]
        weight = np.where(known, np.exp(-np.maximum(far, 0.0) / (2 * _WIDTH)), 0.0)
        total, squares = weight.sum(axis=0), (weight**2).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            effective = total**2 / squares
            mean = (weight * np.nan_to_num(self._outcomes)).sum(axis=0) / total
        answer = mean * effective / (effective + _DOUBT)
        # Nothing alike at all is an answer too: nothing is expected.
        answer = np.where(total > 1e-12, answer, 0.0)
        enough = told & (known.sum(axis=0) >= LEAST)
        out[enough] = answer[enough]
        return out
