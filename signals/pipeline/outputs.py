"""What the fold gives out; every output is immutable."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.builder.build import NoSignal, SignalDraft
from signals.settlement.rules import Change


@dataclass(frozen=True, slots=True)
class SetupKey:
    """Which setup: symbol, timeframe, side and moment."""

    symbol: str
    timeframe: str
    side: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class CandlesClosed:
    """Candles of one timeframe and open time that closed for `rows` (bool, shape (n,))."""

    timeframe: Timeframe
    open_ms: int
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Issued:
    """A signal to publish."""

    draft: SignalDraft


@dataclass(frozen=True, slots=True)
class Rejected:
    """A setup that a gate turned down, at a candle close."""

    no_signal: NoSignal


@dataclass(frozen=True, slots=True)
class Changed:
    """An open signal moved on, or settled."""

    change: Change


@dataclass(frozen=True, slots=True)
class ShadowSettled:
    """What became of a setup that a gate had turned down."""

    setup: SetupKey
    change: Change


Output = ShadowSettled | CandlesClosed | Issued | Rejected | Changed
