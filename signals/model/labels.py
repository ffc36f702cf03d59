"""Triple-barrier labels of the published ladder, long and short apart.

A decision falls at a candle's close; the entry is the next candle's open, the stop 1.5 ATR
away, the targets 1, 2 and 3 R, the limit 48 candles. What came first is asked of `barriers`.
Where 1m candles are at hand, a candle that holds both a target and the stop is walked through
minute by minute.

Source: López de Prado 2018, ch. 3 (triple barriers, label ends, uniqueness).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import MINUTE_MS
from signals import barriers
from signals.market.history import History
from signals.market.panel import CLOSE, HIGH, LOW, OPEN

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SIDES: Final = 2
_SIGNS: Final = (1.0, -1.0)


@dataclass(frozen=True, slots=True)
class Labels:
    """Outcomes of both sides at every candle, arrays of shape (2, T, n).

    `win` is 1.0 or 0.0 (net R above 0), NaN where the outcome is not known: no ATR, a hole in
    the candles, or not enough of them. `end_ms` is when the label was decided.
    """

    win: FloatArray
    net_r: FloatArray
    gross_r: FloatArray
    n_hit: FloatArray
    end_ms: IntArray


def make_labels(candles: History, atr: FloatArray, minutes: History | None = None) -> Labels:
    """Label every candle of `candles`.

    Parameters
    ----------
    atr : (T, n), in quote
    minutes : 1m candles of the same symbols, for the candles that hold both ends
    """
    steps, n = atr.shape
    shape = (SIDES, steps, n)
    labels = Labels(
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.int64),
    )
    ohlc = candles.candles[:, (OPEN, HIGH, LOW, CLOSE)]
    known = ~np.isnan(ohlc[:, 3])
    usable = steps - barriers.HORIZON
    if usable <= 0:
        return labels
    # A label whose path has a hole would be a guess.
    holes = np.concatenate([np.zeros((1, n)), np.cumsum(~known, axis=0)])
    whole = holes[barriers.HORIZON + 1 :][:usable] - holes[1 : usable + 1] == 0
    at, column = np.nonzero(whole & known[:usable] & (atr[:usable] > 0))
    dues = _dues(candles)
    for side, sign in enumerate(_SIGNS):
        _label_side(labels, side, sign, candles, ohlc, atr, at, column, minutes, dues)
    return labels


def _dues(candles: History) -> tuple[FloatArray, FloatArray] | None:
    """Return the funding that falls due as each candle opens, and within it, both (T, n)."""
    if candles.funding is None:
        return None
    at_open, inside = np.zeros((2, candles.open_ms.size, candles.n))
    due_ms = candles.funding.at_ms - candles.funding.at_ms % MINUTE_MS
    place = (due_ms - candles.open_ms[0]) // candles.timeframe.duration_ms
    held = (place >= 0) & (place < candles.open_ms.size)
    place, due_ms = place[held], due_ms[held]
    rates = np.nan_to_num(candles.funding.values[held])
    opens = due_ms == candles.open_ms[place]
    np.add.at(at_open, place[opens], rates[opens])
    np.add.at(inside, place[~opens], rates[~opens])
    return at_open, inside


def _label_side(
    labels: Labels,
    side: int,
    sign: float,
    candles: History,
    ohlc: FloatArray,
    atr: FloatArray,
    at: IntArray,
    column: IntArray,
    minutes: History | None,
    dues: tuple[FloatArray, FloatArray] | None,
) -> None:
    if not at.size:
        return
    risk = barriers.STOP_ATR * atr[at, column]
    entry = ohlc[at + 1, 0, column]
    signs = np.full(at.size, sign)
    targets = np.stack([entry + sign * r * risk for r in barriers.TARGETS_R])
    state = barriers.enter(signs, entry, risk, entry - sign * risk, targets)
    step_ms = candles.timeframe.duration_ms
    for k in range(1, barriers.HORIZON + 1):
        picked = np.nonzero(state.is_open)[0]
        if not picked.size:
            break
        part = state.take(picked)
        candle = ohlc[at[picked] + k, :, column[picked]].T
        close_ms = candles.open_ms[at[picked] + k] + step_ms
        last = k == barriers.HORIZON
        if dues is not None:
            due = dues[1][at[picked] + k, column[picked]]
            if k > 1:  # what falls due as it is filled, a position does not pay
                due = due + dues[0][at[picked] + k, column[picked]]
            barriers.charge_funding(part, due)
        if minutes is not None and minutes.timeframe is not candles.timeframe:
            _drill(part, candle, candles, at[picked] + k, column[picked], minutes)
        open_, high, low, close = candle
        barriers.advance(part, open_, high, low, close, close_ms, last=last)
        state.put(picked, part)
    net = state.net()
    labels.win[side, at, column] = net > 0
    labels.net_r[side, at, column] = net
    labels.gross_r[side, at, column] = state.gross
    labels.n_hit[side, at, column] = state.n_hit
    labels.end_ms[side, at, column] = state.closed_ms


def _drill(
    part: barriers.LadderState,
    candle: FloatArray,
    candles: History,
    at: IntArray,
    column: IntArray,
    minutes: History,
) -> None:
    """Walk the ambiguous setups through finer candles; their coarse candle is then blanked."""
    ambiguous = np.nonzero(barriers.is_ambiguous(part, candle[1], candle[2]))[0]
    if not ambiguous.size:
        return
    fine = part.take(ambiguous)
    per = candles.timeframe.duration_ms // minutes.timeframe.duration_ms
    first = (candles.open_ms[at[ambiguous]] - minutes.open_ms[0]) // minutes.timeframe.duration_ms
    inside = (first >= 0) & (first + per <= minutes.open_ms.size)
    first = np.where(inside, first, 0)
    span = first[:, None] + np.arange(per)
    # With a minute missing the finer candles cannot tell; the whole candle decides.
    inside &= ~np.isnan(minutes.candles[span, CLOSE, column[ambiguous][:, None]]).any(axis=1)
    for j in range(per):
        values = minutes.candles[first + j, :, column[ambiguous]]
        open_, high, low, close = values[:, (OPEN, HIGH, LOW, CLOSE)].T.copy()
        close[~inside] = np.nan
        close_ms = minutes.open_ms[first + j] + minutes.timeframe.duration_ms
        barriers.advance(fine, open_, high, low, close, close_ms)
    part.put(ambiguous, fine)
    # What the minutes told must not be judged again by the whole candle, except its close.
    settled = ambiguous[inside]
    for place in range(3):
        candle[place, settled] = candle[3, settled]


def uniqueness(at: IntArray, end: IntArray, column: IntArray, steps: int) -> FloatArray:
    """Return each label's share of the time it is decided in, 0..1, shape (m,).

    One over the labels of its symbol that live at its decision. Not the mean over its own life:
    labels that lose end sooner, would share with fewer, and would weigh more than those that win.

    Parameters
    ----------
    at, end : candle indices of decision and end, end >= at
    column : symbol of each label; labels of one symbol share its time
    """
    out = np.empty(at.size)
    for symbol in np.unique(column):
        mine = np.nonzero(column == symbol)[0]
        change = np.zeros(steps + 2)
        np.add.at(change, at[mine], 1.0)
        np.add.at(change, np.minimum(end[mine] + 1, steps + 1), -1.0)
        out[mine] = 1.0 / np.maximum(np.cumsum(change), 1.0)[at[mine]]
    return out
