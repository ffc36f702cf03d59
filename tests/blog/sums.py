"""The formulas behind the worked examples: the product's own, wherever it has one.

Each takes an example as it is written and returns what its results have to be, by name.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from blog.domain.examples import Example
from cryptosystems.kernel.instruments import Side
from trading.domain.margin import bracket_of, liquidation_price
from trading.domain.venue import RiskBracket

D = Decimal
Results = dict[str, Decimal]
TIERS: Final = (
    RiskBracket(D(0), D(300_000), 150, D("0.0040"), D(0)),
    RiskBracket(D(300_000), D(800_000), 100, D("0.0050"), D(300)),
    RiskBracket(D(800_000), D(3_000_000), 75, D("0.0065"), D(1_500)),
    RiskBracket(D(3_000_000), D(12_000_000), 50, D("0.0100"), D(12_000)),
    RiskBracket(D(12_000_000), D(70_000_000), 25, D("0.0200"), D(132_000)),
)
"""The first tiers of BTCUSDT on Binance as published on 29 September 2026, as the texts say."""


def side_of(example: Example) -> Side:
    return Side.LONG if example.text("Side").lower() == "long" else Side.SHORT


def _liquidated(example: Example, leverage: Decimal) -> Results:
    side, entry, quantity = side_of(example), example.number("Entry"), example.number("Quantity")
    notional = entry * quantity
    fee = notional * example.number("Fee to open")
    margin = notional / leverage
    price = liquidation_price(TIERS, side.sign * quantity, entry, margin - fee)
    tier = bracket_of(TIERS, quantity * price)
    return {
        "Position": notional,
        "Margin": margin,
        "Margin after the fee": margin - fee,
        "Maintenance rate": tier.maintenance_rate,
        "Maintenance amount": tier.maintenance_amount,
        "Liquidation price": price,
        "Distance from entry": abs(price / entry - 1),
    }


def liquidation(example: Example) -> Results:
    return _liquidated(example, example.number("Leverage"))


def ladder(example: Example) -> Results:
    """One position at several leverages."""
    found: Results = {}
    for line in example.lines:
        if line.is_result:
            leverage, _, what = line.name.removeprefix("At ").partition("×")
            name = "Distance from entry" if "distance" in what else "Liquidation price"
            found[line.name] = _liquidated(example, D(leverage))[name]
    return found


def result(example: Example) -> Results:
    side, entry, leave = side_of(example), example.number("Entry"), example.number("Exit")
    quantity, rate = example.number("Quantity"), example.number("Fee a side")
    funding = example.number("Funding paid") if _has(example, "Funding paid") else D(0)
    gross = side.sign * quantity * (leave - entry)
    fees = rate * quantity * (entry + leave)
    net = gross - fees - funding
    found = {
        "Position": quantity * entry,
        "Result before costs": gross,
        "Fees": fees,
        "Result": net,
        "Break-even": entry * (1 + side.sign * rate) / (1 - side.sign * rate),
    }
    if _has(example, "Leverage"):
        margin = quantity * entry / example.number("Leverage")
        found |= {"Margin": margin, "Result on margin": net / margin}
    return found


def size(example: Example) -> Results:
    entry, stop, rate = (
        example.number("Entry"),
        example.number("Stop"),
        example.number("Fee a side"),
    )
    risk = example.number("Account") * example.number("Risk")
    per_unit = abs(entry - stop) + rate * (entry + stop)
    quantity = risk / per_unit // D("0.001") * D("0.001")
    return {
        "Money at risk": risk,
        "Loss of one unit at the stop": per_unit,
        "Quantity": quantity,
        "Position": quantity * entry,
        "Loss at the stop": quantity * per_unit,
        "Leverage of the account": quantity * entry / example.number("Account"),
    }


def reward(example: Example) -> Results:
    entry, stop, rate = (
        example.number("Entry"),
        example.number("Stop"),
        example.number("Fee a side"),
    )
    risk = abs(entry - stop)
    side = 1 if stop < entry else -1
    planned = net = D(0)
    for line in example.lines:
        if line.name.startswith("Target"):
            price, share = (
                D(part.replace(",", "")) for part in line.value.rstrip("%").split(" for ")
            )
            planned += share / 100 * side * (price - entry) / risk
            net += share / 100 * (side * (price - entry) - rate * (entry + price)) / risk
    loss = 1 + rate * (entry + stop) / risk
    return {
        "Risk a unit": risk,
        "Reward to risk": planned,
        "Reward after fees": net,
        "Loss after fees": loss,
        "Wins needed": loss / (net + loss),
    }


def expectancy(example: Example) -> Results:
    rate = example.number("Wins")
    return {
        "Mean result": rate * example.number("Average win")
        - (1 - rate) * example.number("Average loss")
    }


def funding(example: Example) -> Results:
    each = side_of(example).sign * example.number("Position") * example.number("Rate")
    n = example.number("Held") // example.number("Interval")
    a_day = 24 / example.number("Interval")
    return {
        "Payments": n,
        "Each payment": each,
        "Paid in all": each * n,
        "A year at this rate": side_of(example).sign * example.number("Rate") * a_day * 365,
    }


def brier(example: Example) -> Results:
    """Squared distance between what was said and what came, averaged."""
    n, wins = example.number("Signals"), example.number("Wins")
    said = example.number("Said")
    return {
        "Came true": wins / n,
        "Brier score": (wins * (1 - said) ** 2 + (n - wins) * said**2) / n,
        "Brier score of the base rate": (wins / n) * (1 - wins / n),
    }


def wilson(example: Example) -> Results:
    """The 95 % interval of a share, as the record shows it."""
    n, wins, z = float(example.number("Signals")), float(example.number("Wins")), 1.959964
    p = wins / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return {"Won": D(p), "Interval from": D(middle - half), "Interval to": D(middle + half)}


def log_odds(example: Example) -> Results:
    """A base rate and contributions, added on the scale of log-odds."""
    base = float(example.number("Base rate"))
    total = math.log(base / (1 - base))
    start = total
    for line in example.lines:
        if not line.is_result and line.name != "Base rate":
            total += float(line.value.replace("−", "-"))
    return {
        "Starting log-odds": D(start),
        "Log-odds": D(total),
        "Probability": D(1 / (1 + math.exp(-total))),
    }


def imbalance(example: Example) -> Results:
    bid, ask = example.number("Bids"), example.number("Asks")
    return {"Imbalance": (bid - ask) / (bid + ask)}


def fill(example: Example) -> Results:
    """A market buy that eats the asks from the best upwards."""
    left = example.number("Buy")
    wanted, paid = left, D(0)
    best: Decimal | None = None
    for line in example.lines:
        if line.name.startswith("Ask") and not line.is_result:
            price, quantity = (D(part.replace(",", "")) for part in line.value.split(" for "))
            best = price if best is None else best
            taken = min(left, quantity)
            paid, left = paid + taken * price, left - taken
    assert best is not None and left == 0
    average = paid / wanted
    return {
        "Average price": average,
        "Slippage": average / best - 1,
        "Cost of slippage": paid - wanted * best,
    }


def _has(example: Example, name: str) -> bool:
    return any(line.name == name for line in example.lines)


FORMULAS: Final[dict[str, Callable[[Example], Results]]] = {
    "liquidation": liquidation,
    "ladder": ladder,
    "result": result,
    "size": size,
    "reward": reward,
    "expectancy": expectancy,
    "funding": funding,
    "brier": brier,
    "wilson": wilson,
    "log-odds": log_odds,
    "imbalance": imbalance,
    "fill": fill,
}
