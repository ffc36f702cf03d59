"""The synthetic market: history in seconds, then the same arithmetic live.

It runs in segments of 15 s. A market is a function of its seed, its effects and the time, so
that what was generated ahead, lived through, or caught up after a restart is the same tape.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trading.simulator import kernel as k
from trading.simulator.books import Sides, Snapshot
from trading.simulator.effects import Effects
from trading.simulator.feed import BEAT_MS, Columns, ForcedOrder, Happenings, path
from trading.simulator.funding import PremiumAverage, funding_rate
from trading.simulator.tape import MINUTE_MS, N_TAPE, T_CLOSE, Scale, Tape, merge
from trading.simulator.universe import Contract, make_universe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Progress = Callable[[str, int, int], None]

LEADER_SHARE: Final = 0.25
"""How much of the planted effects BTC itself has."""
SEGMENT_S: Final = 15
SEGMENT_MS: Final = SEGMENT_S * 1000
_PER_MINUTE: Final = 4
_HOUR_MS: Final = 3_600_000
_FUNDING_KEPT: Final = 4_000
_CHUNK_MINUTES: Final = 1440


class SyntheticWorld:
    """See the module. `start_ms` is the first minute of its history, aligned to the hour."""

    beat_ms = BEAT_MS
    recorded_streams: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        n: int,
        seed: int,
        effects: Effects,
        start_ms: int,
        now_ms: int,
        data_dir: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.seed = seed
        self.effects = effects
        self.contracts: list[Contract] = make_universe(n, seed)
        self.rules = [contract.rules for contract in self.contracts]
        self.scales = [Scale.of(rules) for rules in self.rules]
        self.n = n
        self._tick = np.array([scale.tick for scale in self.scales])
        self._step = np.array([scale.step for scale in self.scales])
        self._hours = np.array([float(r.funding_interval_hours) for r in self.rules])
        self._cap = np.array([contract.funding_cap for contract in self.contracts])
        self._keep = data_dir
        self.P = self._parameters()
        self.start_ms = start_ms
        # Room for all of it at once: growing by copies would hold the tape twice.
        self._room = max(1024, (now_ms - start_ms) // MINUTE_MS + 1440)
        self._restored = False
        self._pushes: dict[int, list[float]] = {}
        """Steps in log price that are still to come, by contract."""
        self._begin(start_ms)
        if data_dir is not None:
            self._restored = self._restore(data_dir)
        self._generate_until(now_ms, progress)
        self._open_segment()
        self.now_ms = self._segment_ms
        self.columns = self._columns()
        self.advance(now_ms)

    # --- set-up -----------------------------------------------------------------------------

    def _parameters(self) -> FloatArray:
        effects = self.effects
        draw = np.random.default_rng([self.seed, 2]).normal(size=self.n)
        P = np.zeros((self.n, k.N_PARAM))
        for i, contract in enumerate(self.contracts):
            own = 1.0 + effects.spread_between_assets * float(draw[i])
            if effects.spread_between_assets and i in (5, 11):
                own = -own
            P[i, k.P_SIGMA] = contract.sigma_1m
            P[i, k.P_BETA] = contract.beta
            P[i, k.P_MMR] = contract.rules.brackets[0].maintenance_rate
            P[i, k.P_MAXLEV] = contract.rules.max_leverage
            P[i, k.P_OI0] = contract.open_interest / contract.price
            P[i, k.P_VOLUME] = contract.volume_day / contract.price
            # Were the leader driven as hard as the others, the market would be a single bet.
            P[i, k.P_OWN] = own * (LEADER_SHARE if i == 0 else 1.0)
            P[i, k.P_SLOW] = effects.slow_pressure
            P[i, k.P_FAST] = effects.fast_pressure
            P[i, k.P_BOOK] = effects.book
            P[i, k.P_FUND] = effects.funding
            P[i, k.P_INTEREST] = effects.interest
            P[i, k.P_LAG] = effects.btc_lag
            P[i, k.P_IMPACT] = effects.impact
            P[i, k.P_PREM_SD] = 1.2e-4 if i == 0 else 2.2e-4
        return P

    def _begin(self, start_ms: int) -> None:
        self.S = np.zeros((self.n, k.N_STATE))
        self.S[:, k.LOGP] = np.log([contract.price for contract in self.contracts])
        self.S[:, k.OI] = self.P[:, k.P_OI0]
        self.S[:, k.OI_SLOW] = self.P[:, k.P_OI0]
        self.S[:, k.SCALE_LONG] = 1.0
        self.S[:, k.SCALE_SHORT] = 1.0
        self.S[:, k.FREE_LONG] = self.P[:, k.P_OI0]
        self.S[:, k.FREE_SHORT] = self.P[:, k.P_OI0]
        self.S[:, k.PREMIUM] = -4.2e-4
        self.mass = np.zeros((self.n, 2, k.N_BINS), dtype=np.float64)
        self._shared_state = np.zeros(2)
        self._n_segments = 0
        """Segments run so far; the next one starts at start_ms + n_segments x 15 s."""
        self._last_close = np.exp(self.S[:, k.LOGP])
        self._premiums = PremiumAverage(self.n)
        self._rate = np.zeros(self.n)
        self._funding: list[tuple[int, FloatArray, FloatArray]] = []
        self.tape = Tape(self.scales, start_ms, self._room)
        self._interest = np.zeros((self.n, self._room), dtype=np.float32)
        self._minute_outs = np.empty((self.n, 0, k.N_OUT))
        self._partial: list[IntArray] = []
        """Finished segments of the running minute, each (n, 8)."""

    @property
    def _segment_ms(self) -> int:
        return self.start_ms + self._n_segments * SEGMENT_MS

    # --- history ----------------------------------------------------------------------------

    def _generate_until(self, now_ms: int, progress: Progress | None) -> None:
        """Run whole minutes up to the minute that holds `now_ms`."""
        goal = (now_ms - self.start_ms) // MINUTE_MS
        first = self.tape.n_minutes
        total = goal - first
        with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
            while self.tape.n_minutes < goal:
                self._generate(min(_CHUNK_MINUTES, goal - self.tape.n_minutes), pool)
                if progress:
                    progress("Making market history", self.tape.n_minutes - first, total)

    def _generate(self, minutes: int, pool: ThreadPoolExecutor) -> None:
        steps = minutes * _PER_MINUTE
        shared = np.empty((steps, 2))
        k.market_activity(self.seed, self._n_segments, steps, 0.25, self._shared_state, shared)
        outs = np.empty((self.n, steps, k.N_OUT))
        args = (self.seed, self._n_segments, steps, float(SEGMENT_S), self._segment_ms / 1000.0)
        nothing = np.zeros(steps)

        def run(i: int, btc: FloatArray) -> None:
            seed, first, count, seconds, start_s = args
            k.run_symbol(
                seed,
                i,
                first,
                count,
                seconds,
                start_s,
                self.P[i],
                self.S[i],
                self.mass[i],
                shared,
                btc,
                outs[i],
            )

        run(0, nothing)
        btc = np.ascontiguousarray(outs[0, :, k.O_RET])
        list(pool.map(lambda i: run(i, btc), range(1, self.n)))
        for m in range(minutes):
            part = outs[:, m * _PER_MINUTE : (m + 1) * _PER_MINUTE]
            self._account(part, self._segment_ms + m * MINUTE_MS)
        self._n_segments += steps
        self.tape.append(self._minutes(outs, minutes))

    def _minutes(self, outs: FloatArray, minutes: int) -> IntArray:
        """Return tape rows (n, minutes, 8) of the segments in `outs`."""
        segments = self._segments(outs)
        parts = segments.reshape(self.n, minutes, _PER_MINUTE, N_TAPE)
        out = parts.sum(axis=2)
        out[:, :, 0] = parts[:, :, 0, 0]
        out[:, :, 1] = parts[:, :, :, 1].max(axis=2)
        out[:, :, 2] = parts[:, :, :, 2].min(axis=2)
        out[:, :, 3] = parts[:, :, -1, 3]
        return np.asarray(out)

    def _segments(self, outs: FloatArray) -> IntArray:
        """Return segments in ticks and steps, (n, steps, 8); opens continue from the last close."""
        tick, step = self._tick[:, None], self._step[:, None]
        rows = np.empty((self.n, outs.shape[1], N_TAPE), dtype=np.int64)
        close = np.maximum(1, np.rint(np.exp(outs[:, :, k.O_PRICE]) / tick)).astype(np.int64)
        before = np.maximum(1, np.rint(self._last_close / self._tick)).astype(np.int64)
        open_ = np.concatenate([before[:, None], close[:, :-1]], axis=1)
        high = np.rint(np.exp(outs[:, :, k.O_HIGH]) / tick).astype(np.int64)
        low = np.maximum(1, np.rint(np.exp(outs[:, :, k.O_LOW]) / tick)).astype(np.int64)
        ends_high, ends_low = np.maximum(open_, close), np.minimum(open_, close)
        rows[:, :, 0], rows[:, :, 3] = open_, close
        rows[:, :, 1] = np.maximum(high, ends_high)
        rows[:, :, 2] = np.minimum(low, ends_low)
        rows[:, :, 4] = np.maximum(1, np.rint(outs[:, :, k.O_QTY] / step))
        rows[:, :, 5] = np.minimum(rows[:, :, 4], np.rint(outs[:, :, k.O_BUY] / step))
        rows[:, :, 6] = np.maximum(1, outs[:, :, k.O_TRADES])
        middle = (rows[:, :, 1] + rows[:, :, 2] + rows[:, :, 3]) / 3 * tick
        rows[:, :, 7] = np.rint(rows[:, :, 4] * step * middle * 100)
        self._last_close = close[:, -1] * self._tick
        return rows

    def _account(self, segments: FloatArray, minute_ms: int) -> list[int]:
        """Keep open interest and premium samples of one minute, (n, 4, N_OUT); settle funding."""
        place = (minute_ms - self.start_ms) // MINUTE_MS
        if place >= self._interest.shape[1]:
            grown = np.zeros((self.n, self._interest.shape[1] * 2), dtype=np.float32)
            grown[:, : self._interest.shape[1]] = self._interest
            self._interest = grown
        self._interest[:, place] = segments[:, -1, k.O_OI]
        for s in range(segments.shape[1]):
            self._premiums.add(segments[:, s, k.O_PREMIUM])
        self._rate = funding_rate(self._premiums.value, self._hours, self._cap)
        end_ms = minute_ms + MINUTE_MS
        due = (end_ms % (self._hours * _HOUR_MS)) == 0
        if not due.any():
            return []
        rate = np.where(due, np.round(self._rate, 8), np.nan)
        self._funding.append((end_ms, rate, np.exp(segments[:, -1, k.O_PRICE])))
        del self._funding[:-_FUNDING_KEPT]
        self._premiums.restart(due)
        return [end_ms]

    # --- live -------------------------------------------------------------------------------

    def push(self, place: int, ratio: float, seconds: float) -> None:
        """Steer one price to `ratio` times itself, beginning within the segment of now.

        The market is no longer a function of its seed alone from here on; its tape still is what
        was lived through.
        """
        segments = max(1, round(seconds / SEGMENT_S))
        self._pushes[place] = [float(np.log(ratio)) / segments] * segments
        step = self._next_push(place)
        before = self._segment[place].copy()
        close = max(1, round(float(before[T_CLOSE]) * float(np.exp(step))))
        self._segment[place, 3] = close
        self._segment[place, 1] = max(before[1], close)
        self._segment[place, 2] = min(before[2], close)
        self._last_close[place] = close * self._tick[place]
        self.columns = self._columns()

    def _next_push(self, place: int) -> float:
        """Move a price's state by one step of what it is pushed; return the step, in logs."""
        step = self._pushes[place].pop()
        if not self._pushes[place]:
            del self._pushes[place]
        self.S[place, k.LOGP] += step
        return step

    def _open_segment(self) -> None:
        """Work the next 15 s out; they are shown as the clock passes through them."""
        for place in list(self._pushes):
            self._next_push(place)
        shared = np.empty((1, 2))
        k.market_activity(self.seed, self._n_segments, 1, 0.25, self._shared_state, shared)
        self._outs = np.empty((self.n, 1, k.N_OUT))
        k.run_all(
            self.seed,
            self._n_segments,
            float(SEGMENT_S),
            self._segment_ms / 1000.0,
            self.P,
            self.S,
            self.mass,
            shared,
            self._outs,
        )
        self._segment = self._segments(self._outs)[:, 0]
        self._minute_outs = (
            np.concatenate([self._minute_outs, self._outs], axis=1) if self._partial else self._outs
        )
        self._forced = self._forced_orders()

    def _forced_orders(self) -> list[ForcedOrder]:
        """Spread the segment's liquidations over its seconds, at most one order a second."""
        orders = []
        start = self._segment_ms
        for i in np.nonzero(self._outs[:, 0, (k.O_LIQ_LONG, k.O_LIQ_SHORT)].any(axis=1))[0]:
            for side in range(2):
                quantity = float(self._outs[i, 0, k.O_LIQ_LONG + side])
                if quantity <= 0:
                    continue
                price = float(np.exp(self._outs[i, 0, k.O_LIQ_PRICE]))
                pieces = min(12, max(1, int(quantity / (4e-5 * self.P[i, k.P_OI0]))))
                for piece in range(pieces):
                    at_ms = start + 1000 * ((7 * side + piece + 2) % SEGMENT_S) + 137
                    shown = max(self._step[i], quantity / pieces)
                    orders.append(ForcedOrder(int(i), side, price, shown, at_ms))
        return sorted(orders, key=lambda order: order.at_ms)

    def advance(self, to_ms: int) -> Happenings:
        happened = Happenings()
        while self._segment_ms + SEGMENT_MS <= to_ms:
            happened.forced += self._forced
            self._forced = []
            self._finish_segment(happened)
        due = [order for order in self._forced if order.at_ms <= to_ms]
        happened.forced += due
        self._forced = self._forced[len(due) :]
        self.now_ms = max(self.now_ms, to_ms)
        self.columns = self._columns()
        return happened

    def _finish_segment(self, happened: Happenings) -> None:
        self._partial.append(self._segment)
        self._n_segments += 1
        if len(self._partial) == _PER_MINUTE:
            minute_ms = self.tape.next_ms
            rows = np.stack(self._partial, axis=1)
            minute = np.stack([merge(rows[i]) for i in range(self.n)])
            self._partial = []
            happened.settled += self._account(self._minute_outs, minute_ms)
            self.tape.append(minute[:, None])
            happened.closed.append(minute_ms)
            self.checkpoint()
        self._open_segment()

    def _columns(self) -> Columns:
        share = min(1.0, max(0.0, (self.now_ms - self._segment_ms) / SEGMENT_MS))
        segment = self._segment.astype(np.float64)
        opened, highest, lowest, closed = segment[:, :4].T
        price, top, bottom = (
            np.rint(v).astype(np.int64) for v in path(opened, highest, lowest, closed, share)
        )
        running = np.empty((self.n, N_TAPE), dtype=np.int64)
        running[:, 0], running[:, 1], running[:, 2], running[:, 3] = (
            self._segment[:, 0],
            top,
            bottom,
            price,
        )
        running[:, 4:] = self._segment[:, 4:] * share
        if self._partial:
            parts = np.stack([*self._partial, running], axis=1)
            forming = np.stack([merge(parts[i]) for i in range(self.n)])
        else:
            forming = running
        last = price * self._tick
        premium = self._outs[:, 0, k.O_PREMIUM]
        index = last / (1.0 + premium)
        act = self._outs[:, 0, k.O_ACT]
        hours_ms = (self._hours * _HOUR_MS).astype(np.int64)
        return Columns(
            price=last,
            mark=index * (1.0 + premium * 0.98),
            index=index,
            funding_rate=np.round(self._rate, 8),
            next_funding_ms=(self.now_ms // hours_ms + 1) * hours_ms,
            open_interest=self._outs[:, 0, k.O_OI].copy(),
            spread=np.maximum(0.5 * self._tick / last, 0.4e-4 * np.sqrt(act)),
            depth=0.015 * self._outs[:, 0, k.O_OI] * act**-0.6,
            imbalance=self._outs[:, 0, k.O_OBI].copy(),
            forming=forming,
        )

    # --- what is asked ------------------------------------------------------------------------

    def funding_history(self, symbol: int) -> list[tuple[int, float, float]]:
        return [
            (at_ms, float(rate[symbol]), float(mark[symbol]))
            for at_ms, rate, mark in self._funding
            if rate[symbol] == rate[symbol]
        ]

    def interest_history(
        self, symbol: int, from_ms: int, to_ms: int, step_ms: int
    ) -> list[tuple[int, float, float]]:
        first = -(-max(from_ms, self.start_ms + MINUTE_MS) // step_ms) * step_ms
        out = []
        rows = self.tape.rows(symbol)
        for at_ms in range(first, min(to_ms, self.tape.next_ms) + 1, step_ms):
            place = (at_ms - self.start_ms) // MINUTE_MS - 1
            quantity = float(self._interest[symbol, place])
            out.append(
                (at_ms, quantity, quantity * float(rows[place, T_CLOSE]) * self._tick[symbol])
            )
        return out

    def truth(self, symbol: int) -> dict[str, list[float]]:
        """Return the true liquidation mass by price: what a heatmap estimates."""
        here = int(np.floor((self.S[symbol, k.LOGP] + self.S[symbol, k.TRANSIENT]) / k.BIN))
        bins = np.arange(here - 2000, here + 2001)
        price = np.exp((bins + 0.5) * k.BIN)
        masses = [
            self.mass[symbol, side, bins % k.N_BINS] * self.S[symbol, k.SCALE_LONG + side]
            for side in range(2)
        ]
        return {"price": price.tolist(), "long": masses[0].tolist(), "short": masses[1].tolist()}

    def open_sides(self) -> FloatArray:
        """Return what is held long and short by all symbols, (2, n): both equal open interest."""
        sides = []
        for side in range(2):
            held = self.mass[:, side].sum(axis=1) * self.S[:, k.SCALE_LONG + side]
            sides.append(held + self.S[:, k.FREE_LONG + side])
        return np.stack(sides)

    def info(self) -> dict[str, Any]:
        return {
            "world": "synthetic",
            "seed": self.seed,
            "effects": {f: getattr(self.effects, f) for f in Effects.__dataclass_fields__},
            "start_ms": self.start_ms,
            "restored": self._restored,
        }

    # --- keeping ------------------------------------------------------------------------------

    def _identity(self) -> str:
        dials = [getattr(self.effects, f) for f in Effects.__dataclass_fields__]
        return repr([2, self.n, self.seed, dials])

    def recorded_book(self, symbol: int) -> Snapshot | None:
        return None

    def levels(self, symbol: int, most: int) -> Sides | None:
        return None

    def checkpoint(self) -> None:
        """Write the state at this minute's end; the tape grows by its new minutes."""
        if self._keep is None:
            return
        from trading.simulator.keeping import keep

        keep(self, self._keep)

    def _restore(self, data_dir: Path) -> bool:
        from trading.simulator.keeping import restore

        return restore(self, data_dir)
