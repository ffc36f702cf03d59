"""A back-test over a folder of recorded markets: read, walk forward, measure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any, Final

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.decimals import plain
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.instruments import Bracket, InstrumentRules
from cryptosystems.kernel.timeframes import Timeframe
from signals.backtest.measure import measure
from signals.backtest.page import ASSUMPTIONS
from signals.backtest.walk_forward import BacktestResult, backtest
from signals.builder.build import SignalDraft
from signals.features.history import run_history, trend_histories
from signals.market.history import History
from signals.model.labels import make_labels
from signals.model.splits import EMBARGO_CANDLES, quarters
from signals.model.train import Lesson
from signals.services.imports import tick_of
from signals.settlement.rules import Change
from signals.store.folders import read_set

Progress = Callable[[str, int, int], None]

LEARN_SHARE: Final = 0.4
"""Of a set's span, what the first model learns from where no date is given."""
BESIDE: Final = {Timeframe.M5: (Timeframe.M5, Timeframe.M15)}
"""Timeframes that a set is judged on, where it is not its own alone."""
_LADDER: Final = (
    Bracket(0.0, 5_000.0, 20, 0.025, 0.0),
    Bracket(5_000.0, 25_000.0, 10, 0.05, 125.0),
)


@dataclass(frozen=True, slots=True)
class SetResult:
    """One set that was walked through."""

    name: str
    history: History
    figures: dict[str, Any]
    """By timeframe: what `measure` gives."""
    result: BacktestResult
    spent: dict[str, float]
    """CPU seconds of each stage."""


def run_set(
    data: Path, name: str, *, test_from_ms: int | None = None, progress: Progress | None = None
) -> SetResult:
    """Walk forward over one set, quarter by quarter, and measure it against its rivals.

    Raises
    ------
    InvalidInput
        If the set cannot be read, or nothing is left to judge.
    """
    spent: dict[str, float] = {}
    started = process_time()

    def note(stage: str) -> None:
        nonlocal started
        spent[stage], started = round(process_time() - started, 1), process_time()

    history = read_set(data, name)
    first, last = int(history.open_ms[0]), int(history.open_ms[-1])
    begin = test_from_ms or first + int((last - first) * LEARN_SHARE)
    if not first < begin < last:
        raise InvalidInput(
            f"{name}: its candles go from {to_datetime(first):%Y-%m-%d} to "
            f"{to_datetime(last):%Y-%m-%d}; the first day to judge has to lie between"
        )
    note("read")
    lessons = {
        timeframe: _lesson(history, timeframe, name, progress)
        for timeframe in BESIDE.get(history.timeframe, (history.timeframe,))
    }
    note("factors and labels")
    longest = max(timeframe.duration_ms for timeframe in lessons)
    embargo_ms = EMBARGO_CANDLES * longest
    windows = list(quarters(begin - begin % longest, last + history.timeframe.duration_ms))
    result = backtest(
        lessons,
        history,
        rules_from(history),
        decide_on=tuple(lessons),
        windows=windows,
        embargo_ms=embargo_ms,
        keep_rejected=False,
        progress=lambda done, total: progress and progress(f"{name}: walking", done, total),
    )
    note("walk forward")
    figures = {
        timeframe.value: measure(lesson, result, windows, embargo_ms=embargo_ms)
        for timeframe, lesson in lessons.items()
    }
    note("rivals and scores")
    return SetResult(name, history, figures, result, spent)


def _lesson(history: History, timeframe: Timeframe, name: str, progress: Progress | None) -> Lesson:
    features = run_history(
        history,
        timeframe,
        trends=trend_histories(history),
        keep_readings=True,
        progress=lambda done, total: progress and progress(f"{name}: factors", done, total),
    )
    finer = history if timeframe is not history.timeframe else None
    return Lesson(features, make_labels(features.history, features.atr, finer))


def rules_from(history: History) -> list[InstrumentRules]:
    """Return rules as the prices show them: tick by their decimals, a cautious ladder."""
    rows = history.candles.transpose(2, 0, 1)
    return [
        InstrumentRules(
            symbol=symbol,
            base_asset=symbol.removesuffix("USDT"),
            tick_size=tick_of(rows[place][:, :4]),
            step_size=tick_of(rows[place][:, 4:5]),
            min_notional=Decimal(5),
            brackets=_LADDER,
            funding_interval_hours=8,
        )
        for place, symbol in enumerate(history.symbols)
    ]


def signal_rows(result: BacktestResult) -> Iterator[dict[str, Any]]:
    """Yield one row a signal, with what became of it."""
    for draft, change in result.signals:
        yield {**_promise(draft), **_outcome(change)}


def _promise(draft: SignalDraft) -> dict[str, Any]:
    setup, targets = draft.setup, draft.targets()
    row: dict[str, Any] = {
        "id": str(draft.id),
        "symbol": setup.symbol,
        "timeframe": setup.timeframe,
        "at": to_datetime(setup.at_ms).isoformat(),
        "direction": setup.side,
        "entry_low": plain(draft.plan.entry_low),
        "entry_high": plain(draft.plan.entry_high),
        "stop": plain(draft.plan.stop),
    }
    row |= {f"tp{place}": target["price"] for place, target in enumerate(targets, 1)}
    row |= {f"share{place}": target["share"] for place, target in enumerate(targets, 1)}
    return row | {
        "confidence": round(setup.p_win, 4),
        "strength": round(draft.money.strength, 4),
        "expires_at": to_datetime(draft.expires_ms).isoformat(),
        "model_version": setup.model_version,
        "origin": setup.origin,
    }


def _outcome(change: Change | None) -> dict[str, Any]:
    if change is None:
        return {"state": "waiting", "result_r": None, "gross_r": None, "settled_at": None}
    ended = bool(change.result)
    return {
        "state": change.result or change.state,
        "result_r": None if change.net_r is None else round(change.net_r, 4),
        "gross_r": None if change.gross_r is None else round(change.gross_r, 4),
        "filled_at": to_datetime(change.filled_ms).isoformat() if change.filled_ms else None,
        "settled_at": to_datetime(change.at_ms).isoformat() if ended else None,
    }


def record_of(sets: Iterable[SetResult]) -> dict[str, Any]:
    """Return everything that is told of a run, as JSON-able data; sets are let go one by one."""
    record: dict[str, Any] = {"assumptions": list(ASSUMPTIONS), "sets": {}, "signals": []}
    for held in sets:
        open_ms, blocks = held.history.open_ms, held.result.blocks
        judged = [
            int(at)
            for timeframe, numbers in blocks.items()
            for at in held.history.resample(timeframe).open_ms[numbers >= 0]
        ]
        record["sets"][held.name] = {
            "from": f"{to_datetime(int(open_ms[0])):%Y-%m-%d}",
            "to": f"{to_datetime(int(open_ms[-1])):%Y-%m-%d}",
            "judged_from": f"{to_datetime(min(judged)):%Y-%m-%d}" if judged else None,
            "judged_to": f"{to_datetime(max(judged)):%Y-%m-%d}" if judged else None,
            "symbols": list(held.history.symbols),
            "figures": held.figures,
            "cpu_seconds": held.spent,
        }
        record["signals"] += [{"set": held.name, **row} for row in signal_rows(held.result)]
    return record
