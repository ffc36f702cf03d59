"""CPU of a close: every factor, score and contribution of all symbols on six timeframes.

Three readings of the same work: the arithmetic alone (engines and model, many rounds), one
midnight through the whole fold, where all six timeframes close at once, and the pass over
the forming candles that runs each second.
"""

from typing import Any, Final

import numpy as np

from cryptosystems.kernel.timeframes import DECISION_TIMEFRAMES, MINUTE_MS, TIMEFRAMES, Timeframe
from cryptosystems.management.benchmarks.market import made_up_candles, warmed_pipeline
from cryptosystems.management.benchmarks.measure import cpu_s, machine, median_ms
from signals.features.catalogue import CATALOGUE
from signals.features.engine import combine_trends
from signals.features.inputs import SideInputs, live_inputs
from signals.market.events import BookPartial, CandleUpdate, MarkPrice
from signals.market.panel import CLOSE, HIGH, LOW, TAKER_BUY_VOLUME, VOLUME
from signals.pipeline.fold import Pipeline
from signals.pipeline.outputs import CandlesClosed

SYMBOLS: Final = 400
ROUNDS: Final = 15
SEED: Final = 7
_DAY_MS: Final = 86_400_000
MIDNIGHT_MS: Final = 1_780_000_000_000 // _DAY_MS * _DAY_MS
_LAST_MINUTE_MS: Final = MIDNIGHT_MS - MINUTE_MS


class _Closes:
    """Closes all six timeframes again and again, each on its own grid."""

    def __init__(self, pipeline: Pipeline, rounds: int, seed: int) -> None:
        self.pipeline = pipeline
        state = pipeline.state
        random = np.random.default_rng(seed)
        self.assets = np.arange(state.n)
        self.everyone = np.ones(state.n, dtype=bool)
        self.candles = {
            tf: made_up_candles(
                state.panels[tf].window(1)[0, CLOSE], rounds + 1, tf.minutes, random
            )
            for tf in TIMEFRAMES
        }
        self.place = 0
        self.largest_error = 0.0

    def inputs(self, now_ms: int) -> SideInputs:
        pipeline = self.pipeline
        inputs = live_inputs(pipeline.state, pipeline.heat, now_ms)
        inputs.trend_higher = combine_trends({tf: e.trend for tf, e in pipeline.engines.items()})
        return inputs

    def factors(self) -> None:
        """One close of every timeframe: factors only."""
        for timeframe, engine in self.pipeline.engines.items():
            open_ms = engine.last_open_ms + timeframe.duration_ms
            inputs = self.inputs(MIDNIGHT_MS)
            engine.update(self.candles[timeframe][self.place], inputs, self.everyone, open_ms)
        self.place += 1

    def score(self) -> None:
        """Scores of both sides with every contribution."""
        model = self.pipeline.model
        assert model is not None
        for timeframe, engine in self.pipeline.engines.items():
            self.prediction = model.predict(timeframe, engine.values, self.assets)

    def check(self) -> float:
        """Return by how much contributions miss the score they explain, at most."""
        p = self.prediction
        return float(np.abs(p.base_logit + p.contributions.sum(axis=-1) - p.logit).max())


def _give_state(pipeline: Pipeline, now_ms: int) -> None:
    """Books, marks and forming candles of this moment, so that nothing is stale."""
    state = pipeline.state
    for row, symbol in enumerate(state.symbols):
        price = float(state.price[row])
        bids = [(price * (1 - 1e-4 * k), 5.0 + k) for k in range(1, 21)]
        asks = [(price * (1 + 1e-4 * k), 6.0 + k) for k in range(1, 21)]
        state.apply(BookPartial(symbol, now_ms, now_ms, 1, bids, asks))
        state.apply(MarkPrice(symbol, now_ms, now_ms, price, price, 1e-4, now_ms + 3_600_000))
        values = (price, price * 1.0003, price * 0.9996, price, 50.0, 50.0 * price, 20.0, 90.0)
        open_ms = now_ms - now_ms % MINUTE_MS
        state.apply(CandleUpdate(symbol, now_ms, now_ms, open_ms, *values, False))


def _midnight(pipeline: Pipeline) -> tuple[float, list[Any]]:
    """Close 23:59 of every symbol; return CPU ms of the fold's turn and what it gave out."""
    state, now_ms = pipeline.state, MIDNIGHT_MS + 5
    for row, symbol in enumerate(state.symbols):
        o, h, low, c, v, q, taker, count = state.panels[Timeframe.M1].forming[:, row].tolist()
        state.apply(
            CandleUpdate(
                symbol, now_ms, now_ms, _LAST_MINUTE_MS, o, h, low, c, v, q, taker, count, True
            )
        )
    outputs: list[Any] = []
    spent = cpu_s(lambda: outputs.extend(pipeline.advance(now_ms, now_real_ms=MIDNIGHT_MS)))
    return spent * 1000, outputs


def _interim(pipeline: Pipeline, rounds: int) -> float:
    """Return CPU ms of one second's pass over the forming candles of the decision timeframes."""
    now_ms = MIDNIGHT_MS + 1_000
    spent = []
    for _ in range(rounds):
        now_ms += 1_000
        _give_state(pipeline, now_ms)
        spent.append(cpu_s(lambda at=now_ms: pipeline.advance(at, now_real_ms=at)) * 1000)  # type: ignore[misc]
    return float(np.median(spent))


def _map_step(pipeline: Pipeline, rounds: int) -> dict[str, float]:
    """Return CPU ms of the liquidation map's parts for one minute of all symbols."""
    heatmap, state = pipeline.heatmap, pipeline.state
    candle = state.panels[Timeframe.M1].window(1)[0]
    everyone = np.ones(state.n, dtype=bool)
    share = candle[TAKER_BUY_VOLUME] / candle[VOLUME]

    def update() -> None:
        heatmap.update(
            everyone,
            MIDNIGHT_MS,
            candle[HIGH],
            candle[LOW],
            candle[CLOSE],
            state.derivatives.open_interest,
            candle[VOLUME],
            share,
        )

    atr = pipeline.engines[Timeframe.H1].atr
    return {
        "update_ms": round(median_ms(update, rounds), 3),
        "features_ms": round(median_ms(lambda: heatmap.features(candle[CLOSE], atr), rounds), 3),
        "remember_ms": round(
            median_ms(lambda: heatmap.remember(Timeframe.M5, MIDNIGHT_MS), rounds), 3
        ),
    }


def run(*, symbols: int = SYMBOLS, rounds: int = ROUNDS, seed: int = SEED) -> dict[str, Any]:
    """Measure closes, the pass between closes, and the map."""
    pipeline = warmed_pipeline(symbols, _LAST_MINUTE_MS, seed)
    _give_state(pipeline, MIDNIGHT_MS - 1_000)
    pipeline.state.tick(MIDNIGHT_MS - 1_000)
    midnight_ms, outputs = _midnight(pipeline)
    closed = [output for output in outputs if isinstance(output, CandlesClosed)]
    known = float(
        np.mean([(~np.isnan(pipeline.engines[tf].values)).mean() for tf in DECISION_TIMEFRAMES])
    )
    interim_ms = _interim(pipeline, rounds)
    map_step = _map_step(pipeline, max(1, rounds // 3))
    closes = _Closes(pipeline, rounds, seed)
    factors_ms = median_ms(closes.factors, rounds)
    score_ms = median_ms(closes.score, rounds)
    total_ms = factors_ms + score_ms
    return {
        "bench": "score",
        **machine(),
        "symbols": symbols,
        "timeframes": len(TIMEFRAMES),
        "rows": symbols * len(TIMEFRAMES),
        "factors": CATALOGUE.size,
        "known_share": round(known, 4),
        "contributions_error": closes.check(),
        "factors_ms": round(factors_ms, 3),
        "score_ms": round(score_ms, 3),
        "close_ms": round(total_ms, 3),
        "us_per_row": round(total_ms * 1000 / (symbols * len(TIMEFRAMES)), 3),
        "midnight_ms": round(midnight_ms, 3),
        "midnight_closed": len(closed),
        "midnight_outputs": len(outputs) - len(closed),
        "interim_ms": round(interim_ms, 3),
        "map": map_step,
    }


def report(found: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people."""
    m = found["map"]
    return [
        f"{found['symbols']} symbols × {found['timeframes']} timeframes, {found['factors']} factors, "
        f"{found['known_share']:.0%} of them known",
        f"  all close at once     {found['close_ms']:8.1f} ms CPU: factors "
        f"{found['factors_ms']:.1f}, scores with contributions {found['score_ms']:.1f} "
        f"({found['us_per_row']:.1f} µs a symbol and timeframe)",
        f"  the fold at midnight  {found['midnight_ms']:8.1f} ms CPU, map, settlement, gates and "
        "signals with it",
        f"  between closes        {found['interim_ms']:8.1f} ms CPU a second for three timeframes",
        f"  liquidation map       {m['update_ms']:8.1f} ms CPU a minute, {m['features_ms']:.1f} to "
        f"read, {m['remember_ms']:.1f} to keep a column",
    ]
