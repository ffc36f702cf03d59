"""A warmed market without an exchange: random history in panels and engines, a random model.

The model has learned nothing. It is as large as a real one and costs as much to ask.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import Bracket, InstrumentRules
from cryptosystems.kernel.timeframes import MINUTE_MS, TIMEFRAMES, Timeframe
from cryptosystems.management.benchmarks.corpus import start_prices, symbol_names
from signals.features.base import GROUPS
from signals.features.catalogue import CATALOGUE
from signals.features.inputs import HeatFeatures, SideInputs
from signals.market.panel import CLOSE
from signals.market.state import MarketState
from signals.model.calibration import GRID, Platt, logistic
from signals.model.model import Model, SideModel
from signals.model.score import AdditiveScore
from signals.pipeline.fold import Pipeline

FloatArray = NDArray[np.float64]

WARM: Final = 236
"""Candles that make every factor known: its warm-up of 168 and 60 readings of its own."""
_MINUTES_OF_A_DAY: Final = 1_440
_SIGMA_1M: Final = 0.0008
_BRACKETS: Final = (
    Bracket(0.0, 5_000.0, 75, 0.006, 0.0),
    Bracket(5_000.0, 50_000.0, 50, 0.01, 20.0),
    Bracket(50_000.0, 1e12, 20, 0.025, 770.0),
)


def made_up_rules(n: int, seed: int) -> list[InstrumentRules]:
    """Return rules that fit the prices of the corpus."""
    return [
        InstrumentRules(
            symbol=name,
            base_asset=name.removesuffix("USDT"),
            tick_size=Decimal(1).scaleb(-decimals),
            step_size=Decimal("0.001"),
            min_notional=Decimal(5),
            brackets=_BRACKETS,
        )
        for name, (_, decimals) in zip(symbol_names(n), start_prices(n, seed), strict=True)
    ]


def made_up_candles(
    last_price: FloatArray, count: int, minutes: int, random: np.random.Generator
) -> FloatArray:
    """Return candles (count, 8, n) that end at `last_price`, a random walk."""
    n = last_price.size
    sigma = _SIGMA_1M * minutes**0.5
    walk = random.normal(0.0, sigma, (count + 1, n)).cumsum(axis=0)
    path = np.exp(np.log(last_price) + walk - walk[-1])
    out = np.empty((count, 8, n))
    out[:, 0], out[:, 3] = path[:-1], path[1:]
    wick = np.abs(random.normal(0.0, sigma / 2, (2, count, n)))
    out[:, 1] = np.maximum(out[:, 0], out[:, 3]) * (1 + wick[0])
    out[:, 2] = np.minimum(out[:, 0], out[:, 3]) * (1 - wick[1])
    out[:, 4] = random.lognormal(3.0, 0.7, (count, n)) * minutes
    out[:, 5] = out[:, 4] * out[:, 3]
    out[:, 6] = out[:, 4] * random.uniform(0.3, 0.7, (count, n))
    out[:, 7] = random.integers(10, 1_000, (count, n))
    return out


def made_up_inputs(n: int, random: np.random.Generator) -> SideInputs:
    """Return side inputs that are all known."""
    inputs = SideInputs.unknown(n)
    inputs.open_interest = random.lognormal(10.0, 1.0, n)
    inputs.funding_8h = random.normal(1e-4, 1e-4, n)
    inputs.funding_3d = random.normal(1e-3, 1e-3, n)
    inputs.premium = random.normal(0.0, 3e-4, n)
    inputs.imbalance = random.uniform(-0.6, 0.6, (3, n))
    inputs.imbalance_slow = random.uniform(-0.4, 0.4, n)
    inputs.flow_10s = random.normal(0.0, 0.3, n)
    inputs.flow_60s = random.normal(0.0, 0.2, n)
    inputs.micro = random.uniform(-0.5, 0.5, n)
    inputs.depth_skew = random.normal(0.0, 0.2, n)
    inputs.spread_bps = random.lognormal(0.5, 0.4, n)
    inputs.liquidated_15m = random.lognormal(8.0, 1.0, (2, n))
    inputs.liquidated_5m = random.lognormal(7.0, 1.0, (2, n))
    inputs.liquidated_day = random.lognormal(12.0, 1.0, (2, n))
    inputs.trend_higher = random.uniform(-0.8, 0.8, n)
    heat = HeatFeatures.unknown(n)
    heat.pull_up, heat.pull_down = random.lognormal(0.0, 0.5, (2, n))
    heat.nearest_distance = random.normal(0.0, 2.0, n)
    inputs.heat = heat
    return inputs


def made_up_model(symbols: Sequence[str], seed: int) -> Model:
    """Return a random additive model of all six timeframes that knows every symbol."""
    random = np.random.default_rng(seed)
    grid = np.linspace(-3.0, 3.0, GRID)
    size, n = CATALOGUE.size, len(symbols)

    def side() -> SideModel:
        score = AdditiveScore(
            intercept=-0.2,
            linear=random.normal(0.0, 0.1, size),
            high=random.normal(0.0, 0.05, size),
            low=random.normal(0.0, 0.05, size),
            missing=random.normal(0.0, 0.02, size),
            edges=np.stack([np.full(size, -1.2), np.full(size, 1.2)]),
            mean=random.normal(0.0, 0.02, size),
            groups=CATALOGUE.group_index,
            asset_group=random.normal(0.0, 0.1, (n, len(GROUPS))),
            asset_bias=random.normal(0.0, 0.05, n),
        )
        return SideModel(
            score=score,
            win=Platt(1.0, 0.0),
            target_2=Platt(0.8, 0.1),
            target_3=Platt(0.8, 0.0),
            grid=grid,
            low=np.clip(logistic(grid) - 0.04, 0.0, 1.0),
            high=np.clip(logistic(grid) + 0.04, 0.0, 1.0),
            base_rate=0.45,
            win_r=1.3,
            loss_r=-1.0,
        )

    return Model(
        version=f"made-up-{seed}",
        catalogue_hash=CATALOGUE.hash,
        assets=tuple(symbols),
        sides={timeframe: (side(), side()) for timeframe in TIMEFRAMES},
        unusual={timeframe: np.linspace(0.05, 25.0, 101) for timeframe in TIMEFRAMES},
        card={"note": "random weights, for timing only"},
    )


def warmed_pipeline(n: int, now_ms: int, seed: int, *, warm: int = WARM) -> Pipeline:
    """Return a pipeline as it stands in the minute of `now_ms`, everything before it closed."""
    random = np.random.default_rng(seed)
    state = MarketState(symbol_names(n))
    pipeline = Pipeline(state, made_up_rules(n, seed), origin="simulated")
    price = np.array([price for price, _ in start_prices(n, seed)])
    for timeframe in TIMEFRAMES:
        newest = timeframe.open_of(now_ms) - timeframe.duration_ms
        count = max(warm, _MINUTES_OF_A_DAY) if timeframe is Timeframe.M1 else warm
        candles = made_up_candles(price, count, timeframe.minutes, random)
        open_ms = newest - timeframe.duration_ms * np.arange(count - 1, -1, -1, dtype=np.int64)
        kept = min(count, state.panels[timeframe].capacity)
        for row in range(n):
            state.load_candles(timeframe, row, open_ms[-kept:], candles[-kept:, :, row])
        everyone = np.ones(n, dtype=bool)
        for step in range(count - warm, count):
            inputs = made_up_inputs(n, random)
            pipeline.engines[timeframe].update(candles[step], inputs, everyone, int(open_ms[step]))
    _fill_columns(pipeline, price, now_ms, random)
    pipeline.use_model(made_up_model(state.symbols, seed))
    return pipeline


def _fill_columns(
    pipeline: Pipeline, price: FloatArray, now_ms: int, random: np.random.Generator
) -> None:
    """Give every column beside the candles a value, and the liquidation map some days."""
    state, n = pipeline.state, price.size
    interest = random.lognormal(10.0, 1.0, n)
    for row in range(n):
        state.derivatives.set_open_interest(row, float(interest[row]), now_ms)
        for back in range(9, 0, -1):
            rate = float(random.normal(1e-4, 1e-4))
            state.derivatives.settle_funding(row, rate, now_ms - back * 8 * 3_600_000)
        for side in range(2):
            state.liquidations.add(row, side, float(price[row]), 20_000.0, now_ms - 600_000)
    state.liquidations.since_ms = now_ms - 86_400_000
    state.liquidations.heartbeat_ms = now_ms
    everyone = np.ones(n, dtype=bool)
    hours = made_up_candles(price, 120, 60, random)
    for candle in hours:
        pipeline.heatmap.update(
            everyone,
            now_ms,
            candle[1],
            candle[2],
            candle[CLOSE],
            interest * random.uniform(0.95, 1.05, n),
            candle[4],
            np.full(n, 0.5),
        )
    pipeline.heat = pipeline.heatmap.features(price, pipeline.engines[Timeframe.H1].atr)


def minute_of(now_ms: int) -> int:
    """Return the open time of the minute that holds `now_ms`."""
    return now_ms - now_ms % MINUTE_MS
