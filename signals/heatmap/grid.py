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
_MERGED: Final = {Timeframe.M5: 1, Timeframe.M15: 2, Timeframe.H1: 3, Timeframe.H4: 5}
"""Bins a row of a view takes together: longer charts span wider prices."""
_KEPT_COLUMNS: Final = 240
_CLUSTER_MULTIPLE: Final = 3.0
_LEAST_BINS: Final = 4
_UNKNOWN: Final = np.iinfo(np.int64).min
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
        self._history: dict[Timeframe, list[tuple[int, IntArray, NDArray[np.float16]]]] = {}
        """Per timeframe: (open time, lowest bin (n,), ln(1 + notional) (n, bins)) of each column."""
        self._near_held: tuple[IntArray, FloatArray] | None = None

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

    def set_rules(self, row: int, rules: InstrumentRules) -> None:
        """Place what a symbol's holders open by these brackets from now on."""
        weights = all_weights([rules])
        for held, made in zip(self._kernels, self._make_kernels(weights), strict=True):
            held[row] = made[0]

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
        picked = np.nonzero(rows & ~np.isnan(close) & ~np.isnan(open_interest))[0]
        if not picked.size:
            return
        top, bottom, last = (np.log(price[picked]) / BIN for price in (high, low, close))
        interest, traded = open_interest[picked], np.nan_to_num(volume[picked])
        share = np.nan_to_num(taker_buy_share[picked], nan=0.5)
        before, held = self._log_price[picked] / BIN, self._interest[picked]
        known = ~np.isnan(held)
        for row, start, down, up in zip(
            picked[known], before[known], bottom[known], top[known], strict=True
        ):
            self._sweep(self.mass[row], start, up, down)
        change = np.where(known, interest - held, 0.0)
        opened = np.maximum(TURNOVER * traded, change)
        closed = np.maximum(0.0, opened - change)
        kept = 1.0 - np.minimum(_MOST_CLOSED, closed / np.maximum(interest, 1e-12))
        self._scale[picked] *= kept[:, None]
        # What was open before we looked: as if opened at today's price.
        opened = np.where(known, opened, opened + interest)
        entry = 0.5 * last + 0.25 * (top + bottom)
        for side in range(2):
            taker = share if side == 0 else 1.0 - share
            self._deposit(picked, side, entry, opened, taker)
        for row, at, price in zip(picked, entry, last, strict=True):
            # What the price has crossed again since they were opened is gone as well.
            self._sweep(self.mass[row], at, max(at, price), min(at, price))
        self._log_price[picked], self._interest[picked] = last * BIN, interest
        self.n_steps[picked] += 1
        self._near_held = None

    def _deposit(
        self, rows: IntArray, side: int, entry: FloatArray, opened: FloatArray, taker: FloatArray
    ) -> None:
        """Lay what was opened at `entry`, in bins, at the distances of its side's kernel."""
        amount = opened / self._scale[rows, side]
        at = np.floor(entry)
        # An entry lies somewhere within its bin: each part falls into two neighbouring bins.
        part = entry - at if side == 0 else at + 1 - entry
        first_bin = at.astype(np.int64) % N_BINS
        for row, place, a, b, c in zip(
            rows.tolist(),
            first_bin.tolist(),
            (amount * taker).tolist(),
            (amount * (1.0 - taker)).tolist(),
            part.tolist(),
            strict=True,
        ):
            kernel = self._kernels[side][row]
            whole = a * kernel[0] + b * kernel[1]
            spread = np.empty(whole.size + 1)
            spread[:-1] = c * whole
            spread[-1] = 0.0
            spread[1:] += (1.0 - c) * whole
            _add(
                self.mass[row, side],
                spread if side else spread[::-1],
                place if side else place - whole.size,
            )
        small = self._scale[rows, side] < 1e-6
        for row in rows[small]:
            self.mass[row, side] *= self._scale[row, side]
            self._scale[row, side] = 1.0

    @staticmethod
    def _sweep(mass: FloatArray, before: float, high: float, low: float) -> None:
        """Consume what a move from `before` over [low, high], all in bins, has crossed.

        Of the bin in which the move ended, the part that was crossed goes.
        """
        here, down, up = int(np.floor(before)), int(np.floor(low)), int(np.floor(high))
        if low < before:
            mass[0, np.arange(max(down + 1, here - N_BINS // 2), here + 1) % N_BINS] = 0.0
            if down < here:
                mass[0, down % N_BINS] *= low - down
        if high > before:
            mass[1, np.arange(here, min(up, here + N_BINS // 2)) % N_BINS] = 0.0
            if up > here:
                mass[1, up % N_BINS] *= up + 1 - high

    def _near(self) -> tuple[IntArray, FloatArray]:
        """Return (lowest bin (n,), quantities (n, 2, 2 x reach + 1)) around each price, blurred."""
        if self._near_held is None:
            rows = np.nonzero(self.n_steps > 0)[0]
            lowest = np.zeros(self.n, dtype=np.int64)
            lowest[rows] = np.floor(self._log_price[rows] / BIN).astype(np.int64) - _REACH
            width, half = 2 * _REACH + 1, _BLUR.size // 2
            found = np.zeros((self.n, 2, width + 2 * half))
            for row in rows.tolist():
                first = (int(lowest[row]) - half) % N_BINS
                room = min(found.shape[2], N_BINS - first)
                found[row, :, :room] = self.mass[row, :, first : first + room]
                found[row, :, room:] = self.mass[row, :, : found.shape[2] - room]
            blurred = correlate1d(found, _BLUR, axis=2, mode="constant")[..., half:-half]
            blurred = blurred * self._scale[..., None]
            self._near_held = (lowest, blurred)
        return self._near_held

    def around(self, row: int) -> tuple[IntArray, FloatArray]:
        """Return (bins, quantities (2, bins)) within ±30 % of the price, blurred, base quantity."""
        lowest, mass = self._near()
        return lowest[row] + np.arange(mass.shape[2]), mass[row]

    def is_known(self, row: int) -> bool:
        return bool(self.n_steps[row] > 0)

    def features(self, close: FloatArray, atr: FloatArray) -> HeatFeatures:
        """Return what the map says near the price, arrays (n,); NaN where there is no map."""
        out = HeatFeatures.unknown(self.n)
        rows = np.nonzero((self.n_steps > 0) & (atr > 0) & (close > 0))[0]
        if not rows.size:
            return out
        lowest, mass = self._near()
        near_mass = mass[rows]
        bins = lowest[rows, None] + np.arange(mass.shape[2])
        price, here, range_ = np.exp((bins + 0.5) * BIN), close[rows, None], atr[rows, None]
        away = np.abs(price - here) / (2 * range_)
        weight = np.exp(-away) * (away < 3) / np.maximum(self._interest[rows, None], 1e-12)
        pull = np.log1p(1e4 * (near_mass * weight[:, None]).sum(axis=2))
        out.pull_down[rows], out.pull_up[rows] = pull.T
        heap, peaks = _peaks(near_mass, price, here)
        distance = np.where(peaks, np.abs(price / here - 1.0)[:, None], np.inf)
        flat = distance.reshape(rows.size, -1)
        nearest = flat.argmin(axis=1)
        found = np.isfinite(flat[np.arange(rows.size), nearest])
        at, side, place = rows[found], *np.divmod(nearest[found], price.shape[1])
        out.nearest_price[at] = price[found, place]
        out.nearest_side[at] = side
        out.nearest_distance[at] = (price[found, place] - close[at]) / atr[at]
        reach = place[:, None] + np.arange(-2, 3)
        inside = (reach >= 0) & (reach < price.shape[1])
        around = heap[np.nonzero(found)[0][:, None], side[:, None], np.where(inside, reach, 0)]
        out.nearest_notional[at] = (around * inside).sum(axis=1)
        return out

    def clusters(self, row: int) -> list[Cluster]:
        """Return the heaps within ±30 %, largest first."""
        if not self.is_known(row):
            return []
        bins, mass = self.around(row)
        price = np.exp((bins + 0.5) * BIN)
        close = float(np.exp(self._log_price[row]))
        heap, peaks = _peaks(mass[None], price[None], np.array([[close]]))
        found = []
        for side, place in np.argwhere(peaks[0]).tolist():
            total = float(heap[0, side, max(0, place - 2) : place + 3].sum())
            at = float(price[place])
            found.append(Cluster(at, total, side, at / close - 1.0))
        return sorted(found, key=lambda cluster: -cluster.notional)

    def remember(self, timeframe: Timeframe, open_ms: int) -> None:
        """Keep this moment as a column of the view of a timeframe."""
        lowest, mass = self._near()
        reach = _column_reach(timeframe)
        first = lowest + _REACH - reach
        part = mass[:, :, _REACH - reach : _REACH + reach + 1].sum(axis=1)
        notional = part * np.exp((first[:, None] + np.arange(part.shape[1]) + 0.5) * BIN)
        # Half precision of the logarithm: cells are colours, and there are very many of them.
        cells = np.log1p(notional).astype(np.float16)
        kept = self._history.setdefault(timeframe, [])
        column = (open_ms, np.where(self.n_steps > 0, first, _UNKNOWN), cells)
        if kept and kept[-1][0] == open_ms:
            kept[-1] = column
        else:
            kept.append(column)
        del kept[:-_KEPT_COLUMNS]

    def view(
        self,
        row: int,
        timeframe: Timeframe,
        columns: int = 200,
        *,
        until: tuple[int, float] | None = None,
    ) -> HeatmapView | None:
        """Return the price × time cells of one symbol; None before anything is known.

        Parameters
        ----------
        until : a past moment in milliseconds and the price then: columns that were not whole by
            then are left out, and what rested is read from the last one that was
        """
        kept = [c for c in self._history.get(timeframe, ()) if c[1][row] != _UNKNOWN]
        if until is not None:
            kept = [c for c in kept if c[0] + timeframe.duration_ms <= until[0]]
        kept = kept[-columns:]
        if not kept or not self.is_known(row):
            return None
        log_price = self._log_price[row] if until is None else np.log(until[1])
        here = int(np.floor(log_price / BIN))
        merged = _MERGED.get(timeframe, 1)
        half = _COLUMN_ROWS // 2 * merged
        bins = np.arange(here - half, here + half)
        cells = np.zeros((len(kept), bins.size), dtype=np.float32)
        for place, (_, first_bin, held) in enumerate(kept):
            offset = bins - int(first_bin[row])
            inside = (offset >= 0) & (offset < held.shape[1])
            cells[place, inside] = np.expm1(held[row, offset[inside]].astype(np.float32))
        price = np.exp((bins + 0.5) * BIN)
        if until is None:
            now_bins, mass = self.around(row)
            first = int(bins[0] - now_bins[0])
            now = mass[:, first : first + bins.size] * price
        else:
            # A level below the price can only be of longs, one above it only of shorts.
            now = np.stack([cells[-1] * (price < until[1]), cells[-1] * (price >= until[1])])
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
            "scale": self._scale.copy(),
            "log_price": self._log_price.copy(),
            "interest": self._interest.copy(),
            "n_steps": self.n_steps.copy(),
        }

    def load_state_dict(self, held: dict[str, Any]) -> None:
        """Go on from `state_dict`; the symbols must be the same, in the same order.

        Raises
        ------
        ValueError
            If it was made for another number of symbols.
        """
        mass = np.array(held["mass"], dtype=np.float64)
        if mass.shape != self.mass.shape:
            raise ValueError(f"the map has shape {mass.shape}, expected {self.mass.shape}")
        self.mass = mass
        self._scale = np.array(held["scale"])
        self._log_price = np.array(held["log_price"])
        self._interest = np.array(held["interest"])
        self.n_steps = np.array(held["n_steps"])
        self._near_held = None


def _column_reach(timeframe: Timeframe) -> int:
    """Return the bins a column keeps on either side: the price may move on by half a view."""
    return min(_REACH, _COLUMN_ROWS * _MERGED.get(timeframe, 1))


def _add(ring: FloatArray, values: FloatArray, first: int) -> None:
    """Add `values` to a ring from place `first` on, round its end; a slice is the fastest way."""
    first %= ring.size
    room = min(values.size, ring.size - first)
    ring[first : first + room] += values[:room]
    ring[: values.size - room] += values[room:]


def _peaks(mass: FloatArray, price: FloatArray, close: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return (notional (m, 2, bins), where it has a cluster's peak).

    A peak is a local maximum on the side's own half of the price, and at least three times the
    median of what lies there.

    Parameters
    ----------
    mass : (m, 2, bins); price : (m, bins); close : (m, 1)
    """
    heap = mass * price[:, None]
    beyond = np.stack([price < close, price > close], axis=1)
    held = beyond & (heap > 0)
    # Blurred over several bins, so that every third one tells as much of the median.
    count = held[..., ::3].sum(axis=2)
    ordered = np.sort(np.where(held, heap, np.inf)[..., ::3], axis=2)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=2)
    median = np.take_along_axis(ordered, middle, axis=2).mean(axis=2)
    peaks = np.zeros(heap.shape, dtype=bool)
    peaks[..., 1:-1] = (
        (heap[..., 1:-1] > heap[..., :-2])
        & (heap[..., 1:-1] >= heap[..., 2:])
        & (heap[..., 1:-1] >= _CLUSTER_MULTIPLE * median[..., None])
        & beyond[..., 1:-1]
        & (count >= _LEAST_BINS)[..., None]
    )
    return heap, peaks
