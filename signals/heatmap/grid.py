"""The liquidation heatmap: an estimate of what would be liquidated at each price.

Per symbol and side a ring of log-price bins (10 bp) holds notional at risk in base quantity.
Each step takes what the price crossed away, lets positions close with turnover, and adds what
was opened, at the distances of `levels`. Estimated throughout: nobody publishes positions.

Rows of the map are symbols; a step is one 1m candle live, or any candle over history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from cryptosystems.kernel.instruments import InstrumentRules
from cryptosystems.kernel.timeframes import Timeframe
from signals.features.inputs import HeatFeatures
from signals.heatmap.levels import EDGES, N_CLASSES, all_weights

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

BIN: Final = 0.001
N_BINS: Final = 4096
TURNOVER: Final = 0.15
"""Share of traded volume that opens positions: a stated assumption."""
AT_RISK: Final = 0.10
"""Share of what is opened that ever reaches its liquidation price; the rest is closed before."""
_MOST_CLOSED: Final = 0.2
_REACH: Final = 300
"""Bins around the price that are read for features and views: ±30 %."""
_COLUMN_ROWS: Final = 120
_MERGED: Final = {Timeframe.H1: 2, Timeframe.H4: 4}
"""Bins a row of a view takes together, 1 where not named: longer charts span wider prices."""
_KEPT_COLUMNS: Final = 600
_CLUSTER_MULTIPLE: Final = 3.0
_LEAST_HELD: Final = 10
"""Bins of a side that must hold something before a heap can stand out."""
_HEAP: Final = np.arange(-2, 3)
"""Bins around a peak that count as its heap."""
_BLUR: Final = (
    np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
    / np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2).sum()
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A local heap of estimated liquidations."""

    price: float
    notional: float
    """USDT."""
    side: int
    """0: longs would be liquidated there, 1: shorts."""
    distance: float
    """Signed fraction of the price."""


@dataclass(frozen=True, slots=True)
class HeatmapView:
    """Price × time cells for a chart; `cells` (columns, rows) notional USDT, longs and shorts together."""

    open_ms: IntArray
    low: float
    step: float
    """Price of the lowest row's lower edge, and height of a row as a fraction (log scale)."""
    cells: NDArray[np.float32]
    long_now: NDArray[np.float32]
    short_now: NDArray[np.float32]
    cap: float
    """The 99.5th percentile of the cells: the top of the colour scale."""


@dataclass(frozen=True, slots=True)
class _Near:
    """The map around the price of `rows` (m,): price (m, bins), mass (m, 2, bins), blurred."""

    rows: IntArray
    price: FloatArray
    mass: FloatArray


class Heatmap:
    """State of all symbols; pure arithmetic, time is an argument."""

    def __init__(self, rules: Sequence[InstrumentRules], capacity: int | None = None) -> None:
        self.n = max(len(rules), capacity or 0)
        weights = np.zeros((self.n, 2, 2, N_CLASSES))
        weights[: len(rules)] = all_weights(rules)
        self._kernels = self._make_kernels(weights)
        self.mass: FloatArray = np.zeros((self.n, 2, N_BINS))
        self._scale: FloatArray = np.ones((self.n, 2))
        self._log_price: FloatArray = np.full(self.n, np.nan)
        self._interest: FloatArray = np.full(self.n, np.nan)
        self.n_steps = np.zeros(self.n, dtype=np.int64)
        self._history: dict[Timeframe, list[tuple[int, FloatArray, NDArray[np.float32]]]] = {}
        self._near: _Near | None = None

    @staticmethod
    def _make_kernels(weights: FloatArray) -> list[FloatArray]:
        """Spread the classes over bins below (long) and above (short) an entry, per side.

        Each entry of the list has shape (n, 2 roles, reach): what one unit opened adds at each
        distance in bins.
        """
        reach = int(np.ceil(-np.log(1 - EDGES[-1]) / BIN)) + 1
        kernels = []
        for side in range(2):
            edges = -np.log(1 - EDGES) if side == 0 else np.log(1 + EDGES)
            bins = np.arange(reach)
            spread = np.zeros((N_CLASSES, reach))
            for place in range(N_CLASSES):
                first, last = edges[place] / BIN, edges[place + 1] / BIN
                overlap = np.minimum(bins + 1, last) - np.maximum(bins, first)
                spread[place] = np.clip(overlap, 0, None) / (last - first)
            kernels.append(AT_RISK * weights[:, side] @ spread)
        return kernels

    def update(
        self,
        rows: BoolArray,
        open_ms: int,
        high: FloatArray,
        low: FloatArray,
        close: FloatArray,
        open_interest: FloatArray,
        volume: FloatArray,
        taker_buy_share: FloatArray,
    ) -> None:
        """Take one closed candle of `rows`.

        Parameters
        ----------
        open_interest, volume : base quantity; where the former is NaN the symbol is left alone
        taker_buy_share : 0..1, NaN counts as one half
        """
        self._near = None
        for row in np.nonzero(rows & ~np.isnan(close) & ~np.isnan(open_interest))[0]:
            share = taker_buy_share[row]
            self._step(
                int(row),
                float(np.log(high[row])),
                float(np.log(low[row])),
                float(np.log(close[row])),
                float(open_interest[row]),
                float(np.nan_to_num(volume[row])),
                0.5 if share != share else float(share),
            )

    def _step(
        self,
        row: int,
        high: float,
        low: float,
        close: float,
        interest: float,
        volume: float,
        share: float,
    ) -> None:
        mass, scale = self.mass[row], self._scale[row]
        before, held = self._log_price[row], self._interest[row]
        if before == before:
            self._sweep(mass, before, high, low)
        change = interest - held if held == held else 0.0
        opened = max(TURNOVER * volume, change)
        closed = max(0.0, opened - change)
        scale *= 1.0 - min(_MOST_CLOSED, closed / max(interest, 1e-12))
        if held != held:
            # What was open before we looked: as if opened at today's price.
            opened += interest
        entry = 0.5 * close + 0.25 * (high + low)
        at = int(np.floor(entry / BIN))
        for side in range(2):
            taker = share if side == 0 else 1.0 - share
            kernel = self._kernels[side][row]
            added = opened * (taker * kernel[0] + (1.0 - taker) * kernel[1]) / scale[side]
            if side == 0:
                _add_run(mass[0], at - added.size, added[::-1])
            else:
                _add_run(mass[1], at + 1, added)
            if scale[side] < 1e-6:
                mass[side] *= scale[side]
                scale[side] = 1.0
        self._log_price[row], self._interest[row] = close, interest
        self.n_steps[row] += 1

    @staticmethod
    def _sweep(mass: FloatArray, before: float, high: float, low: float) -> None:
        """Consume what the candle's range crossed."""
        here = int(np.floor(before / BIN))
        down, up = int(np.floor(low / BIN)), int(np.floor(high / BIN))
        if down < here:
            _clear_run(mass[0], max(down, here - N_BINS // 2), here)
        if up > here:
            _clear_run(mass[1], here + 1, min(up, here + N_BINS // 2) + 1)

    def around(self, row: int, reach: int = _REACH) -> tuple[IntArray, FloatArray]:
        """Return (bins, quantities (2, bins)) around the price, blurred, base quantity."""
        here = int(np.floor(self._log_price[row] / BIN))
        bins = np.arange(here - reach, here + reach + 1)
        found = self.mass[row][:, bins % N_BINS] * self._scale[row][:, None]
        blurred = np.stack([np.convolve(side, _BLUR, mode="same") for side in found])
        return bins, blurred

    def _all_around(self) -> "_Near":
        """Return what `around` gives, of every known symbol; kept until the next step."""
        if self._near is None:
            rows = np.nonzero(self.n_steps > 0)[0]
            here = np.floor(self._log_price[rows] / BIN).astype(np.int64)
            bins = here[:, None] + np.arange(-_REACH, _REACH + 1)
            sides = np.arange(2)[None, :, None]
            found = self.mass[rows[:, None, None], sides, (bins % N_BINS)[:, None, :]]
            found *= self._scale[rows][:, :, None]
            blurred = correlate1d(found, _BLUR, axis=-1, mode="constant")
            self._near = _Near(rows, np.exp((bins + 0.5) * BIN), blurred)
        return self._near

    def is_known(self, row: int) -> bool:
        return bool(self.n_steps[row] > 0)

    def features(self, close: FloatArray, atr: FloatArray) -> HeatFeatures:
        """Return what the map says near the price, arrays (n,); NaN where there is no map."""
        out = HeatFeatures.unknown(self.n)
        near = self._all_around()
        with np.errstate(invalid="ignore"):
            kept = (atr[near.rows] > 0) & (close[near.rows] > 0)
        rows, price, mass = near.rows[kept], near.price[kept], near.mass[kept]
        if not rows.size:
            return out
        here, one = close[rows, None], atr[rows, None]
        away = np.abs(price - here) / (2 * one)
        weight = np.exp(-away) * (away < 3)
        share = 1e4 / np.maximum(self._interest[rows], 1e-12)
        pulls = np.log1p((mass * weight[:, None, :]).sum(axis=-1) * share[:, None])
        out.pull_down[rows], out.pull_up[rows] = pulls.T
        heap, peak = _peaks(mass, price, here)
        distance = price / here - 1.0
        size = np.where(peak, np.abs(distance)[:, None, :], np.inf).reshape(rows.size, -1)
        at = size.argmin(axis=1)
        found = np.isfinite(size[np.arange(rows.size), at])
        side, place = np.divmod(at[found], price.shape[1])
        which, row = np.nonzero(found)[0], rows[found]
        out.nearest_price[row] = price[which, place]
        out.nearest_side[row] = side
        out.nearest_notional[row] = _heap_sum(heap[which, side], place)
        out.nearest_distance[row] = distance[which, place] * close[row] / atr[row]
        return out

    def clusters(self, row: int) -> list[Cluster]:
        """Return the heaps within ±30 %, largest first."""
        if not self.is_known(row):
            return []
        bins, mass = self.around(row)
        found = self._clusters(bins, mass, float(np.exp(self._log_price[row])))
        return sorted(found, key=lambda cluster: -cluster.notional)

    @staticmethod
    def _clusters(bins: IntArray, mass: FloatArray, close: float) -> list[Cluster]:
        price = np.exp((bins + 0.5) * BIN)
        heap, peak = _peaks(mass[None], price[None], np.array([[close]]))
        sides, places = np.nonzero(peak[0])
        totals = _heap_sum(heap[0, sides], places)
        return [
            Cluster(float(price[place]), float(total), int(side), float(price[place]) / close - 1.0)
            for side, place, total in zip(sides, places, totals, strict=True)
        ]

    def remember(self, timeframe: Timeframe, open_ms: int) -> None:
        """Keep this moment as a column of the view of a timeframe."""
        cells = np.zeros((self.n, 2 * _REACH + 1), dtype=np.float32)
        near = self._all_around()
        cells[near.rows] = near.mass.sum(axis=1) * near.price
        kept = self._history.setdefault(timeframe, [])
        column = (open_ms, self._log_price.copy(), cells)
        if kept and kept[-1][0] == open_ms:
            kept[-1] = column
        else:
            kept.append(column)
        del kept[:-_KEPT_COLUMNS]

    def view(self, row: int, timeframe: Timeframe, columns: int = 200) -> HeatmapView | None:
        """Return the price × time cells of one symbol; None before anything is known."""
        kept = [c for c in self._history.get(timeframe, ())[-columns:] if not np.isnan(c[1][row])]
        if not kept or not self.is_known(row):
            return None
        here = int(np.floor(self._log_price[row] / BIN))
        merged = _MERGED.get(timeframe, 1)
        half = _COLUMN_ROWS // 2 * merged
        bins = np.arange(here - half, here + half)
        cells = np.zeros((len(kept), bins.size), dtype=np.float32)
        for place, (_, log_price, held) in enumerate(kept):
            offset = bins - (int(np.floor(log_price[row] / BIN)) - _REACH)
            inside = (offset >= 0) & (offset < held.shape[1])
            cells[place, inside] = held[row, offset[inside]]
        now_bins, mass = self.around(row)
        first = half_start = int(bins[0] - now_bins[0])
        price = np.exp((bins + 0.5) * BIN)
        now = mass[:, first : half_start + bins.size] * price
        long_now, short_now = now.reshape(2, _COLUMN_ROWS, merged).sum(axis=2)
        cells = cells.reshape(len(kept), _COLUMN_ROWS, merged).sum(axis=2)
        positive = cells[cells > 0]
        cap = float(np.percentile(positive, 99.5)) if positive.size else 1.0
        return HeatmapView(
            open_ms=np.array([open_ms for open_ms, _, _ in kept], dtype=np.int64),
            low=float(np.exp(bins[0] * BIN)),
            step=BIN * merged,
            cells=cells,
            long_now=long_now.astype(np.float32),
            short_now=short_now.astype(np.float32),
            cap=cap,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {
            "mass": self.mass.astype(np.float32),
            "scale": self._scale,
            "log_price": self._log_price,
            "interest": self._interest,
            "n_steps": self.n_steps,
        }

    def load_state_dict(self, held: dict[str, Any]) -> None:
        """Go on from `state_dict`; the symbols must be the same, in the same order."""
        self.mass = np.asarray(held["mass"], dtype=np.float64)
        self._scale = np.asarray(held["scale"])
        self._log_price = np.asarray(held["log_price"])
        self._interest = np.asarray(held["interest"])
        self.n_steps = np.asarray(held["n_steps"])
        self._near = None


def _add_run(ring: FloatArray, first: int, values: FloatArray) -> None:
    """Add values to consecutive bins of a ring, from bin `first` upwards."""
    start = first % N_BINS
    straight = min(values.size, N_BINS - start)
    ring[start : start + straight] += values[:straight]
    ring[: values.size - straight] += values[straight:]


def _clear_run(ring: FloatArray, first: int, end: int) -> None:
    """Empty the bins of a ring from `first` up to, not with, `end`."""
    start, count = first % N_BINS, end - first
    if count <= 0:
        return
    straight = min(count, N_BINS - start)
    ring[start : start + straight] = 0.0
    ring[: count - straight] = 0.0


def _peaks(mass: FloatArray, price: FloatArray, close: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return (notional, where a heap has its peak), both (m, 2 sides, bins).

    Parameters
    ----------
    mass : (m, 2, bins) base quantity
    price : (m, bins)
    close : (m, 1); a heap of longs lies below it, one of shorts above

    A peak is a local maximum of at least three times the median of what its side holds.
    """
    heap = mass * price[:, None, :]
    beyond = np.stack([price < close, price > close], axis=1)
    held = beyond & (heap > 0)
    count = held.sum(axis=-1, keepdims=True)
    ranked = np.sort(np.where(held, heap, np.inf), axis=-1)
    middle = [
        np.take_along_axis(ranked, np.maximum(place, 0), axis=-1)
        for place in ((count - 1) // 2, count // 2)
    ]
    floor = _CLUSTER_MULTIPLE * 0.5 * (middle[0] + middle[1])
    peak = np.zeros(heap.shape, dtype=bool)
    inner = heap[..., 1:-1]
    peak[..., 1:-1] = (
        (inner > heap[..., :-2])
        & (inner >= heap[..., 2:])
        & (inner >= floor)
        & beyond[..., 1:-1]
        & (count >= _LEAST_HELD)
    )
    return heap, peak


def _heap_sum(heap: FloatArray, place: IntArray) -> FloatArray:
    """Return the notional of the bins around each peak; `heap` (k, bins), `place` (k,)."""
    bins = place[:, None] + _HEAP
    inside = (bins >= 0) & (bins < heap.shape[1])
    taken = np.take_along_axis(heap, np.where(inside, bins, 0), axis=1)
    return np.asarray(np.where(inside, taken, 0.0).sum(axis=1))
