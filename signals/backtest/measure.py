"""One walk-forward against its rivals, as one record of figures."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.backtest.leaks import too_good
from signals.backtest.overfitting import overfitting
from signals.backtest.rivals import Rival, make_rivals
from signals.backtest.scores import CUTS, Rows, money, quality, rounded, top, weekly_interval
from signals.backtest.walk_forward import BacktestResult
from signals.barriers import COST, STOP_ATR
from signals.market.history import History
from signals.market.panel import CLOSE
from signals.model.splits import Window
from signals.model.train import Lesson

FloatArray = NDArray[np.float64]

MODEL: Final = "model"
JUDGED_CUT: Final = 0.05
"""The share of decisions whose results stand for the model where many ways were tried."""


def measure(
    lesson: Lesson,
    result: BacktestResult,
    windows: Sequence[Window],
    *,
    embargo_ms: int,
    against: bool = True,
) -> dict[str, Any]:
    """Return quality, money at the top and what was issued, of the model and of every rival.

    Parameters
    ----------
    against : whether to fit rivals as well, which takes longer than the model
    """
    timeframe = lesson.features.timeframe
    stated, base = result.probabilities[timeframe], result.base_rates[timeframe]
    line = break_even(lesson, result)
    rivals = (
        make_rivals(lesson, base, windows, embargo_ms=embargo_ms, break_even=line)
        if against
        else []
    )
    issued = _issued_places(lesson, result)
    own = Rival(MODEL, "CryptoSystems", stated, stated, issued)
    entrants = [own, Rival("base_rate", "Base rate", base, base, np.zeros_like(issued)), *rivals]
    rows, places = judged_rows(lesson, result)
    out: dict[str, Any] = {
        "timeframe": timeframe.value,
        "symbols": len(lesson.features.symbols),
        "decisions": int(places[0].size) // 2,
        "all_decisions": money(rows, np.arange(rows.win.size)),
        "entrants": {},
        "issued": issued_money(result, timeframe),
        "buy_and_hold": buy_and_hold(lesson.features.history, result.blocks[timeframe]),
    }
    ways: dict[str, tuple[FloatArray, NDArray[np.int64]]] = {}
    for entrant in entrants:
        p, score = entrant.p[places], entrant.score[places]
        row: dict[str, Any] = {"title": entrant.title, "quality": quality(rows, p)}
        if entrant.name != "base_rate":
            row["top"] = {}
            for cut in CUTS:
                best = top(rows, score, cut)
                row["top"][f"{cut:.0%}"] = money(rows, best, p if entrant is own else None)
                ways[f"{entrant.name} {cut:.0%}"] = rows.net_r[best], rows.at_ms[best]
            traded = np.nonzero(entrant.traded[places])[0]
            row["traded"] = money(rows, traded)
            ways[f"{entrant.name} traded"] = rows.net_r[traded], rows.at_ms[traded]
        out["entrants"][entrant.name] = row
    out["overfitting"] = overfitting(ways, f"{MODEL} {JUDGED_CUT:.0%}")
    q = out["entrants"][MODEL]["quality"]
    out["too_good"] = too_good(q.get("auc"), q.get("brier_skill"))
    return out


def judged_rows(
    lesson: Lesson, result: BacktestResult
) -> tuple[Rows, tuple[NDArray[np.int64], ...]]:
    """Return the judged decisions whose outcome is known, and their places in (2, T, n)."""
    features, labels, tf = lesson.features, lesson.labels, lesson.features.timeframe
    known = ~np.isnan(result.probabilities[tf]) & ~np.isnan(labels.win)
    # Both sides of a setup, so that its better side can be told.
    places = np.nonzero(known & known.all(axis=0))
    side, step, asset = places
    rows = Rows(
        at_ms=features.open_ms[step] + tf.duration_ms,
        block=result.blocks[tf][step],
        step=step,
        asset=asset,
        side=side,
        base=result.base_rates[tf][places],
        win=labels.win[places],
        net_r=labels.net_r[places],
    )
    return rows, places


def break_even(lesson: Lesson, result: BacktestResult) -> FloatArray:
    """Return the chance at which the plan neither gains nor loses, (2, T, n), by what was known."""
    features, tf = lesson.features, lesson.features.timeframe
    with np.errstate(invalid="ignore", divide="ignore"):
        close = features.history.candles[:, CLOSE]
        cost = 2 * COST * close / (STOP_ATR * features.atr)
    out = np.full((2, *cost.shape), np.nan)
    for number, model in result.models.items():
        if not model.speaks(tf):
            continue
        steps = result.blocks[tf] == number
        for side, (win_r, loss_r) in enumerate(model.payoffs(tf)):
            out[side, steps] = (cost[steps] - loss_r) / (win_r - loss_r)
    return out


def _issued_places(lesson: Lesson, result: BacktestResult) -> NDArray[np.bool_]:
    features = lesson.features
    out = np.zeros((2, features.open_ms.size, len(features.symbols)), dtype=bool)
    index = {symbol: place for place, symbol in enumerate(features.symbols)}
    for draft, _ in result.signals:
        setup = draft.setup
        if setup.timeframe == features.timeframe.value:
            open_ms = setup.at_ms - features.timeframe.duration_ms
            step = int((open_ms - features.open_ms[0]) // features.timeframe.duration_ms)
            out[int(setup.side == "short"), step, index[setup.symbol]] = True
    return out


def issued_money(result: BacktestResult, timeframe: Timeframe) -> dict[str, Any]:
    """Return what became of the issued signals, by the published plan and its own settlement."""
    mine = [(d, c) for d, c in result.signals if d.setup.timeframe == timeframe.value]
    settled = [(d, c) for d, c in mine if c is not None and c.net_r is not None]
    out: dict[str, Any] = {
        "issued": len(mine),
        "not_entered": sum(c is not None and c.result == "not_entered" for _, c in mine),
        "settled": len(settled),
    }
    if not settled:
        return out
    net = np.array([c.net_r for _, c in settled if c.net_r is not None])
    at_ms = np.array([d.setup.at_ms for d, _ in settled])
    ones = np.ones(net.size)
    win_low, win_high = weekly_interval((net > 0).astype(float), ones, at_ms)
    low, high = weekly_interval(net, ones, at_ms)
    curve = np.cumsum(net[np.argsort(at_ms, kind="stable")])
    return out | rounded(
        {
            "win_rate": float((net > 0).mean()),
            "win_rate_low": win_low,
            "win_rate_high": win_high,
            "net_r": float(net.mean()),
            "net_r_low": low,
            "net_r_high": high,
            "total_r": float(net.sum()),
            "worst_drawdown_r": float((np.maximum.accumulate(curve) - curve).max()),
            "stated": float(np.mean([d.setup.p_win for d, _ in settled])),
            "planned_reward_risk": float(np.mean([d.plan.reward_risk for d, _ in settled])),
            "break_even": float(np.mean([d.money.break_even for d, _ in settled])),
            "long_share": float(np.mean([d.setup.side == "long" for d, _ in settled])),
        }
    )


def buy_and_hold(history: History, blocks: NDArray[np.int64]) -> dict[str, Any]:
    """Return what equal shares of all symbols, bought at the first judged candle, came to.

    A symbol without a candle then is bought by nobody; one that ends is held at its last price.
    """
    steps = np.nonzero(blocks >= 0)[0]
    if not steps.size:
        return {}
    close = history.candles[int(steps[0]) : int(steps[-1]) + 1, CLOSE]
    held = close[:, ~np.isnan(close[0])]
    for step in range(1, held.shape[0]):
        gap = np.isnan(held[step])
        held[step, gap] = held[step - 1, gap]
    if not held.shape[1]:
        return {}
    worth = (held / held[0]).mean(axis=1)
    fall = 1 - worth / np.maximum.accumulate(worth)
    return rounded(
        {
            "symbols": int(held.shape[1]),
            "return": float(worth[-1] - 1),
            "worst_drawdown": float(fall.max()),
        }
    )
