"""A back-test over a folder of recorded markets: read, walk forward, measure."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any, Final

import django

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.decimals import plain
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.instruments import Bracket, InstrumentRules
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
_LADDER: Final = (
    Bracket(0.0, 5_000.0, 20, 0.025, 0.0),
    Bracket(5_000.0, 25_000.0, 10, 0.05, 125.0),
)


def run_set(
    data: Path, name: str, *, test_from_ms: int | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Walk forward over one set, quarter by quarter; return all that is told of it, JSON-able.

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
            f"{name}: its candles go from {_day(first)} to {_day(last)}; "
            "the first day to judge has to lie between"
        )
    note("read")
    timeframe = history.timeframe
    lesson = _lesson(history, name, progress)
    note("factors and labels")
    embargo_ms = EMBARGO_CANDLES * timeframe.duration_ms
    begin -= begin % timeframe.duration_ms
    windows = list(quarters(begin, last + timeframe.duration_ms))
    result = backtest(
        {timeframe: lesson},
        history,
        rules_from(history),
        decide_on=(timeframe,),
        windows=windows,
        embargo_ms=embargo_ms,
        keep_rejected=False,
        progress=lambda done, total: progress and progress(f"{name}: walking", done, total),
    )
    note("walk forward")
    figures = measure(lesson, result, windows, embargo_ms=embargo_ms)
    note("rivals and scores")
    judged = history.open_ms[result.blocks[timeframe] >= 0]
    return {
        "from": _day(first),
        "to": _day(last),
        "judged_from": _day(judged[0]) if judged.size else None,
        "judged_to": _day(judged[-1]) if judged.size else None,
        "symbols": list(history.symbols),
        "figures": {timeframe.value: figures},
        "cpu_seconds": spent,
        "signals": [{"set": name, **row} for row in signal_rows(result)],
    }


def _day(at_ms: int) -> str:
    return f"{to_datetime(int(at_ms)):%Y-%m-%d}"


def _lesson(history: History, name: str, progress: Progress | None) -> Lesson:
    features = run_history(
        history,
        history.timeframe,
        trends=trend_histories(history),
        keep_readings=True,
        progress=lambda done, total: progress and progress(f"{name}: factors", done, total),
    )
    return Lesson(features, make_labels(features.history, features.atr))


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


def run_sets(
    data: Path,
    names: Sequence[str],
    *,
    test_from_ms: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Walk through several sets, each in a process of its own where there are `workers`.

    Parameters
    ----------
    progress : a function of a module, as other processes call it too
    """
    run = partial(run_set, data, test_from_ms=test_from_ms, progress=progress)
    if min(workers, len(names)) > 1:
        spawn, most = get_context("spawn"), min(workers, len(names))
        with ProcessPoolExecutor(most, spawn, initializer=django.setup) as pool:
            told = list(pool.map(run, names))
    else:
        told = [run(name) for name in names]
    signals = [row for held in told for row in held.pop("signals")]
    return {
        "assumptions": list(ASSUMPTIONS),
        "sets": dict(zip(names, told, strict=True)),
        "signals": signals,
    }
