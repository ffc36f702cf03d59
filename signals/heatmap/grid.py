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
_KEPT_COLUMNS: Final = 600
_CLUSTER_MULTIPLE: Final = 3.0
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
        self._history: dict[Timeframe, list[tuple[int, FloatArray, NDArray[np.float32]]]] = {}

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
            steps = np.arange(1, added.size + 1)
            places = (at - steps if side == 0 else at + steps) % N_BINS
            np.add.at(mass[side], places, added)
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
            mass[0, np.arange(max(down, here - N_BINS // 2), here) % N_BINS] = 0.0
        if up > here:
            mass[1, np.arange(here + 1, min(up, here + N_BINS // 2) + 1) % N_BINS] = 0.0

    def around(self, row: int, reach: int = _REACH) -> tuple[IntArray, FloatArray]:
        """Return (bins, quantities (2, bins)) around the price, blurred, base quantity."""
        here = int(np.floor(self._log_price[row] / BIN))
        bins = np.arange(here - reach, here + reach + 1)
        found = self.mass[row][:, bins % N_BINS] * self._scale[row][:, None]
        blurred = np.stack([np.convolve(side, _BLUR, mode="same") for side in found])
        return bins, blurred

    def is_known(self, row: int) -> bool:
        return bool(self.n_steps[row] > 0)

    def features(self, close: FloatArray, atr: FloatArray) -> HeatFeatures:
        """Return what the map says near the price, arrays (n,); NaN where there is no map."""
        out = HeatFeatures.unknown(self.n)
        for row in np.nonzero((self.n_steps > 0) & (atr > 0) & (close > 0))[0]:
            bins, mass = self.around(int(row))
            price = np.exp((bins + 0.5) * BIN)
            away = np.abs(price - close[row]) / (2 * atr[row])
            near = np.exp(-away) * (away < 3)
            share = 1e4 / max(self._interest[row], 1e-12)
            out.pull_down[row] = np.log1p(float((mass[0] * near).sum()) * share)
            out.pull_up[row] = np.log1p(float((mass[1] * near).sum()) * share)
            clusters = self._clusters(bins, mass, float(close[row]))
            if clusters:
                nearest = min(clusters, key=lambda cluster: abs(cluster.distance))
                out.nearest_price[row] = nearest.price
                out.nearest_notional[row] = nearest.notional
                out.nearest_side[row] = nearest.side
                out.nearest_distance[row] = nearest.distance * close[row] / atr[row]
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
        out = []
        price = np.exp((bins + 0.5) * BIN)
        for side in range(2):
            heap = mass[side] * price
            beyond = price < close if side == 0 else price > close
            held = heap[beyond & (heap > 0)]
            if held.size < 10:
                continue
            floor = _CLUSTER_MULTIPLE * float(np.median(held))
            peak = (
                (heap[1:-1] > heap[:-2])
                & (heap[1:-1] >= heap[2:])
                & (heap[1:-1] >= floor)
                & beyond[1:-1]
            )
            for place in np.nonzero(peak)[0] + 1:
                total = float(heap[max(0, place - 2) : place + 3].sum())
                out.append(
                    Cluster(float(price[place]), total, side, float(price[place]) / close - 1.0)
                )
        return out

    def remember(self, timeframe: Timeframe, open_ms: int) -> None:
        """Keep this moment as a column of the view of a timeframe."""
        cells = np.zeros((self.n, 2 * _REACH + 1), dtype=np.float32)
        for row in np.nonzero(self.n_steps > 0)[0]:
            bins, mass = self.around(int(row))
            cells[row] = mass.sum(axis=0) * np.exp((bins + 0.5) * BIN)
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
        half = _COLUMN_ROWS // 2
        bins = np.arange(here - half, here + half)
        cells = np.zeros((len(kept), bins.size), dtype=np.float32)
        for place, (_, log_price, held) in enumerate(kept):
            offset = bins - (int(np.floor(log_price[row] / BIN)) - _REACH)
            inside = (offset >= 0) & (offset < held.shape[1])
            cells[place, inside] = held[row, offset[inside]]
        now_bins, mass = self.around(row)
        first = half_start = int(bins[0] - now_bins[0])
        price = np.exp((bins + 0.5) * BIN)
        long_now = mass[0, first : half_start + bins.size] * price
        short_now = mass[1, first : half_start + bins.size] * price
        positive = cells[cells > 0]
        cap = float(np.percentile(positive, 99.5)) if positive.size else 1.0
        return HeatmapView(
            open_ms=np.array([open_ms for open_ms, _, _ in kept], dtype=np.int64),
            low=float(np.exp(bins[0] * BIN)),
            step=BIN,
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
