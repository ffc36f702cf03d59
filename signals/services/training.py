"""Training end to end: stored history in, a promoted model and a walk-forward record out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import structlog

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.kernel.identifiers import sha256_hex
from cryptosystems.kernel.instruments import Bracket, InstrumentRules
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import DECISION_TIMEFRAMES, TIMEFRAMES, Timeframe
from signals.backtest.walk_forward import BacktestResult, backtest
from signals.features.catalogue import CATALOGUE
from signals.features.history import run_history, trend_histories
from signals.market.history import History
from signals.model import artifact
from signals.model.evaluate import report
from signals.model.labels import make_labels
from signals.model.train import Lesson, train
from signals.models import Instrument, ModelVersion
from signals.selectors.records import forget_tables
from signals.services.history import files_of, read_history
from signals.services.publish import store_backtest
from signals.store.registry import model_directory, promote_model, register_model

log = structlog.get_logger(__name__)

Progress = Callable[[str, int, int], None]
LEAST_CANDLES: Final = 400
WALK_BLOCKS: Final = 2
FIRST_SHARE: Final = 0.72


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training gave."""

    version: ModelVersion
    lessons: dict[Timeframe, Lesson]
    minutes: History
    rules: list[InstrumentRules]


def rules_of(origin: Origin, symbols: tuple[str, ...]) -> list[InstrumentRules]:
    """Return the stored rules of `symbols`, in that order."""
    rows = {row.symbol: row for row in Instrument.objects.filter(origin=origin, symbol__in=symbols)}
    return [
        InstrumentRules(
            symbol=symbol,
            base_asset=rows[symbol].base_asset,
            tick_size=rows[symbol].tick_size.normalize(),
            step_size=rows[symbol].step_size.normalize(),
            min_notional=rows[symbol].min_notional,
            brackets=tuple(Bracket(*row) for row in rows[symbol].brackets),
            funding_interval_hours=rows[symbol].funding_interval_hours,
        )
        for symbol in symbols
    ]


def make_lessons(history: History, progress: Progress | None = None) -> dict[Timeframe, Lesson]:
    """Return factors and labels of every decision timeframe the history can teach."""
    trends = trend_histories(history)
    lessons: dict[Timeframe, Lesson] = {}
    for number, timeframe in enumerate(DECISION_TIMEFRAMES):
        if timeframe.duration_ms < history.timeframe.duration_ms:
            continue
        candles = history.resample(timeframe)
        if candles.open_ms.size < LEAST_CANDLES // (4 if timeframe is Timeframe.H4 else 1):
            continue

        def tell(done: int, total: int, number: int = number) -> None:
            if progress:
                share = (number + done / max(total, 1)) / len(DECISION_TIMEFRAMES)
                progress("Computing factors over history", int(share * 100), 100)

        features = run_history(history, timeframe, trends=trends, progress=tell, keep_readings=True)
        lessons[timeframe] = Lesson(features, make_labels(features.history, features.atr, history))
    return lessons


def train_on_history(origin: Origin, now: datetime, progress: Progress | None = None) -> Trained:
    """Train on everything stored for `origin`, register the model and promote it.

    Raises
    ------
    NeedsOperator
        If there is not enough history.
    """
    files = files_of(origin)
    timeframe = next((tf for tf in TIMEFRAMES if files.symbols(tf)), None)
    if timeframe is None:
        raise NeedsOperator(
            f"no history is stored for {origin}: start the engine, or use "
            "`manage.py import_history PATH`"
        )
    known = set(Instrument.objects.filter(origin=origin).values_list("symbol", flat=True))
    symbols = tuple(symbol for symbol in files.symbols(timeframe) if symbol in known)
    # The leader stands first, where the engines look for it.
    symbols = tuple(sorted(symbols, key=lambda symbol: (symbol != "BTCUSDT", symbol)))
    history = read_history(files, symbols, timeframe)
    lessons = make_lessons(history, progress)
    if progress:
        progress("Training the model", 0, 2 * len(lessons))
    until_ms = int(history.open_ms[-1]) + timeframe.duration_ms
    name = f"{origin}-{now:%Y%m%d-%H%M%S}"
    model = train(
        lessons,
        version=name,
        before_ms=until_ms,
        tell_factors=True,
        progress=lambda done, total: progress and progress("Training the model", done, total),
    )
    if model is None:
        raise NeedsOperator(
            "not enough history to learn from: at least some weeks of candles of several symbols "
            "are needed; set HISTORY_DAYS higher or import more"
        )
    path = model_directory() / f"{name}.npz"
    checksum = artifact.save(model, path)
    version = register_model(
        version=name,
        origin=origin,
        artifact=path.name,
        checksum=checksum,
        catalogue_hash=CATALOGUE.hash,
        trained_at=now,
        data_from=to_datetime(int(history.open_ms[0])),
        data_until=to_datetime(until_ms),
        report={"symbols": len(symbols), "out_of_sample": None, "seed": _fingerprint(history)},
    )
    promote_model(version, now)
    log.info("model_promoted", version=name, timeframes=[tf.value for tf in model.sides])
    return Trained(version, lessons, history, rules_of(origin, symbols))


def _fingerprint(history: History) -> str:
    """Return a hash of the candles it learned from: the same data gives the same model."""
    return sha256_hex(np.ascontiguousarray(history.candles[::97]).tobytes())[:16]


def record_walk_forward(trained: Trained, progress: Progress | None = None) -> dict[str, Any]:
    """Run the walk-forward, store its signals, and write its scores beside the model."""
    result = backtest(
        trained.lessons,
        trained.minutes,
        trained.rules,
        decide_on=tuple(trained.lessons),
        n_blocks=WALK_BLOCKS,
        first_share=FIRST_SHARE,
        progress=lambda done, total: progress and progress("Walking forward", done, total),
    )
    stored = store_backtest(
        result.signals,
        [(decision, result.shadow.get(place)) for place, decision in enumerate(result.rejected)],
    )
    forget_tables()
    scores = score_report(trained.lessons, result)
    n_settled = sum(change is not None and bool(change.result) for _, change in result.signals)
    scores["signals"], scores["signals_new_in_record"] = n_settled, stored
    trained.version.report = {**trained.version.report, "out_of_sample": scores}
    trained.version.save(update_fields=["report"])
    return scores


def score_report(lessons: dict[Timeframe, Lesson], result: BacktestResult) -> dict[str, Any]:
    """Return out-of-sample scores per timeframe and side, over every decision judged."""
    out: dict[str, Any] = {}
    for timeframe, lesson in lessons.items():
        at_ms = lesson.features.open_ms + timeframe.duration_ms
        times = np.repeat(at_ms[:, None], len(lesson.features.symbols), axis=1).ravel()
        for side, name in enumerate(("long", "short")):
            out[f"{timeframe}/{name}"] = report(
                result.probabilities[timeframe][side].ravel(),
                result.base_rates[timeframe][side].ravel(),
                lesson.labels.win[side].ravel(),
                lesson.labels.net_r[side].ravel(),
                times,
            )
    return out
