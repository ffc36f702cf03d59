"""The learner put to the test on markets whose truth is known."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np

from cryptosystems.kernel.timeframes import Timeframe
from signals.backtest.leaks import leaking_factors
from signals.backtest.measure import judged_rows, measure
from signals.backtest.planted import World, candles_of, features_of, lesson_of
from signals.backtest.walk_forward import backtest
from signals.model.splits import EMBARGO_CANDLES, Window
from signals.services.backtests import rules_from

PLANTED: Final = 0.2
LEAK: Final = 0.5
FIRST_SHARE: Final = 0.55
KINDS: Final = ("planted", "martingale")


def examine(world: World, *, leak: float = 0.0, blocks: int = 2) -> dict[str, Any]:
    """Walk forward over a world; return quality, money, and how the stated chances spread."""
    timeframe = Timeframe.H1
    history = candles_of(world)
    lesson = lesson_of(history, leak)
    ends = np.append(history.open_ms, history.open_ms[-1] + timeframe.duration_ms)
    edges = ends[np.linspace(FIRST_SHARE * world.steps, world.steps, blocks + 1).astype(int)]
    windows = [Window(int(ends[0]), begin, end) for begin, end in pairwise(edges.tolist())]
    embargo_ms = EMBARGO_CANDLES * timeframe.duration_ms
    result = backtest(
        {timeframe: lesson},
        history,
        rules_from(history),
        decide_on=(timeframe,),
        windows=windows,
        embargo_ms=embargo_ms,
        keep_rejected=False,
    )
    told = measure(lesson, result, windows, embargo_ms=embargo_ms, against=False)
    rows, places = judged_rows(lesson, result)
    stated = result.probabilities[timeframe][places]
    told["stated_mean"] = round(float(stated.mean()), 4)
    told["stated_sd"] = round(float(stated.std()), 4)
    told["base_mean"] = round(float(rows.base.mean()), 4)
    return told


def truth(
    seeds: int, *, steps: int = 3_000, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, Any]:
    """Return what comes of planted effects, of the martingale and of a planted leak."""
    out: dict[str, Any] = {"seeds": seeds, "steps": steps, "planted": [], "martingale": []}
    for seed in range(1, seeds + 1):
        for name, strength in zip(KINDS, (PLANTED, 0.0), strict=True):
            out[name].append(summary(examine(World(strength, seed, steps))))
        if progress:
            progress("truth", seed, seeds)
    world = World(0.0, 1, steps)
    history, cut = candles_of(replace(world, steps=800)), 600
    out["leak"] = {
        "factors_found_clean": leaking_factors(history, features_of, cut),
        "factors_found_leaking": leaking_factors(history, partial(features_of, leak=LEAK), cut),
        "examined": summary(examine(world, leak=LEAK)),
    }
    return out


def truth_page(told: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [
        f"{told['steps']:,} hour candles of 16 symbols a market, the last 45 % judged in two blocks.",
        "",
        "| market, seed | AUC | Brier skill, % | ECE, % | stated: mean, sd, % | issued | of decisions, % "
        "| win, % | net R | planned reward:risk |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = [(f"{kind}, {k}", row) for kind in KINDS for k, row in enumerate(told[kind], 1)]
    for name, row in [*rows, ("martingale with a leak, 1", told["leak"]["examined"])]:
        came = (
            f"{100 * row['win_rate']:.1f} | {row['net_r']:+.3f} | {row['planned_reward_risk']:.2f}"
            if row["win_rate"] is not None
            else "– | – | –"
        )
        lines.append(
            f"| {name} | {row['auc']:.3f} | {100 * row['brier_skill']:.2f} | {100 * row['ece']:.1f} "
            f"| {100 * row['stated_mean']:.1f}, {100 * row['stated_sd']:.2f} | {row['issued']:,} "
            f"| {100 * row['issued_share']:.2f} | {came} |"
        )
    leak = told["leak"]
    lines += [
        "",
        "Factors that change when only the future does: "
        f"{', '.join(leak['factors_found_clean']) or 'none'}; with the leak planted: "
        f"{', '.join(leak['factors_found_leaking']) or 'none'}.",
    ]
    return "\n".join(lines)


def summary(told: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that truth is judged by."""
    model, issued = told["entrants"]["model"], told["issued"]
    return {
        "auc": model["quality"]["auc"],
        "brier_skill": model["quality"]["brier_skill"],
        "ece": model["quality"]["ece"],
        "stated_mean": told["stated_mean"],
        "stated_sd": told["stated_sd"],
        "base_mean": told["base_mean"],
        "decisions": told["decisions"],
        "issued": issued["issued"],
        "issued_share": round(issued["issued"] / told["decisions"], 5),
        "win_rate": issued.get("win_rate"),
        "net_r": issued.get("net_r"),
        "planned_reward_risk": issued.get("planned_reward_risk"),
        "top_5pct_net_r": model["top"]["5%"]["net_r"],
    }
