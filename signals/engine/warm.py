"""Bringing a pipeline up from stored history: panels, factors, heatmap, open signals."""

import json
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from cryptosystems.kernel.clock import to_ms
from cryptosystems.kernel.identifiers import deterministic_id
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from signals.barriers import slippage_of
from signals.builder.rules import limit_ms
from signals.features.engine import combine_trends
from signals.features.history import funding_columns, trend_histories, trends_at
from signals.features.inputs import SideInputs
from signals.market.history import History
from signals.market.panel import CLOSE, HIGH, LOW, TAKER_BUY_VOLUME, VOLUME
from signals.models import RejectedSetup, SignalState
from signals.pipeline.fold import VIEWED, Pipeline
from signals.pipeline.outputs import Output, SetupKey
from signals.settlement.rules import OpenSignal
from signals.store.candles import CandleRow

WARM_CANDLES: Final = {
    Timeframe.M1: 420,
    Timeframe.M5: 420,
    Timeframe.M15: 800,
    Timeframe.H1: 700,
    Timeframe.H4: 400,
    Timeframe.D1: 190,
}
"""Candles each engine is driven over before it goes live."""
MAP_DAYS: Final = 10
_DAY_MS: Final = 86_400_000
STORED_CANDLES: Final = {
    Timeframe.M1: 1_500,
    Timeframe.M5: 1_500,
    Timeframe.M15: 1_500,
    Timeframe.H1: 1_500,
    Timeframe.H4: 1_500,
    Timeframe.D1: 1_500,
}
"""How far back the database holds candles for charts; longer history lives in files."""


def warm(
    pipeline: Pipeline, history: History, progress: Callable[[str, int, int], None] | None = None
) -> None:
    """Fill panels and drive every engine over the end of `history`.

    The history's symbols must be the pipeline's, in the same order.
    """
    state, n = pipeline.state, history.n
    trends = trend_histories(history)
    for number, timeframe in enumerate(TIMEFRAMES):
        if timeframe.duration_ms < history.timeframe.duration_ms:
            continue
        candles = history.resample(timeframe)
        kept = min(candles.open_ms.size, state.panels[timeframe].capacity)
        for row in range(n):
            values = candles.candles[-kept:, :, row]
            known = ~np.isnan(values[:, CLOSE])
            state.load_candles(timeframe, row, candles.open_ms[-kept:][known], values[known])
        _drive(pipeline, timeframe, candles, trends)
        if progress:
            progress("Warming up", number + 1, len(TIMEFRAMES))
    _map(pipeline, history)
    _funding(pipeline, history)


def _drive(pipeline: Pipeline, timeframe: Timeframe, candles: History, trends: dict) -> None:  # type: ignore[type-arg]
    engine, n, size = pipeline.engines[timeframe], candles.n, pipeline.state.n
    count = min(candles.open_ms.size, WARM_CANDLES[timeframe])
    first = candles.open_ms.size - count
    close_ms = candles.open_ms[first:] + timeframe.duration_ms
    interest = np.full((count, size), np.nan)
    if candles.open_interest is not None:
        interest[:, :n] = candles.open_interest.as_of(close_ms, 900_000)
    rate, total = (np.full((count, size), np.nan) for _ in range(2))
    rate[:, :n], total[:, :n] = funding_columns(candles.funding, close_ms, n)
    padded = np.full((8, size), np.nan)
    inputs = SideInputs.unknown(size)
    for step in range(count):
        padded[:, :n] = candles.candles[first + step]
        inputs.open_interest, inputs.funding_8h, inputs.funding_3d = (
            interest[step],
            rate[step],
            total[step],
        )
        trend = np.full(size, np.nan)
        trend[:n] = combine_trends(trends_at(trends, timeframe, int(close_ms[step])))
        inputs.trend_higher = trend
        rows = ~np.isnan(padded[CLOSE])
        engine.update(padded.copy(), inputs, rows, int(candles.open_ms[first + step]))


def _map(pipeline: Pipeline, history: History) -> None:
    """Run the heatmap over the last days, hour by hour, so that it does not start empty."""
    if history.open_interest is None:
        return
    hours = history.resample(Timeframe.H1)
    hours = hours.slice(int(hours.open_ms[-1]) - MAP_DAYS * _DAY_MS, int(hours.open_ms[-1]) + 1)
    size, n = pipeline.state.n, history.n
    interest = np.full((hours.open_ms.size, size), np.nan)
    source = history.open_interest
    interest[:, :n] = source.as_of(hours.open_ms + Timeframe.H1.duration_ms, 900_000)
    for step, open_ms in enumerate(hours.open_ms.tolist()):
        candle = np.full((8, size), np.nan)
        candle[:, :n] = hours.candles[step]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = candle[TAKER_BUY_VOLUME] / candle[VOLUME]
        rows = ~np.isnan(candle[CLOSE])
        pipeline.heatmap.update(
            rows,
            open_ms,
            candle[HIGH],
            candle[LOW],
            candle[CLOSE],
            interest[step],
            candle[VOLUME],
            share,
        )
        pipeline.heatmap.remember(Timeframe.H1, open_ms)
        if open_ms % Timeframe.H4.duration_ms == 3 * Timeframe.H1.duration_ms:
            pipeline.heatmap.remember(Timeframe.H4, Timeframe.H4.open_of(open_ms))
        for timeframe in VIEWED:
            if timeframe.duration_ms < Timeframe.H1.duration_ms and step > hours.open_ms.size - 49:
                pipeline.heatmap.remember(timeframe, open_ms)


def _funding(pipeline: Pipeline, history: History) -> None:
    if history.funding is None:
        return
    derivatives = pipeline.state.derivatives
    for row in range(history.n):
        derivatives.interval_hours[row] = pipeline.rules[row].funding_interval_hours
        column = history.funding.values[:, row]
        known = np.nonzero(~np.isnan(column))[0][-30:]
        for place in known:
            derivatives.settle_funding(row, float(column[place]), int(history.funding.at_ms[place]))


def recent_candles(
    history: History, timeframe: Timeframe, after_ms: dict[str, int]
) -> list[CandleRow]:
    """Return the candles of a timeframe that the database should hold and does not yet."""
    if timeframe.duration_ms < history.timeframe.duration_ms:
        return []
    candles = history.resample(timeframe)
    kept = min(candles.open_ms.size, STORED_CANDLES[timeframe])
    rows: list[CandleRow] = []
    for column, symbol in enumerate(candles.symbols):
        newest = after_ms.get(symbol, -1)
        values = candles.candles[-kept:, :, column]
        for open_ms, row in zip(candles.open_ms[-kept:].tolist(), values.tolist(), strict=True):
            if open_ms > newest and row[CLOSE] == row[CLOSE]:
                rows.append((symbol, open_ms, tuple(row)))
    return rows


def open_signals(origin: str, index: dict[str, int]) -> list[tuple[OpenSignal, Timeframe]]:
    """Return the signals that are open in the database, as settlement left them."""
    out = []
    states = SignalState.objects.filter(is_open=True, signal__origin=origin).select_related(
        "signal"
    )
    for state in states:
        signal = state.signal
        if signal.symbol not in index:
            continue
        first, second, third = (float(target["price"]) for target in signal.targets)
        watched = OpenSignal(
            id=signal.id,
            row=index[signal.symbol],
            sign=1 if signal.side == "long" else -1,
            zone_low=float(signal.entry_low),
            zone_high=float(signal.entry_high),
            reference=float(signal.reference_entry),
            stop=float(signal.stop),
            targets=(first, second, third),
            issued_ms=to_ms(signal.issued_at),
            valid_until_ms=to_ms(signal.valid_until),
            expires_ms=to_ms(signal.expires_at),
            slippage=slippage_of(json.loads(signal.snapshot)["spread_bps"]),
            running=state.running or None,
        )
        out.append((watched, Timeframe(signal.timeframe)))
    return out


def open_shadows(origin: str, index: dict[str, int]) -> list[tuple[OpenSignal, SetupKey]]:
    """Return the rejected setups whose outcome is not known yet."""
    out = []
    for row in RejectedSetup.objects.filter(origin=origin, result="", plan__isnull=False):
        if row.symbol not in index:
            continue
        plan: dict[str, Any] = row.plan or {}
        low, high = (float(text) for text in plan["entry"])
        first, second, third = (float(text) for text in plan["targets"])
        at_ms = to_ms(row.at)
        validity, limit = limit_ms(row.timeframe)
        watched = OpenSignal(
            id=deterministic_id("rejected", origin, row.symbol, row.timeframe, row.side, at_ms),
            row=index[row.symbol],
            sign=1 if row.side == "long" else -1,
            zone_low=low,
            zone_high=high,
            reference=(low + high) / 2,
            stop=float(plan["stop"]),
            targets=(first, second, third),
            issued_ms=at_ms,
            valid_until_ms=at_ms + validity,
            expires_ms=at_ms + limit,
            slippage=slippage_of(plan.get("spread_bps")),
        )
        out.append((watched, SetupKey(row.symbol, row.timeframe, row.side, at_ms)))
    return out


def catch_up(pipeline: Pipeline, history: History) -> list[Output]:
    """Settle what happened to open signals and setups while nobody looked."""
    watched = pipeline.book.signals + pipeline.shadow.signals
    if not watched or history.timeframe is not Timeframe.M1:
        return []
    since = min(
        max(signal.issued_ms, int((signal.running or {}).get("done_ms", 0))) for signal in watched
    )
    if history.funding is not None:
        for place in np.nonzero(history.funding.at_ms >= since)[0]:
            for row in np.nonzero(~np.isnan(history.funding.values[place]))[0]:
                rate = float(history.funding.values[place, row])
                pipeline.add_funding(int(row), int(history.funding.at_ms[place]), rate)
    outputs: list[Output] = []
    candle = np.full((8, pipeline.state.n), np.nan)
    for step in np.nonzero(history.open_ms >= since - 60_000)[0]:
        candle[:, : history.n] = history.candles[step]
        minute_ms = int(history.open_ms[step])
        outputs += pipeline.settle_minute(minute_ms, candle, int(history.open_ms[-1]))
    return outputs
