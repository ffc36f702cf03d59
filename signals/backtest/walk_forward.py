"""The pipeline over stored history, each block judged by a model that never saw it.

For every window a model learns from what was decided before it; then the window's candles go
by in time: closed minutes settle open signals, closed candles are scored and decided by the
same code as live. What comes out has the origin `backtest`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import InstrumentRules
from cryptosystems.kernel.timeframes import Timeframe
from signals.builder.build import NoSignal, SignalDraft, shadow_draft
from signals.market.history import History
from signals.market.panel import CLOSE, HIGH, LOW, QUOTE_VOLUME, VOLUME
from signals.model.model import Model, Prediction
from signals.model.splits import Window, walk_forward
from signals.model.train import Lesson, train
from signals.pipeline.decision import Moment, decide, issued_in
from signals.pipeline.fold import open_signal
from signals.settlement.rules import Change, SettlementBook

FloatArray = NDArray[np.float64]

ORIGIN: Final = "backtest"
_SWING: Final = 20


@dataclass(slots=True)
class BacktestResult:
    """Signals with what became of them, setups turned down, and the scores of every decision."""

    signals: list[tuple[SignalDraft, Change | None]] = field(default_factory=list)
    rejected: list[NoSignal] = field(default_factory=list)
    shadow: dict[int, Change] = field(default_factory=dict)
    """Outcome of each rejected setup, by its place in `rejected`."""
    probabilities: dict[Timeframe, FloatArray] = field(default_factory=dict)
    """(2, T, n) stated out of sample, NaN where no model judged."""
    base_rates: dict[Timeframe, FloatArray] = field(default_factory=dict)
    blocks: dict[Timeframe, NDArray[np.int64]] = field(default_factory=dict)
    """(T,) number of the window that judged each candle, -1 where none did."""
    models: dict[int, Model] = field(default_factory=dict)
    """The model of each window that had one."""


@dataclass(slots=True)
class _Cursor:
    """One timeframe's candles of a window, with all its predictions made at once."""

    timeframe: Timeframe
    lesson: Lesson
    steps: NDArray[np.int64]
    predictions: Prediction
    n: int
    next: int = 0
    volume: FloatArray | None = None

    def due(self, now_ms: int) -> int | None:
        """Return the step whose candle closes at `now_ms`; one that closed before is not decided."""
        while self.next < self.steps.size:
            step = int(self.steps[self.next])
            close_ms = int(self.lesson.features.open_ms[step]) + self.timeframe.duration_ms
            if close_ms > now_ms:
                break
            self.next += 1
            if close_ms == now_ms:
                return step
        return None


def backtest(
    lessons: Mapping[Timeframe, Lesson],
    minutes: History,
    rules: list[InstrumentRules],
    *,
    decide_on: tuple[Timeframe, ...],
    n_blocks: int = 3,
    first_share: float = 0.55,
    windows: Sequence[Window] | None = None,
    embargo_ms: int = 0,
    keep_rejected: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> BacktestResult:
    """Run the walk-forward over everything stored.

    Parameters
    ----------
    minutes : the shortest candles held, which settle signals
    first_share : share of the span that the first model learns from
    windows : what to judge, instead of `n_blocks` equal ones
    embargo_ms : what was decided so shortly before a window is not learned from either
    keep_rejected : follow the setups that were turned down as well
    """
    result = BacktestResult()
    for timeframe, lesson in lessons.items():
        shape = (2, lesson.features.open_ms.size, len(lesson.features.symbols))
        result.probabilities[timeframe] = np.full(shape, np.nan)
        result.base_rates[timeframe] = np.full(shape, np.nan)
        result.blocks[timeframe] = np.full(shape[1], -1)
    book = SettlementBook(duration_ms=minutes.timeframe.duration_ms)
    last_issued = {tf: np.full(minutes.n, np.nan) for tf in lessons}
    drafts: dict[object, int] = {}
    shadow = SettlementBook(duration_ms=minutes.timeframe.duration_ms)
    payments = _payments(minutes)
    rejected_at: dict[object, int] = {}
    index = {symbol: row for row, symbol in enumerate(minutes.symbols)}
    first, last = int(minutes.open_ms[0]), int(minutes.open_ms[-1]) + minutes.timeframe.duration_ms
    longest = max(timeframe.duration_ms for timeframe in lessons)
    if windows is None:
        windows = list(walk_forward(first, last, n_blocks, first_share, align_ms=longest))
    for number, window in enumerate(windows):
        model = train(
            lessons,
            version=f"walk-forward-{number + 1}",
            before_ms=window.test_from_ms - embargo_ms,
        )
        if progress:
            progress(2 * number + 1, 2 * len(windows))
        if model is None:
            continue
        result.models[number] = model
        cursors = [
            cursor
            for timeframe in lessons
            if (cursor := _cursor(model, timeframe, lessons[timeframe], window, number, result))
        ]
        for open_ms, candle in _minutes_of(minutes, window):
            now_ms = open_ms + minutes.timeframe.duration_ms
            while payments and payments[-1][0] < now_ms:
                at_ms, row, rate = payments.pop()
                for ledger in (book, shadow):
                    ledger.add_funding(row, at_ms, rate)
            for change in book.step(open_ms, candle):
                place = drafts[change.id]
                result.signals[place] = (result.signals[place][0], change)
            for change in shadow.step(open_ms, candle):
                if change.result:
                    result.shadow[rejected_at[change.id]] = change
            for cursor in cursors:
                step = cursor.due(now_ms)
                if step is None or cursor.timeframe not in decide_on:
                    continue
                moment = _moment(cursor, step, book, drafts, result, last_issued)
                rows = ~np.isnan(moment.price)
                for decision in decide(model, moment, rules, rows, keep_rejected=keep_rejected):
                    if isinstance(decision, NoSignal):
                        watched = shadow_draft(decision)
                        rejected_at[watched.id] = len(result.rejected)
                        shadow.add(open_signal(watched, index))
                        result.rejected.append(decision)
                        continue
                    row = index[decision.setup.symbol]
                    last_issued[cursor.timeframe][row] = decision.setup.at_ms
                    drafts[decision.id] = len(result.signals)
                    result.signals.append((decision, None))
                    book.add(open_signal(decision, index))
        if progress:
            progress(2 * number + 2, 2 * len(windows))
    return result


def _payments(minutes: History) -> list[tuple[int, int, float]]:
    """Return every settlement of funding as (time, row, rate), latest first."""
    if minutes.funding is None:
        return []
    values = minutes.funding.values
    return [
        (int(minutes.funding.at_ms[place]), int(row), float(values[place, row]))
        for place, row in reversed(np.argwhere(~np.isnan(values)).tolist())
    ]


def _cursor(
    model: Model,
    timeframe: Timeframe,
    lesson: Lesson,
    window: Window,
    number: int,
    result: BacktestResult,
) -> _Cursor | None:
    if not model.speaks(timeframe):
        return None
    features = lesson.features
    close_ms = features.open_ms + timeframe.duration_ms
    steps = np.nonzero((close_ms > window.test_from_ms) & (close_ms <= window.test_to_ms))[0]
    if not steps.size:
        return None
    n = len(features.symbols)
    X = features.X[steps].reshape(-1, features.X.shape[2]).astype(np.float64)
    assets = np.tile(model.asset_places(features.symbols), steps.size)
    predictions = model.predict(timeframe, X, assets)
    result.probabilities[timeframe][:, steps] = predictions.p_win.reshape(2, steps.size, n)
    result.blocks[timeframe][steps] = number
    # Which side won more often in the past says nothing of the next: one rate is harder to beat.
    result.base_rates[timeframe][:, steps] = model.base_rates(timeframe).mean()
    return _Cursor(timeframe, lesson, steps, predictions, n)


def _minutes_of(minutes: History, window: Window) -> Iterator[tuple[int, FloatArray]]:
    picked = np.nonzero(
        (minutes.open_ms >= window.test_from_ms) & (minutes.open_ms < window.test_to_ms)
    )[0]
    for step in picked:
        yield int(minutes.open_ms[step]), minutes.candles[step]


def _turnover(candles: FloatArray) -> FloatArray:
    """Return what was traded in quote, (n,); by volume and close where no source counted it."""
    quote = candles[:, QUOTE_VOLUME]
    return np.asarray(
        np.nansum(np.where(np.isnan(quote), candles[:, VOLUME] * candles[:, CLOSE], quote), axis=0)
    )


def _moment(
    cursor: _Cursor,
    step: int,
    book: SettlementBook,
    drafts: Mapping[object, int],
    result: BacktestResult,
    last_issued: Mapping[Timeframe, FloatArray],
) -> Moment:
    features, n = cursor.lesson.features, cursor.n
    place = int(cursor.next - 1)
    rows = slice(place * n, (place + 1) * n)
    p = cursor.predictions
    prediction = Prediction(
        p.p_win[:, rows],
        p.p_low[:, rows],
        p.p_high[:, rows],
        p.p_tp2[:, rows],
        p.p_tp3[:, rows],
        p.logit[:, rows],
        p.base_logit[:, rows],
        p.contributions[:, rows],
        p.known_share[rows],
        p.novelty[rows],
    )
    candles = features.history.candles
    recent = candles[max(0, step - _SWING + 1) : step + 1]
    day = candles[max(0, step - max(1, 1440 // cursor.timeframe.minutes) + 1) : step + 1]
    has_open = np.zeros(n, dtype=bool)
    for signal in book.signals:
        draft = result.signals[drafts[signal.id]][0]
        if draft.setup.timeframe == cursor.timeframe.value:
            has_open[signal.row] = True
    at_ms = int(features.open_ms[step]) + cursor.timeframe.duration_ms
    nan = np.full(n, np.nan)
    with np.errstate(all="ignore"):
        swing_low = np.fmin.reduce(recent[:, LOW], axis=0)
        swing_high = np.fmax.reduce(recent[:, HIGH], axis=0)
    root = cursor.timeframe.minutes**0.5
    return Moment(
        origin=ORIGIN,
        timeframe=cursor.timeframe,
        trigger="close",
        at_ms=at_ms,
        price=candles[step, CLOSE],
        atr=features.atr[step],
        sigma_1m=features.sigma[step] / root,
        readings=(
            np.full(features.X.shape[1:], np.nan)
            if features.readings is None
            else features.readings[step].astype(np.float64)
        ),
        prediction=prediction,
        swing_low=swing_low,
        swing_high=swing_high,
        volume_24h=_turnover(day),
        spread_bps=nan,
        has_open=has_open,
        minutes_since=(at_ms - last_issued[cursor.timeframe]) / 60_000,
        n_issued=issued_in(last_issued[cursor.timeframe], cursor.timeframe, at_ms),
        ages=lambda row: {},
        clusters=lambda row: (),
        percentiles=None,
    )
