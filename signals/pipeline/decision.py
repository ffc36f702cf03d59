"""From scores to setups: the same code for the wire, for replay and for the back-test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.decimals import plain
from cryptosystems.kernel.instruments import InstrumentRules
from cryptosystems.kernel.timeframes import Timeframe
from signals.barriers import COST, STOP_ATR
from signals.builder.build import NoSignal, SignalDraft, build
from signals.builder.rules import BEST_OF_MOMENT, EDGE_MARGIN, PAUSE_CANDLES
from signals.builder.setup import Level, Reason, Setup
from signals.features.base import FactorContext
from signals.features.catalogue import CATALOGUE
from signals.model.model import Model, Prediction

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SIDES: Final = ("long", "short")
WORDED_REASONS: Final = 12
"""Reasons that get a sentence; the rest are kept as numbers."""
MOST_REJECTED: Final = 6
"""Setups turned down at one moment after which no weaker ones are tried."""


@dataclass(slots=True)
class Moment:
    """All symbols of one timeframe at one instant; arrays (n,) unless said otherwise."""

    origin: str
    timeframe: Timeframe
    trigger: str
    at_ms: int
    price: FloatArray
    atr: FloatArray
    sigma_1m: FloatArray
    readings: FloatArray
    """(n, F) in the factors' units."""
    prediction: Prediction
    swing_low: FloatArray
    swing_high: FloatArray
    volume_24h: FloatArray
    spread_bps: FloatArray
    has_open: BoolArray
    minutes_since: FloatArray
    """Since the last signal of this symbol and timeframe; NaN where there was none."""
    ages: Callable[[int], dict[str, float | None]]
    clusters: Callable[[int], tuple[Level, ...]]
    percentiles: Callable[[int], FloatArray] | None
    n_issued: int = 0
    """Signals that this timeframe has issued since its running candle began."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How each symbol stands at a moment: better side, its chance and what it must clear."""

    side: NDArray[np.int64]
    strength: FloatArray
    break_even: FloatArray
    p_win: FloatArray
    p_low: FloatArray

    @property
    def speaks(self) -> BoolArray:
        """Where the lower end clears break-even by the margin."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.p_low >= self.break_even + EDGE_MARGIN)


def standing(model: Model, moment: Moment) -> Standing:
    """Weigh both sides of every symbol."""
    payoffs = model.payoffs(moment.timeframe)
    with np.errstate(invalid="ignore", divide="ignore"):
        cost = 2 * COST * moment.price / (STOP_ATR * moment.atr)
    win = payoffs[:, :1] - cost
    loss = payoffs[:, 1:] - cost
    p = moment.prediction
    strength = p.p_low * win + (1 - p.p_low) * loss
    with np.errstate(invalid="ignore", divide="ignore"):
        break_even = np.clip(np.where(win > loss, -loss / (win - loss), 1.0), 0.0, 1.0)
    side = np.where(np.nan_to_num(strength[1], nan=-9) > np.nan_to_num(strength[0], nan=-9), 1, 0)
    rows = np.arange(side.size)
    return Standing(
        side,
        strength[side, rows],
        break_even[side, rows],
        p.p_win[side, rows],
        p.p_low[side, rows],
    )


def decide(
    model: Model,
    moment: Moment,
    rules: Sequence[InstrumentRules],
    rows: BoolArray,
    *,
    keep_rejected: bool,
) -> list[SignalDraft | NoSignal]:
    """Return the signals of `rows` at this moment and, if asked, the best setups turned down."""
    stand = standing(model, moment)
    usable = rows & ~np.isnan(stand.strength) & (moment.atr > 0) & (moment.price > 0)
    pause = PAUSE_CANDLES * moment.timeframe.minutes
    with np.errstate(invalid="ignore"):
        free = ~moment.has_open & ~(moment.minutes_since < pause)
        worth = stand.p_win >= stand.break_even
    # A symbol with an open signal is the same bet again: neither issued nor counted as turned down.
    order = np.argsort(-np.where(np.isnan(stand.strength), -9.0, stand.strength), kind="stable")
    speaks, able = stand.speaks, usable & free
    out: list[SignalDraft | NoSignal] = []
    rank, n_rejected = moment.n_issued, 0
    for row in order[(able & speaks)[order]].tolist():
        if rank >= BEST_OF_MOMENT and not keep_rejected:
            break
        built = build(make_setup(model, moment, stand, rules[row], row, rank))
        if isinstance(built, SignalDraft):
            rank += 1
            out.append(built)
            continue
        n_rejected += 1
        if keep_rejected:
            out.append(built)
        if n_rejected >= MOST_REJECTED:
            break
    if keep_rejected:
        silent = order[(able & worth & ~speaks)[order]].tolist()
        for row in silent[:BEST_OF_MOMENT]:
            out.append(build(make_setup(model, moment, stand, rules[row], row, moment.n_issued)))
    return out


def issued_in(last_issued: FloatArray, timeframe: Timeframe, at_ms: int) -> int:
    """Return how many symbols were issued a signal since the candle that runs at `at_ms` began."""
    return int((last_issued >= timeframe.open_of(at_ms)).sum())


def make_setup(
    model: Model,
    moment: Moment,
    stand: Standing,
    rules: InstrumentRules,
    row: int,
    rank: int,
    *,
    worded: int = WORDED_REASONS,
) -> Setup:
    """Gather everything the builder needs of one symbol."""
    side = int(stand.side[row])
    p, timeframe = moment.prediction, moment.timeframe
    payoffs = model.payoffs(timeframe)[side]
    spread = float(moment.spread_bps[row])
    since = float(moment.minutes_since[row])
    return Setup(
        origin=moment.origin,
        symbol=rules.symbol,
        base=rules.base_asset,
        timeframe=timeframe.value,
        side=SIDES[side],
        trigger=moment.trigger,
        at_ms=moment.at_ms,
        price=float(moment.price[row]),
        atr=float(moment.atr[row]),
        sigma_1m=float(np.nan_to_num(moment.sigma_1m[row], nan=0.0005)),
        tick=plain(rules.tick_size),
        step=plain(rules.step_size),
        swing_low=_finite(moment.swing_low[row], float(moment.price[row])),
        swing_high=_finite(moment.swing_high[row], float(moment.price[row])),
        clusters=moment.clusters(row),
        brackets=rules.brackets,
        p_win=float(p.p_win[side, row]),
        p_low=float(p.p_low[side, row]),
        p_high=float(p.p_high[side, row]),
        p_tp2=float(p.p_tp2[side, row]),
        p_tp3=float(p.p_tp3[side, row]),
        logit=float(p.logit[side, row]),
        base_logit=float(p.base_logit[side, row]),
        slope=model.sides[timeframe][side].win.slope,
        base_rate=float(model.base_rates(timeframe)[side]),
        win_r=float(payoffs[0]),
        loss_r=float(payoffs[1]),
        known_share=float(p.known_share[row]),
        novelty=float(p.novelty[row]),
        spread_bps=None if spread != spread else spread,
        volume_24h=_finite(moment.volume_24h[row], 0.0),
        ages=moment.ages(row),
        has_open_signal=bool(moment.has_open[row]),
        minutes_since_last=None if since != since else since,
        rank=rank,
        model_version=model.version,
        reasons=reasons(moment, rules.symbol, row, side, worded=worded),
    )


def _finite(value: float, otherwise: float) -> float:
    return float(value) if np.isfinite(value) else otherwise


def reasons(
    moment: Moment, symbol: str, row: int, side: int, *, worded: int = WORDED_REASONS
) -> tuple[Reason, ...]:
    """Return every factor's part in the score of one side, weightiest first."""
    parts = moment.prediction.contributions[side, row]
    readings = moment.readings[row]
    ranks = moment.percentiles(row) if moment.percentiles is not None else None
    out = []
    for place, column in enumerate(np.argsort(-np.abs(parts), kind="stable").tolist()):
        factor = CATALOGUE.factors[column]
        reading = float(readings[column])
        known = reading == reading
        rank = None if ranks is None or ranks[column] != ranks[column] else float(ranks[column])
        context = FactorContext(symbol, moment.timeframe.value, 0.5 if rank is None else rank)
        out.append(
            Reason(
                name=factor.name,
                group=factor.group,
                title=factor.title,
                sentence=factor.sentence(reading, context) if place < worded else "",
                reading=round(factor.display(reading), 6) if known else None,
                unit=factor.unit,
                percentile=None if rank is None else round(rank, 4),
                log_odds=float(parts[column]),
                price=_level_of(factor.name, moment, row),
            )
        )
    return tuple(out)


def _level_of(name: str, moment: Moment, row: int) -> float | None:
    """Return the price a factor speaks of, where it speaks of one."""
    if name != "heat_dist":
        return None
    near = moment.clusters(row)
    return near[0].price if near else None
