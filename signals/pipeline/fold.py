"""The fold: market events and time in, candles, signals and outcomes out.

Live, replay and back-test differ only in who calls it. It asks no clock, opens no file and
knows no database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import InstrumentRules
from cryptosystems.kernel.timeframes import (
    DECISION_TIMEFRAMES,
    MINUTE_MS,
    TIMEFRAMES,
    Timeframe,
)
from signals.barriers import slippage_of
from signals.builder.build import NoSignal, SignalDraft, shadow_draft
from signals.builder.setup import Level
from signals.features.engine import FeatureEngine, combine_trends
from signals.features.inputs import HeatFeatures, SideInputs, live_inputs
from signals.heatmap.grid import Heatmap
from signals.market.derivatives import NORMAL_INTERVAL_HOURS
from signals.market.events import Liquidation
from signals.market.panel import CLOSE, HIGH, LOW, QUOTE_VOLUME, TAKER_BUY_VOLUME, VOLUME
from signals.market.state import Closed, MarketState
from signals.model.model import Model, Prediction
from signals.pipeline.decision import Moment, decide, issued_in
from signals.pipeline.outputs import (
    CandlesClosed,
    Changed,
    Issued,
    Output,
    Rejected,
    SetupKey,
    ShadowSettled,
)
from signals.pipeline.urgent import UrgentWatch
from signals.settlement.rules import OpenSignal, SettlementBook

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

GATHER_MS: Final = 250
"""Real time closes of one candle time are gathered for, so that one pass scores them all."""
MOST_SHADOWS: Final = 5_000
"""Rejected setups that are followed at a time; beyond it new ones stay without an outcome."""
INTERIM_MS: Final = 1_000
VIEWED: Final = (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4)
PATIENCE_MS: Final = 600_000
"""How long an open signal waits for a missing minute to be repaired."""
_SWING: Final = 20
_NEAREST_CLUSTERS: Final = 6


@dataclass(slots=True)
class Scored:
    """The newest scores of one timeframe."""

    moment: Moment
    X: FloatArray


class Pipeline:
    """One market: state, factors, heatmap, model, open signals."""

    def __init__(
        self,
        state: MarketState,
        rules: Sequence[InstrumentRules],
        *,
        origin: str,
        speed: float = 1.0,
    ) -> None:
        self.state = state
        self.rules = list(rules)
        self.origin = origin
        self.speed = speed
        self.model: Model | None = None
        self._assets = np.full(state.n, -1, dtype=np.int64)
        leader = state.index.get("BTCUSDT", -1)
        self.engines = {tf: FeatureEngine(tf, state.n, leader) for tf in TIMEFRAMES}
        self.heatmap = Heatmap(rules, state.n)
        self.heat: HeatFeatures | None = None
        self.book = SettlementBook(patience_ms=PATIENCE_MS)
        self.shadow = SettlementBook(patience_ms=PATIENCE_MS)
        """Setups that a gate turned down, walked through the same candles."""
        self._shadows: dict[UUID, SetupKey] = {}
        self._funded_ms: NDArray[np.int64] | None = None
        self.urgent = UrgentWatch(state.n)
        self.latest: dict[Timeframe, Scored] = {}
        self.last_issued: dict[Timeframe, FloatArray] = {
            tf: np.full(state.n, np.nan) for tf in TIMEFRAMES
        }
        self._open: dict[UUID, tuple[Timeframe, int]] = {}
        self._waiting: dict[tuple[Timeframe, int], tuple[int, BoolArray]] = {}
        self._interim_ms = 0
        self._tick_ms = 0
        self.timings_ms: dict[str, float] = {}
        self._clusters: dict[int, tuple[Level, ...]] = {}

    # --- in -----------------------------------------------------------------------------------

    def apply(self, event: Any) -> None:
        """Take one market event."""
        self.state.apply(event)
        if type(event) is Liquidation:
            row = self.state.index.get(event.symbol)
            if row is not None:
                open_notional = self.state.derivatives.open_interest[row] * event.price
                self.urgent.add_liquidation(
                    row, event.event_ms, event.price * event.quantity, float(open_notional)
                )

    def use_model(self, model: Model | None) -> None:
        """Score with this model from now on."""
        self.model = model
        names = self.state.symbols
        self._assets = np.full(self.state.n, -1, dtype=np.int64)
        if model is not None:
            self._assets[: len(names)] = model.asset_places(names)

    def set_rules(self, rules: InstrumentRules) -> None:
        """Take up a symbol that has just been given a row, or changed rules of one that has one."""
        row = self.state.index[rules.symbol]
        if row == len(self.rules):
            self.rules.append(rules)
        else:
            self.rules[row] = rules
        self.heatmap.set_rules(row, rules)
        self.use_model(self.model)

    def watch(self, signal: OpenSignal, timeframe: Timeframe) -> None:
        """Settle a signal that was issued before (after a restart)."""
        self.book.add(signal)
        self._open[signal.id] = (timeframe, signal.row)
        issued = self.last_issued[timeframe]
        issued[signal.row] = np.nanmax([issued[signal.row], signal.issued_ms])

    def watch_shadow(self, signal: OpenSignal, setup: SetupKey) -> None:
        """Find out what becomes of a setup that was turned down."""
        if signal.id not in self._shadows and len(self.shadow) < MOST_SHADOWS:
            self._shadows[signal.id] = setup
            self.shadow.add(signal)

    def withdraw(self, decision: NoSignal, signal_id: UUID) -> None:
        """Follow a signal that was not issued after all as a setup that was turned down."""
        self.book.drop(signal_id)
        self._open.pop(signal_id, None)
        setup = decision.setup
        key = SetupKey(setup.symbol, setup.timeframe, setup.side, setup.at_ms)
        self.watch_shadow(open_signal(shadow_draft(decision), self.state.index), key)

    # --- out ----------------------------------------------------------------------------------

    def advance(self, now_ms: int, *, now_real_ms: int | None = None) -> list[Output]:
        """Do what is due at `now_ms` (market time); `now_real_ms` paces work in a fast replay."""
        real_ms = now_ms if now_real_ms is None else now_real_ms
        if real_ms - self._tick_ms >= INTERIM_MS:
            self._tick_ms = real_ms
            self.state.tick(now_ms)
        outputs = self._close_candles(real_ms)
        if self.model is not None:
            if real_ms - self._interim_ms >= INTERIM_MS:
                self._interim_ms = real_ms
                outputs += self._interim(now_ms)
            else:
                outputs += self._urgent(now_ms)
        return outputs

    def _close_candles(self, real_ms: int) -> list[Output]:
        for closed in self.state.drain_closed():
            key = (closed.timeframe, closed.open_ms)
            since, rows = self._waiting.get(key, (real_ms, np.zeros(self.state.n, dtype=bool)))
            self._waiting[key] = (since, rows | closed.rows)
        ready = []
        for key, (since, rows) in self._waiting.items():
            whole = bool((rows | ~self.state.active).all())
            if whole or real_ms - since >= GATHER_MS:
                ready.append(Closed(key[0], key[1], rows))
        outputs: list[Output] = []
        for closed in sorted(
            ready, key=lambda c: (c.timeframe.close_of(c.open_ms), TIMEFRAMES.index(c.timeframe))
        ):
            del self._waiting[(closed.timeframe, closed.open_ms)]
            outputs += self._on_close(closed)
        return outputs

    def _on_close(self, closed: Closed) -> list[Output]:
        timeframe, open_ms, rows = closed.timeframe, closed.open_ms, closed.rows
        candle = self.state.panels[timeframe].at(open_ms)
        close_ms = timeframe.close_of(open_ms)
        outputs: list[Output] = [CandlesClosed(timeframe, open_ms, rows)]
        if timeframe is Timeframe.M1:
            outputs += self._settle(open_ms, np.where(rows, candle, np.nan))
            self._map(open_ms, rows, candle)
        inputs = self._inputs(close_ms, timeframe)
        self.engines[timeframe].update(candle, inputs, rows, open_ms)
        if timeframe in VIEWED:
            self.heatmap.remember(timeframe, open_ms)
        if self.model is not None and self.model.speaks(timeframe):
            self._score(timeframe, close_ms, "close", candle[CLOSE])
            if timeframe in DECISION_TIMEFRAMES:
                outputs += self._decide(timeframe, rows, keep_rejected=True)
        return outputs

    def _settle(self, open_ms: int, candle: FloatArray) -> list[Output]:
        self._note_funding()
        outputs: list[Output] = []
        # A signal whose minute was missing has waited; where it was repaired, it goes on from there.
        wanted = min(
            (at for at in (self.book.first_wanted_ms(), self.shadow.first_wanted_ms()) if at),
            default=None,
        )
        minutes = self.state.panels[Timeframe.M1]
        oldest = open_ms - 2 * PATIENCE_MS
        for at_ms in range(max(open_ms if wanted is None else wanted, oldest), open_ms, MINUTE_MS):
            outputs += self.settle_minute(at_ms, minutes.at(at_ms), open_ms)
        return outputs + self.settle_minute(open_ms, candle, open_ms)

    def settle_minute(self, open_ms: int, candle: FloatArray, newest_ms: int) -> list[Output]:
        """Walk open signals, and setups that were turned down, through one minute (8, n).

        `newest_ms` is the newest minute there is: what lies behind it is not waited for.
        """
        outputs: list[Output] = []
        for change in self.book.step(open_ms, candle, newest_ms):
            if change.result:
                self._open.pop(change.id, None)
            outputs.append(Changed(change))
        for change in self.shadow.step(open_ms, candle, newest_ms):
            if change.result:
                outputs.append(ShadowSettled(self._shadows.pop(change.id), change))
        return outputs

    def add_funding(self, row: int, at_ms: int, rate: float) -> None:
        """Charge a settlement of funding to what is open."""
        self.book.add_funding(row, at_ms, rate)
        self.shadow.add_funding(row, at_ms, rate)

    def _note_funding(self) -> None:
        """Tell the open signals what was settled since the last minute."""
        derivatives = self.state.derivatives
        if self._funded_ms is None:
            self._funded_ms = derivatives.settled_ms.copy()
        rate = derivatives.settled_8h * derivatives.interval_hours / NORMAL_INTERVAL_HOURS
        due = (derivatives.settled_ms > self._funded_ms) & ~np.isnan(rate)
        for row in np.nonzero(due)[0]:
            self.add_funding(int(row), int(derivatives.settled_ms[row]), float(rate[row]))
        np.copyto(self._funded_ms, derivatives.settled_ms, where=due)

    def _map(self, open_ms: int, rows: BoolArray, candle: FloatArray) -> None:
        age = self.state.staleness(open_ms + 60_000)["open_interest"]
        interest = np.where(age < 900 * self.speed, self.state.derivatives.open_interest, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = candle[TAKER_BUY_VOLUME] / candle[VOLUME]
        self.heatmap.update(
            rows, open_ms, candle[HIGH], candle[LOW], candle[CLOSE], interest, candle[VOLUME], share
        )
        self.heat = self.heatmap.features(candle[CLOSE], self.engines[Timeframe.H1].atr)
        self._clusters.clear()

    def _inputs(self, now_ms: int, timeframe: Timeframe) -> SideInputs:
        inputs = live_inputs(self.state, self.heat, now_ms, self.speed)
        inputs.trend_higher = combine_trends({tf: self.engines[tf].trend for tf in TIMEFRAMES})
        return inputs

    # --- scores -------------------------------------------------------------------------------

    def _score(self, timeframe: Timeframe, at_ms: int, trigger: str, price: FloatArray) -> None:
        model, engine, state = self.model, self.engines[timeframe], self.state
        if model is None:
            return
        started = perf_counter_ns()
        prediction = model.predict(timeframe, engine.values, self._assets)
        window = state.panels[timeframe].window(_SWING)
        hours = min(1440 // timeframe.minutes or 1, state.panels[timeframe].capacity)
        volume = np.nansum(state.panels[timeframe].window(max(1, hours))[:, QUOTE_VOLUME], axis=0)
        with np.errstate(all="ignore"):
            swing_low = np.fmin.reduce(window[:, LOW], axis=0)
            swing_high = np.fmax.reduce(window[:, HIGH], axis=0)
        has_open = np.zeros(state.n, dtype=bool)
        for signal_timeframe, row in self._open.values():
            if signal_timeframe is timeframe:
                has_open[row] = True
        moment = Moment(
            origin=self.origin,
            timeframe=timeframe,
            trigger=trigger,
            at_ms=at_ms,
            price=price.copy(),
            atr=engine.atr,
            sigma_1m=self.engines[Timeframe.M1].sigma,
            readings=engine.readings,
            prediction=prediction,
            swing_low=swing_low,
            swing_high=swing_high,
            volume_24h=volume,
            spread_bps=state.book.spread_bps,
            has_open=has_open,
            minutes_since=(at_ms - self.last_issued[timeframe]) / 60_000,
            n_issued=issued_in(self.last_issued[timeframe], timeframe, at_ms),
            ages=self._ages_at(at_ms),
            clusters=self.clusters,
            percentiles=engine.percentiles,
        )
        self.latest[timeframe] = Scored(moment, engine.values)
        self.timings_ms["score"] = (perf_counter_ns() - started) / 1e6

    def _ages_at(self, now_ms: int) -> Any:
        age = self.state.staleness(now_ms)

        def ages(row: int) -> dict[str, float | None]:
            out: dict[str, float | None] = {}
            for kind, column in age.items():
                seconds = float(column[row]) / self.speed
                # An input this market has never had is not stale, it is absent.
                absent = not np.isfinite(column).any()
                out[kind] = None if absent else min(seconds, 1e9)
            return out

        return ages

    def clusters(self, row: int) -> tuple[Level, ...]:
        """Return the nearest heaps of the liquidation map, nearest first."""
        if row not in self._clusters:
            found = sorted(self.heatmap.clusters(row), key=lambda c: abs(c.distance))
            self._clusters[row] = tuple(
                Level(round(c.price, 10), round(c.notional), c.side)
                for c in found[:_NEAREST_CLUSTERS]
            )
        return self._clusters[row]

    def peek(self, timeframe: Timeframe, now_ms: int, trigger: str = "interim") -> bool:
        """Score the forming candles of one timeframe; False where there is nothing new to score.

        Between the last minute of a candle and the close of all symbols the candle after it is
        not looked at: it would be read as if the one before had never been.
        """
        started = perf_counter_ns()
        forming = self.state.builder.forming(timeframe)
        newest = self.state.panels[Timeframe.M1].forming_open_ms
        open_ms = timeframe.open_of(int(newest.max()))
        # A symbol whose running candle is another one has nothing to say about this one.
        forming[:, timeframe_of(newest, timeframe) != open_ms] = np.nan
        engine = self.engines[timeframe]
        if engine.last_open_ms >= 0 and open_ms != timeframe.close_of(engine.last_open_ms):
            return False
        engine.peek(forming, self._inputs(now_ms, timeframe), open_ms, now_ms)
        self.timings_ms["factors"] = (perf_counter_ns() - started) / 1e6
        self._score(timeframe, now_ms, trigger, forming[CLOSE])
        return True

    def _interim(self, now_ms: int) -> list[Output]:
        outputs: list[Output] = []
        if self.model is None:
            return outputs
        for timeframe in DECISION_TIMEFRAMES:
            if self.model.speaks(timeframe) and self.peek(timeframe, now_ms):
                outputs += self._decide(timeframe, self.state.active, keep_rejected=False)
        self.urgent.scored(self.state.price, np.ones(self.state.n, dtype=bool))
        return outputs

    def _urgent(self, now_ms: int) -> list[Output]:
        rows = self.urgent.take(self.state.price, self.engines[Timeframe.M1].sigma, now_ms)
        outputs: list[Output] = []
        if self.model is None or not rows.any():
            return outputs
        for timeframe in DECISION_TIMEFRAMES:
            if self.model.speaks(timeframe) and self.peek(timeframe, now_ms, "urgent"):
                outputs += self._decide(timeframe, rows, keep_rejected=False)
        self.urgent.scored(self.state.price, rows)
        return outputs

    def _decide(
        self, timeframe: Timeframe, rows: BoolArray, *, keep_rejected: bool
    ) -> list[Output]:
        scored = self.latest.get(timeframe)
        if scored is None or self.model is None:
            return []
        usable = np.zeros(self.state.n, dtype=bool)
        usable[: len(self.rules)] = rows[: len(self.rules)]
        outputs: list[Output] = []
        for decision in decide(
            self.model, scored.moment, self.rules, usable, keep_rejected=keep_rejected
        ):
            if isinstance(decision, NoSignal):
                outputs.append(Rejected(decision))
                setup = decision.setup
                key = SetupKey(setup.symbol, setup.timeframe, setup.side, setup.at_ms)
                self.watch_shadow(open_signal(shadow_draft(decision), self.state.index), key)
            else:
                self.watch(open_signal(decision, self.state.index), timeframe)
                outputs.append(Issued(decision))
        return outputs

    def prediction(self, timeframe: Timeframe) -> Prediction | None:
        """Return the newest scores of a timeframe."""
        scored = self.latest.get(timeframe)
        return None if scored is None else scored.moment.prediction


def timeframe_of(open_ms: NDArray[np.int64], timeframe: Timeframe) -> NDArray[np.int64]:
    """Return the open times of the longer candles that hold these minutes."""
    return open_ms - open_ms % timeframe.duration_ms


def open_signal(draft: SignalDraft, index: Mapping[str, int]) -> OpenSignal:
    """Return what settlement watches of a draft."""
    plan, setup = draft.plan, draft.setup
    first, second, third = (float(price) for price in plan.targets)
    return OpenSignal(
        id=draft.id,
        row=index[setup.symbol],
        sign=1 if setup.side == "long" else -1,
        zone_low=float(plan.entry_low),
        zone_high=float(plan.entry_high),
        reference=float(plan.reference),
        stop=float(plan.stop),
        targets=(first, second, third),
        issued_ms=setup.at_ms,
        valid_until_ms=draft.valid_until_ms,
        expires_ms=draft.expires_ms,
        slippage=slippage_of(setup.spread_bps),
    )
