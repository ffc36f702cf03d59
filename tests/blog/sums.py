"""The formulas behind the worked examples: the product's own, wherever it has one.

Each takes an example as it is written and returns what its results have to be, by name.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from blog.domain.examples import Example, bare
from cryptosystems.kernel.instruments import Side
from signals.model.evaluate import wilson as interval_of
from trading import api as trading
from trading.domain.calculators.tiers import EXAMPLE_TIERS, example_table

D = Decimal
Results = dict[str, Decimal]


def side_of(example: Example) -> Side:
    return Side.LONG if example.text("Side").lower() == "long" else Side.SHORT


def _liquidated(example: Example, leverage: Decimal) -> Results:
    entry, quantity = example.number("Entry"), example.number("Quantity")
    wallet = trading.isolated_wallet(
        entry * quantity, leverage, example.number("Fee to open"), D(0)
    )
    found = trading.liquidation(EXAMPLE_TIERS, side_of(example), entry, quantity, wallet)
    return {
        "Position": found.notional,
        "Margin": found.notional / leverage,
        "Margin after the fee": found.wallet,
        "Maintenance rate": found.tier.maintenance_rate,
        "Maintenance amount": found.tier.maintenance_amount,
        "Liquidation price": found.price,
        "Distance from entry": found.distance,
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
    rate = example.number("Fee a side")
    found = trading.position_result(
        side=side_of(example),
        entry=example.number("Entry"),
        exit_price=example.number("Exit"),
        quantity=example.number("Quantity"),
        leverage=example.number("Leverage") if _has(example, "Leverage") else D(1),
        entry_fee_rate=rate,
        exit_fee_rate=rate,
        funding=example.number("Funding paid") if _has(example, "Funding paid") else D(0),
    )
    return {
        "Position": found.notional,
        "Margin": found.margin,
        "Result before costs": found.gross,
        "Fees": found.entry_fee + found.exit_fee,
        "Result": found.net,
        "Result on margin": found.return_on_margin,
        "Break-even": found.break_even,
    }


def size(example: Example) -> Results:
    account = example.number("Account")
    found = trading.position_size(
        account=account,
        risk_rate=example.number("Risk"),
        entry=example.number("Entry"),
        stop=example.number("Stop"),
        leverage=1,
        fee_rate=example.number("Fee a side"),
        table=example_table("BTCUSDT", "BTC"),
    )
    return {
        "Money at risk": found.risk,
        "Loss of one unit at the stop": found.per_unit,
        "Quantity": found.quantity,
        "Position": found.notional,
        "Loss at the stop": found.loss,
        "Leverage of the account": found.notional / account,
    }


def reward(example: Example) -> Results:
    targets = []
    for line in example.lines:
        if line.name.startswith("Target"):
            price, share = bare(line.value).split(" for ")
            targets.append((D(price), D(share) / 100))
    found = trading.plan_reward(
        example.number("Entry"), example.number("Stop"), targets, example.number("Fee a side")
    )
    assert found.net_break_even_rate is not None
    return {
        "Risk a unit": found.risk,
        "Reward to risk": found.planned,
        "Reward after fees": found.net_planned,
        "Loss after fees": found.net_loss,
        "Wins needed": found.net_break_even_rate,
    }


def expectancy(example: Example) -> Results:
    rate = example.number("Wins")
    return {
        "Mean result": rate * example.number("Average win")
        - (1 - rate) * example.number("Average loss")
    }


def funding(example: Example) -> Results:
    found = trading.funding_cost(
        side=side_of(example),
        notional=example.number("Position"),
        rate=example.number("Rate"),
        interval_hours=int(example.number("Interval")),
        hours=example.number("Held"),
    )
    return {
        "Payments": D(found.n_payments),
        "Each payment": found.each,
        "Paid in all": found.total,
        "A year at this rate": found.a_year_rate,
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
    """The 95 % interval of a share, as the record works it out."""
    n, wins = example.number("Signals"), example.number("Wins")
    low, high = interval_of(int(wins), int(n))
    return {"Won": wins / n, "Interval from": D(low), "Interval to": D(high)}


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
