"""A pipeline with a made-up market around it, driven minute by minute."""

from typing import Any

import numpy as np

from cryptosystems.kernel.instruments import InstrumentRules
from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.features.base import GROUPS
from signals.features.catalogue import CATALOGUE
from signals.market.state import MarketState
from signals.model.calibration import Platt
from signals.model.model import Model, SideModel
from signals.model.score import AdditiveScore
from signals.pipeline.fold import Pipeline
from signals.pipeline.outputs import Issued, Output, Rejected
from tests.signals.cases import START_MS, candle_event, random_candles, rules

M15 = Timeframe.M15


def model(
    *,
    p_long: float = 0.75,
    p_short: float = 0.3,
    on: tuple[Timeframe, ...] = (M15,),
    weight: float = 1e-6,
    factor: str = "rsi_14",
) -> Model:
    """Return a model that gives these chances, moved by one factor with `weight`."""
    size = CATALOGUE.size
    linear = np.zeros(size)
    linear[CATALOGUE.names.index(factor)] = weight
    zero = np.zeros(size)

    def side(p: float, sign: int) -> SideModel:
        score = AdditiveScore(
            float(np.log(p / (1 - p))), sign * linear, zero, zero, zero, np.zeros((2, size)), zero,
            CATALOGUE.group_index, np.zeros((1, len(GROUPS))), np.zeros(1),
        )  # fmt: skip
        grid = np.linspace(-3, 3, 33)
        chance = 1 / (1 + np.exp(-grid))
        same = Platt(1.0, 0.0)
        return SideModel(
            score, same, same, same, grid, chance - 0.01, chance + 0.01, 0.5, 1.0, -1.0
        )

    pair = (side(p_long, 1), side(p_short, -1))
    unusual = np.linspace(0, 1_000, 101)
    return Model(
        "hand-made", CATALOGUE.hash, ("BTCUSDT",), dict.fromkeys(on, pair),
        dict.fromkeys(on, unusual),
    )  # fmt: skip


class Market:
    """Minutes of `n` symbols fed to a pipeline; time moves only as told."""

    def __init__(self, n: int = 2, *, minutes: int = 600, seed: int = 1, **walk: Any) -> None:
        self.candles = random_candles(minutes, n, seed, sigma=0.001, **walk)
        self.symbols = ("BTCUSDT", *(f"ALT{k}USDT" for k in range(1, n)))
        self.rules: list[InstrumentRules] = [rules(symbol, "0.001") for symbol in self.symbols]
        self.state = MarketState(self.symbols)
        self.pipeline = Pipeline(self.state, self.rules, origin="simulated")
        self.k = 0

    @property
    def now_ms(self) -> int:
        """Return when the next minute opens."""
        return START_MS + self.k * MINUTE_MS

    def close_minute(self, *, skip: tuple[int, ...] = ()) -> None:
        """Let the next minute close for every symbol but the skipped ones."""
        for row in range(len(self.symbols)):
            if row not in skip:
                self.close_late(row, self.k)
        self.k += 1

    def close_late(self, row: int, k: int) -> None:
        at = START_MS + k * MINUTE_MS
        self.state.apply(candle_event(self.symbols[row], at, self.candles[k, :, row]))

    def form(self, *, rows: tuple[int, ...] | None = None, seconds: int = 30) -> int:
        """Let the next minute form; return the time."""
        now = self.now_ms + seconds * 1_000
        for row in range(len(self.symbols)) if rows is None else rows:
            open_, *rest = self.candles[self.k, :, row]
            event = candle_event(self.symbols[row], self.now_ms, (open_, *rest), is_closed=False)
            values = {name: getattr(event, name) for name in event.__struct_fields__}
            self.state.apply(type(event)(**{**values, "event_ms": now, "received_ms": now}))
        return now

    def run(self, minutes: int) -> list[Output]:
        """Close minutes one after another, each with one turn of the pipeline."""
        outputs: list[Output] = []
        for _ in range(minutes):
            self.close_minute()
            outputs += self.pipeline.advance(self.now_ms)
        return outputs


def issued(outputs: list[Output]) -> list[Issued]:
    return [output for output in outputs if isinstance(output, Issued)]


def rejected(outputs: list[Output]) -> list[Rejected]:
    return [output for output in outputs if isinstance(output, Rejected)]
