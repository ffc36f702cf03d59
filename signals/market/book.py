"""Book columns: best prices at once, bands and averages once a second.

A partial book says nothing beyond its last level: a band that the levels do not reach is
NaN, never a guess.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signals.market.events import Levels

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BANDS: Final = (0.001, 0.005, 0.01, 0.02)
"""Distance from the mid price, as fractions."""


def decay(seconds: float, half_life_s: float) -> float:
    """Return the weight of the newest value in an average of this half-life."""
    return float(1.0 - 2.0 ** (-seconds / half_life_s))


def _average(held: FloatArray, new: FloatArray, weight: float) -> None:
    """Move `held` towards `new` in place; start where nothing is held, keep where new is NaN."""
    known = ~np.isnan(new)
    start = known & np.isnan(held)
    np.copyto(held, new, where=start)
    np.copyto(held, held + weight * (new - held), where=known & ~start)


class BookColumns:
    """Arrays of shape (n,), or (bands, n), of every symbol's book."""

    def __init__(self, n: int) -> None:
        self.bid: FloatArray = np.full(n, np.nan)
        self.ask: FloatArray = np.full(n, np.nan)
        self.bid_qty: FloatArray = np.full(n, np.nan)
        self.ask_qty: FloatArray = np.full(n, np.nan)
        self.received_ms: IntArray = np.zeros(n, dtype=np.int64)
        self.levels: list[tuple[Levels, Levels] | None] = [None] * n
        self.levels_received_ms: IntArray = np.zeros(n, dtype=np.int64)
        """Best prices have a stream of their own: they may be fresh while the levels are not."""
        self._dirty: set[int] = set()
        # Plain lists: one number of an array costs four times as much to read or write.
        self._flow = [0.0] * n
        self._tops: list[tuple[float, float, float, float] | None] = [None] * n
        self.imbalance: FloatArray = np.full((len(BANDS), n), np.nan)
        self.imbalance_fast: FloatArray = np.full((len(BANDS), n), np.nan)
        self.imbalance_slow: FloatArray = np.full((len(BANDS), n), np.nan)
        self.tilt_since_ms: IntArray = np.zeros((len(BANDS), n), dtype=np.int64)
        self.depth_bid: FloatArray = np.full(n, np.nan)
        self.depth_ask: FloatArray = np.full(n, np.nan)
        self.depth_bid_hour: FloatArray = np.full(n, np.nan)
        self.depth_ask_hour: FloatArray = np.full(n, np.nan)
        self.best_depth: FloatArray = np.full(n, np.nan)
        self.flow_10s: FloatArray = np.full(n, np.nan)
        self.flow_60s: FloatArray = np.full(n, np.nan)
        self.micro: FloatArray = np.full(n, np.nan)
        self.spread_bps: FloatArray = np.full(n, np.nan)
        self._ticked_ms = 0

    def set_levels(self, row: int, bids: Levels, asks: Levels, received_ms: int) -> None:
        """Take the whole visible book of one symbol."""
        self.levels[row] = (bids, asks)
        self.levels_received_ms[row] = received_ms
        self._dirty.add(row)
        self.set_top(row, *bids[0], *asks[0], received_ms)

    def set_top(
        self,
        row: int,
        bid: float,
        bid_qty: float,
        ask: float,
        ask_qty: float,
        received_ms: int,
    ) -> None:
        """Take best prices and sizes; adds the order flow they imply.

        Source of the flow: Cont, Kukanov, Stoikov 2014, "The Price Impact of Order Book Events".
        """
        before = self._tops[row]
        self._tops[row] = (bid, bid_qty, ask, ask_qty)
        if before is not None:
            old_bid, old_bid_qty, old_ask, old_ask_qty = before
            flow = 0.0
            if bid >= old_bid:
                flow += bid_qty
            if bid <= old_bid:
                flow -= old_bid_qty
            if ask <= old_ask:
                flow -= ask_qty
            if ask >= old_ask:
                flow += old_ask_qty
            self._flow[row] += flow
        self.bid[row] = bid
        self.ask[row] = ask
        self.bid_qty[row] = bid_qty
        self.ask_qty[row] = ask_qty
        self.received_ms[row] = received_ms

    def forget(self, row: int) -> None:
        """Drop a book that proved wrong."""
        self.levels[row] = None
        self._tops[row] = None
        for column in (self.bid, self.ask, self.bid_qty, self.ask_qty):
            column[row] = np.nan
        self.received_ms[row] = 0
        self.levels_received_ms[row] = 0
        self.imbalance[:, row] = np.nan

    @property
    def mid(self) -> FloatArray:
        """Mid prices, shape (n,)."""
        return (self.bid + self.ask) / 2

    def tick(self, now_ms: int) -> None:
        """Bring bands and averages up to date; call it about once a second."""
        self._measure_changed()
        seconds = min(60.0, (now_ms - self._ticked_ms) / 1000) if self._ticked_ms else 1.0
        self._ticked_ms = now_ms
        if seconds <= 0:
            return
        _average(self.best_depth, (self.bid_qty + self.ask_qty) / 2, decay(seconds, 600))
        with np.errstate(invalid="ignore", divide="ignore"):
            flow = np.array(self._flow) / self.best_depth / seconds
            spread = self.ask - self.bid
            pull = (self.bid_qty * self.ask + self.ask_qty * self.bid) / (
                self.bid_qty + self.ask_qty
            )
            micro = (pull - self.mid) / spread
            spread_bps = spread / self.mid * 1e4
        self._flow = [0.0] * len(self._flow)
        _average(self.flow_10s, flow, decay(seconds, 10))
        _average(self.flow_60s, flow, decay(seconds, 60))
        _average(self.micro, micro, decay(seconds, 5))
        _average(self.spread_bps, spread_bps, decay(seconds, 60))
        turned = np.sign(self.imbalance) != np.sign(self.imbalance_fast)
        self.tilt_since_ms[turned | (self.tilt_since_ms == 0)] = now_ms
        _average(self.imbalance_fast, self.imbalance, decay(seconds, 30))
        _average(self.imbalance_slow, self.imbalance, decay(seconds, 600))
        _average(self.depth_bid_hour, self.depth_bid, decay(seconds, 3600))
        _average(self.depth_ask_hour, self.depth_ask, decay(seconds, 3600))

    def _measure_changed(self) -> None:
        """Measure the books that came since the last call, all of one length in one pass."""
        by_length: dict[tuple[int, int], list[int]] = {}
        for row in self._dirty:
            held = self.levels[row]
            if held is not None:
                by_length.setdefault((len(held[0]), len(held[1])), []).append(row)
        self._dirty.clear()
        for lengths, rows in by_length.items():
            sides = []
            for side, n_levels in enumerate(lengths):
                levels = chain.from_iterable(self.levels[row][side] for row in rows)  # type: ignore[index]
                flat = np.fromiter(chain.from_iterable(levels), float, len(rows) * n_levels * 2)
                sides.append(flat.reshape(len(rows), n_levels, 2))
            self._measure(rows, *sides)

    def _measure(self, rows: Sequence[int], bids: FloatArray, asks: FloatArray) -> None:
        """Bands and depth of books of one length; (rows, levels, price and quantity), best first."""
        mid = (bids[:, :1, 0] + asks[:, :1, 0]) / 2
        below, above = 1 - bids[:, :, 0] / mid, asks[:, :, 0] / mid - 1
        bid_sum, ask_sum = bids.prod(axis=2).cumsum(axis=1), asks.prod(axis=2).cumsum(axis=1)
        reach = np.minimum(below[:, -1], above[:, -1])
        for k, band in enumerate(BANDS):
            bid, ask = _within(below, bid_sum, band), _within(above, ask_sum, band)
            both = bid + ask
            known = (reach >= band) & (both > 0)
            self.imbalance[k, rows] = np.divide(
                bid - ask, both, out=np.full(both.shape, np.nan), where=known
            )
        # Depth is compared with its own average, so the reach of the book only has to be steady.
        self.depth_bid[rows], self.depth_ask[rows] = bid_sum[:, -1], ask_sum[:, -1]


def _within(distance: FloatArray, total: FloatArray, band: float) -> FloatArray:
    """Return the running total at the last level within `band`, 0 where even the best is outside."""
    n_levels = (distance <= band).sum(axis=1)
    found = np.take_along_axis(total, np.maximum(n_levels - 1, 0)[:, None], axis=1)[:, 0]
    return np.where(n_levels > 0, found, 0.0)
