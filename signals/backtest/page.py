"""The record of a back-test as a page of Markdown: figures as they came out, good or bad."""

from collections.abc import Mapping
from typing import Any, Final

ASSUMPTIONS: Final = (
    "A decision falls at a candle's close and sees nothing later.",
    "Labels, the same for the model and every rival: entry at the next candle's open; stop 1.5 "
    "ATR(14) away; 40, 30 and 30 % are closed at 1, 2 and 3 R; after the first target the stop "
    "moves to the entry plus costs, after the second to +1 R; the rest is closed after 48 candles.",
    "Issued signals are settled by their own plan: filled where a candle's range touches the "
    "entry zone within 6 candles, at its open where that lies inside, else at the edge the price "
    "came through; never touched is not entered, and counted.",
    "Stop and target within one candle: the stop counts, unless finer candles tell. A stop is "
    "filled at the candle's open where that lies beyond it. In the candle of an entry away from "
    "its open only the stop counts.",
    "Costs: 5 bp taker fee and 1 bp slippage a side. Spread, queue and market impact are not in "
    "the data: size must be small against the volume of a candle.",
    "Funding is charged where payments are held; other symbols pay none here.",
    "A column that a set does not have makes its factors unknown, never zero. No window and no "
    "label reaches across a hole in time.",
    "Learning ends 48 candles before each judged quarter, and a label counts only if it was "
    "decided by then.",
    "Intervals are 95 %, by resampling whole weeks.",
)
_DASH: Final = "–"


def page(record: Mapping[str, Any]) -> str:
    """Return the whole page of one run."""
    lines = ["## Assumptions", "", *(f"* {text}" for text in ASSUMPTIONS), ""]
    for name, held in record["sets"].items():
        for timeframe, figures in held["figures"].items():
            lines += _section(name, timeframe, held, figures)
    return "\n".join(lines)


def _section(
    name: str, timeframe: str, held: Mapping[str, Any], figures: Mapping[str, Any]
) -> list[str]:
    span = f"{held['judged_from']} to {held['judged_to']}"
    lines = [
        f"## {name}, {timeframe}",
        "",
        f"{figures['symbols']} symbols; candles {held['from']} to {held['to']}, judged {span}: "
        f"{figures['decisions']:,} decisions of two sides each.",
        "",
    ]
    if not figures["decisions"]:
        return [*lines, "Nothing was judged: too little was decided before to learn from.", ""]
    return [*lines, *_quality(figures), *_money(figures), *_issued(figures)]


def _quality(figures: Mapping[str, Any]) -> list[str]:
    lines = [
        "| | Brier | skill against base rate, % | against the quarter's own rate, % | log loss "
        "| ECE, % | ECE by quarter, % | AUC | AUC within a candle |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for entrant in figures["entrants"].values():
        q = entrant["quality"]
        if "brier" not in q:
            continue
        skill = (
            f"{_percent(q['brier_skill'], 2)} "
            f"[{_percent(q['brier_skill_low'], 2)}, {_percent(q['brier_skill_high'], 2)}]"
        )
        lines.append(
            f"| {entrant['title']} | {_number(q['brier'], 5)} | {skill} "
            f"| {_percent(q['brier_skill_hindsight'], 2)} | {_number(q['log_loss'], 5)} "
            f"| {_percent(q['ece'], 2)} | {_percent(q['ece_by_block'], 2)} | {_number(q['auc'], 4)} "
            f"| {_number(q['auc_within_candle'], 4)} |"
        )
    return [*lines, ""]


def _money(figures: Mapping[str, Any]) -> list[str]:
    lines = [
        "Most confident decisions of each quarter (of each candle and symbol the better side) and "
        "what each would have traded; win rate % and net R a decision, by the common labels:",
        "",
        "| | top 1 % | top 2 % | top 5 % | traded by its own rule |",
        "|---|---|---|---|---|",
    ]
    for entrant in figures["entrants"].values():
        if "top" in entrant:
            cells = [*entrant["top"].values(), entrant["traded"]]
            lines.append(f"| {entrant['title']} | " + " | ".join(map(_cell, cells)) + " |")
    every = figures["all_decisions"]
    lines += ["", f"All decisions, both sides: {_cell(every)}.", ""]
    return lines


def _cell(row: Mapping[str, Any]) -> str:
    if not row.get("n"):
        return "none"
    return (
        f"{_percent(row['win_rate'], 1)} "
        f"[{_percent(row['win_rate_low'], 1)}, {_percent(row['win_rate_high'], 1)}]; "
        f"{_signed(row['net_r'])} [{_signed(row['net_r_low'])}, {_signed(row['net_r_high'])}] R; "
        f"n {row['n']:,}"
    )


def _issued(figures: Mapping[str, Any]) -> list[str]:
    issued, hold = figures["issued"], figures["buy_and_hold"]
    lines = [
        f"Issued by the gates: {issued['issued']:,} of {figures['decisions']:,} decisions "
        f"({issued['issued'] / figures['decisions']:.2%}); not entered {issued['not_entered']:,}, "
        f"settled {issued['settled']:,}.",
    ]
    if issued["settled"]:
        lines.append(
            f"Settled by their own plan: win {_percent(issued['win_rate'], 1)} % "
            f"[{_percent(issued['win_rate_low'], 1)}, {_percent(issued['win_rate_high'], 1)}] "
            f"where {_percent(issued['stated'], 1)} % was stated and "
            f"{_percent(issued['break_even'], 1)} % breaks even, at a planned reward to risk of "
            f"{_number(issued['planned_reward_risk'], 2)}; net {_signed(issued['net_r'])} R a "
            f"signal [{_signed(issued['net_r_low'])}, {_signed(issued['net_r_high'])}], together "
            f"{_signed(issued['total_r'], 1)} R, worst drawdown "
            f"{_number(issued['worst_drawdown_r'], 1)} R."
        )
    if hold:
        lines.append(
            f"Buy and hold of the {hold['symbols']} symbols there were at the start, equal shares: "
            f"{_signed(100 * hold['return'], 0)} %, worst drawdown "
            f"{_percent(hold['worst_drawdown'], 0)} %."
        )
    tried = figures["overfitting"]
    if tried:
        lines.append(
            f"The top 5 % by day: Sharpe ratio {_number(tried['sharpe_daily'], 3)}; deflated by "
            f"{tried['trials']} trials it is above chance with {_number(tried['deflated_sharpe'], 2)} "
            "(0.95 would be asked). Choosing among all these ways by their past is overfitted with "
            f"a probability of {_number(tried['probability_of_overfitting'], 2)}."
        )
    if figures["too_good"]:
        lines.append("**Better than honest figures have been here: look for a leak first.**")
    out: list[str] = []
    for line in lines:
        out += [line, ""]
    return out


def _percent(value: float | None, digits: int) -> str:
    return _DASH if value is None else f"{100 * value:.{digits}f}".replace("-", "−")


def _number(value: float | None, digits: int) -> str:
    return _DASH if value is None else f"{value:.{digits}f}".replace("-", "−")


def _signed(value: float | None, digits: int = 3) -> str:
    return _DASH if value is None else f"{value:+.{digits}f}".replace("-", "−")
