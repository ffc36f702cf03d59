"""When not to speak: every gate has a name, a value, a limit and a sentence."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from signals.barriers import COST, ENTRY_SHARE_OF_HORIZON, FEE, HORIZON
from signals.builder.levels import Plan
from signals.builder.setup import Setup

EDGE_MARGIN: Final = 0.03
"""By how much the lower end of the chance must clear break-even."""
NOVELTY_FLOOR: Final = 0.02
KNOWN_FLOOR: Final = 0.80
REWARD_RANGE: Final = (1.8, 2.5)
MOST_SPREAD_BPS: Final = 8.0
LEAST_VOLUME: Final = 1_000_000.0
LEAST_TICKS: Final = 10
"""One R must be worth so many ticks, or rounding bends the plan."""
PAUSE_CANDLES: Final = 4
BEST_OF_MOMENT: Final = 3
AGE_LIMITS_S: Final = {"candle": 15.0, "mark": 10.0, "book": 10.0}
_MINUTES: Final = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of speaking; `value` and `limit` are for people."""

    name: str
    title: str
    passed: bool
    value: float | None
    limit: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Payoff:
    """What a win and a loss bring, net of costs, and what follows."""

    win_r: float
    loss_r: float
    cost_r: float
    break_even: float
    strength: float
    strength_low: float
    strength_high: float


def payoff(setup: Setup, risk_fraction: float) -> Payoff:
    """Return the arithmetic of one setup.

    Parameters
    ----------
    risk_fraction : |entry - stop| / entry
    """
    spread = (setup.spread_bps or 0.0) / 2 / 1e4
    cost = 2 * max(COST, FEE + spread) / risk_fraction
    win, loss = setup.win_r - cost, setup.loss_r - cost
    break_even = min(1.0, max(0.0, -loss / (win - loss))) if win > loss else 1.0

    def expected(p: float) -> float:
        return p * win + (1 - p) * loss

    return Payoff(
        win,
        loss,
        cost,
        break_even,
        expected(setup.p_low),
        expected(setup.p_low),
        expected(setup.p_high),
    )


def gates(setup: Setup, plan: Plan, money: Payoff) -> tuple[Gate, ...]:
    """Return every gate with its verdict, in the order in which they are asked."""
    out = [_fresh(setup), _known(setup), _novel(setup), _edge(setup, money)]
    low, high = REWARD_RANGE
    out.append(
        Gate(
            "reward_risk",
            "Reward to risk",
            low <= plan.reward_risk <= high,
            round(plan.reward_risk, 2),
            low,
            f"The plan's reward is {plan.reward_risk:.2f} of its risk; it must lie in {low} to {high}.",
        )
    )
    spread = setup.spread_bps
    out.append(
        Gate(
            "spread",
            "Spread",
            spread is None or spread <= MOST_SPREAD_BPS,
            None if spread is None else round(spread, 2),
            MOST_SPREAD_BPS,
            "The spread is not known here."
            if spread is None
            else f"The spread is {spread:.1f} bp; up to {MOST_SPREAD_BPS:.0f} bp is accepted.",
        )
    )
    out.append(
        Gate(
            "liquidity",
            "Turnover",
            setup.volume_24h >= LEAST_VOLUME,
            round(setup.volume_24h),
            LEAST_VOLUME,
            f"{setup.volume_24h / 1e6:.1f} M USDT were traded in 24 hours; at least 1 M is asked.",
        )
    )
    out.append(
        Gate(
            "liquidation_safety",
            "Distance to liquidation",
            plan.max_leverage >= 1,
            float(plan.max_leverage),
            1.0,
            f"Up to {plan.max_leverage}× leverage the stop stays within half the way to liquidation.",
        )
    )
    out += [_priced(setup, plan), _single(setup), _pause(setup), _best(setup)]
    return tuple(out)


def _fresh(setup: Setup) -> Gate:
    stale = [
        (kind, age)
        for kind, age in setup.ages.items()
        if kind in AGE_LIMITS_S and age is not None and age > AGE_LIMITS_S[kind]
    ]
    judged = [setup.ages[kind] for kind in AGE_LIMITS_S if setup.ages.get(kind) is not None]
    oldest = max((age for age in judged if age is not None), default=0.0)
    if stale:
        kind, age = max(stale, key=lambda pair: pair[1])
        text = f"The {kind} feed is {age:.0f} s old; {AGE_LIMITS_S[kind]:.0f} s is the limit."
        return Gate("fresh_data", "Fresh data", False, round(age, 1), AGE_LIMITS_S[kind], text)
    limit = AGE_LIMITS_S["candle"]
    text = f"All feeds are fresh; the oldest is {oldest:.0f} s."
    return Gate("fresh_data", "Fresh data", True, round(oldest, 1), limit, text)


def _known(setup: Setup) -> Gate:
    return Gate(
        "known_factors",
        "Factors known",
        setup.known_share >= KNOWN_FLOOR,
        round(setup.known_share, 3),
        KNOWN_FLOOR,
        f"{setup.known_share:.0%} of the model's weight rests on factors that are known now; "
        f"{KNOWN_FLOOR:.0%} is asked.",
    )


def _novel(setup: Setup) -> Gate:
    return Gate(
        "familiar",
        "Familiar situation",
        setup.novelty >= NOVELTY_FLOOR,
        round(setup.novelty, 3),
        NOVELTY_FLOOR,
        f"{setup.novelty:.0%} of what the model learned from was at least as unusual; "
        f"below {NOVELTY_FLOOR:.0%} it does not speak.",
    )


def _edge(setup: Setup, money: Payoff) -> Gate:
    limit = money.break_even + EDGE_MARGIN
    return Gate(
        "edge",
        "Chance against break-even",
        setup.p_low >= limit,
        round(setup.p_low, 4),
        round(limit, 4),
        f"The lower end of the chance is {setup.p_low:.1%}; break-even after costs is "
        f"{money.break_even:.1%} and {EDGE_MARGIN:.0%} more is asked.",
    )


def _priced(setup: Setup, plan: Plan) -> Gate:
    ticks = float(abs(plan.reference - plan.stop) / Decimal(setup.tick))
    lowest = min(plan.stop, plan.entry_low, *plan.targets)
    text = f"The stop is {ticks:.0f} ticks away; at least {LEAST_TICKS} are asked."
    if lowest <= 0:
        text = f"The plan would need a price of {lowest}: the moves here are too wide for it."
    return Gate(
        "tick_size",
        "Room for the plan",
        ticks >= LEAST_TICKS and lowest > 0,
        round(ticks, 1),
        float(LEAST_TICKS),
        text,
    )


def _single(setup: Setup) -> Gate:
    text = "No signal is open here on this timeframe."
    if setup.has_open_signal:
        text = (
            "A signal is open here on this timeframe; a second one would count the same bet twice."
        )
    return Gate("single", "One at a time", not setup.has_open_signal, None, None, text)


def _pause(setup: Setup) -> Gate:
    limit = float(PAUSE_CANDLES * _MINUTES[setup.timeframe])
    since = setup.minutes_since_last
    passed = since is None or since >= limit
    text = (
        "No signal was issued here before."
        if since is None
        else f"The last signal here was issued {since:.0f} min ago; {limit:.0f} min is the pause."
    )
    return Gate("pause", "Pause", passed, None if since is None else round(since, 1), limit, text)


def _best(setup: Setup) -> Gate:
    return Gate(
        "best_of_moment",
        "Best of the moment",
        setup.rank < BEST_OF_MOMENT,
        float(setup.rank + 1),
        float(BEST_OF_MOMENT),
        f"Number {setup.rank + 1} by strength at this moment; the best {BEST_OF_MOMENT} may speak.",
    )


def limit_ms(timeframe: str) -> tuple[int, int]:
    """Return (validity of the zone, time limit) of a timeframe's signals, milliseconds."""
    candle = _MINUTES[timeframe] * 60_000
    return candle * HORIZON // ENTRY_SHARE_OF_HORIZON, candle * HORIZON
