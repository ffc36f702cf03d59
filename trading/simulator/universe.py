"""The contracts of the synthetic market: names, price scales, filters, brackets, tempers.

Names are familiar so that a page of them reads like a market; prices are of a plausible
size and otherwise invented.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from cryptosystems.kernel.instruments import Bracket, InstrumentRules

_SEEDS: Final = (
    ("BTC", 67_000.0, "0.10", "0.001", 125),
    ("ETH", 3_400.0, "0.01", "0.001", 125),
    ("SOL", 160.0, "0.0100", "0.01", 100),
    ("BNB", 590.0, "0.010", "0.01", 75),
    ("XRP", 0.62, "0.0001", "0.1", 75),
    ("DOGE", 0.142, "0.000010", "1", 75),
    ("ADA", 0.45, "0.00010", "1", 75),
    ("AVAX", 34.0, "0.0010", "0.1", 75),
    ("LINK", 15.2, "0.001", "0.01", 75),
    ("DOT", 6.4, "0.001", "0.1", 75),
    ("LTC", 82.0, "0.01", "0.001", 75),
    ("TRX", 0.125, "0.00001", "1", 75),
    ("NEAR", 5.6, "0.0010", "1", 50),
    ("FIL", 5.1, "0.001", "0.1", 50),
    ("ATOM", 7.9, "0.001", "0.01", 50),
    ("UNI", 8.8, "0.0010", "1", 50),
    ("APT", 8.4, "0.00100", "0.1", 50),
    ("ARB", 0.92, "0.000100", "0.1", 50),
    ("OP", 1.95, "0.0001000", "0.1", 50),
    ("INJ", 24.5, "0.001000", "0.1", 50),
    ("SUI", 1.1, "0.000100", "0.1", 50),
    ("SEI", 0.41, "0.0001000", "1", 50),
    ("TIA", 8.2, "0.0001000", "1", 50),
    ("AAVE", 98.0, "0.010", "0.1", 50),
    ("ETC", 24.6, "0.001", "0.01", 50),
    ("XLM", 0.098, "0.00001", "1", 50),
    ("ALGO", 0.145, "0.0001", "0.1", 50),
    ("ICP", 9.4, "0.001", "1", 50),
    ("HBAR", 0.078, "0.00001", "1", 50),
    ("VET", 0.028, "0.000010", "1", 50),
    ("SAND", 0.33, "0.00001", "1", 50),
    ("MANA", 0.34, "0.0001", "1", 50),
    ("GALA", 0.024, "0.00001", "1", 50),
    ("AXS", 6.1, "0.00100", "1", 50),
    ("CRV", 0.35, "0.001", "0.1", 25),
    ("LDO", 1.8, "0.000100", "1", 25),
    ("DYDX", 1.4, "0.001", "0.1", 25),
    ("GMX", 28.0, "0.001", "0.01", 25),
    ("ENS", 21.0, "0.001", "0.1", 25),
    ("WLD", 2.3, "0.0001000", "1", 25),
)
MOST_SYMBOLS: Final = 400

_LADDER: Final = ((1.0, 0.004), (0.5, 0.005), (0.2, 0.01), (0.1, 0.02), (0.05, 0.05), (0.02, 0.125))


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract of the simulated exchange."""

    rules: InstrumentRules
    price: float
    """Where it starts, quote."""
    volume_day: float
    """Typical quote volume of a day."""
    open_interest: float
    """Typical notional outstanding, quote."""
    sigma_1m: float
    """Standard deviation of its own 1m log returns at ordinary activity."""
    beta: float
    funding_cap: float


def plain_price(place: int) -> float:
    """Return the round price a contract of the universe is thought of at, quote."""
    return _SEEDS[place % len(_SEEDS)][1]


def brackets_for(max_leverage: int, scale: float) -> tuple[Bracket, ...]:
    """Return brackets whose maintenance margin is continuous; `scale` is the first cap, quote."""
    out: list[Bracket] = []
    floor, amount, last_rate, cap = 0.0, 0.0, 0.0, scale
    first_rate = min(0.5 / max_leverage, 0.02)
    for share, rate in _LADDER:
        mmr = max(rate, first_rate) if out else first_rate
        amount += floor * (mmr - last_rate)
        leverage = max(1, min(max_leverage, int(max_leverage * share), int(0.9 / mmr)))
        out.append(Bracket(floor, cap, leverage, mmr, round(amount, 6)))
        floor, last_rate, cap = cap, mmr, cap * 5
    return tuple(out)


def make_universe(n: int, seed: int) -> list[Contract]:
    """Return `n` contracts, BTC first and the largest next; deterministic from the seed.

    Raises
    ------
    ValueError
        If `n` is not in 1..400.
    """
    if not 1 <= n <= MOST_SYMBOLS:
        raise ValueError(f"the synthetic market has 1 to {MOST_SYMBOLS} symbols, asked for {n}")
    random = np.random.default_rng([seed, 1])
    contracts = []
    for place in range(n):
        copy, which = divmod(place, len(_SEEDS))
        name, price, tick, step, leverage = _SEEDS[which]
        base = name if copy == 0 else f"{name}{copy + 1}"
        draw = random.normal(size=4)
        size = 1.0 / (1.0 + place) ** 0.9
        volume = 14e9 * size * float(np.exp(0.25 * draw[0]))
        rules = InstrumentRules(
            symbol=f"{base}USDT",
            base_asset=base,
            tick_size=Decimal(tick),
            step_size=Decimal(step),
            min_notional=Decimal("100" if place == 0 else "5"),
            brackets=brackets_for(leverage, 50_000.0 if leverage > 75 else 10_000.0),
            funding_interval_hours=4 if place % 7 == 3 else 8,
        )
        contracts.append(
            Contract(
                rules=rules,
                price=price * float(np.exp(0.05 * draw[1])),
                volume_day=volume,
                open_interest=volume * 0.45,
                sigma_1m=5.0e-4 if place == 0 else 8.0e-4 * float(np.exp(0.15 * draw[2])),
                beta=1.0 if place == 0 else float(np.clip(1.15 + 0.2 * draw[3], 0.6, 1.8)),
                funding_cap=0.003 if leverage > 75 else 0.02,
            )
        )
    return contracts
