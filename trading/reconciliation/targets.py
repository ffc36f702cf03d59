"""Which targets should rest for what is open (EX-15), and where the stop goes after them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from cryptosystems.kernel.decimals import round_to_step
from cryptosystems.kernel.instruments import Side
from trading.domain.orders import Leg
from trading.reconciliation.state import ZERO, Terms

LIQUIDATION_SHARE: Final = Decimal("0.5")
"""Of the way from entry to liquidation, how far away a stop may be."""
TRAIL_STEP: Final = Decimal("0.25")
"""A trailing stop moves only by at least this part of R: each move is six calls."""


@dataclass(frozen=True, slots=True)
class WantedTarget:
    """One target as it should rest."""

    leg: Leg
    price: Decimal
    quantity: Decimal


def wanted_targets(
    terms: Terms, entered: Decimal, done: Mapping[Leg, Decimal], open_quantity: Decimal
) -> tuple[WantedTarget, ...]:
    """Return the targets that should rest, the nearest first; their sum never passes the position.

    `entered` has been filled by the entry, `done` has left by each target already. Where a share
    would be below the exchange's smallest order it joins the next one, and the last target takes
    what rounding leaves: fewer targets, never an illegal one.
    """
    if terms.quantity <= 0 or open_quantity <= 0:
        return ()
    planned = [(t.leg, t.price, t.quantity * entered / terms.quantity) for t in terms.targets]
    wanted: list[WantedTarget] = []
    left, carried = open_quantity, ZERO
    for k, (leg, price, share) in enumerate(planned):
        taken = done.get(leg, ZERO)
        rest = max(ZERO, share - taken) + carried
        carried = ZERO
        is_last = k == len(planned) - 1
        quantity = left if is_last else min(left, round_to_step(rest, terms.step))
        quantity = round_to_step(quantity, terms.step)
        is_done = taken > 0 and share - taken < terms.step
        if is_done and not is_last:
            continue
        if quantity < terms.min_quantity or quantity * price < terms.min_notional:
            carried = rest
            continue
        wanted.append(WantedTarget(leg, price, quantity))
        left -= quantity
    if carried and wanted and left >= terms.step:
        last = wanted[-1]
        wanted[-1] = WantedTarget(
            last.leg, last.price, last.quantity + round_to_step(left, terms.step)
        )
    return tuple(wanted)


def break_even(
    side: Side, entry: Decimal, terms: Terms, funding: Decimal, quantity: Decimal
) -> Decimal:
    """Return the price at which closing pays back fees and funding, rounded towards profit."""
    paid = -funding / quantity if quantity > 0 else ZERO
    return _towards_profit(side, entry + side.sign * (entry * terms.cost_rate + paid), terms.tick)


def farthest_stop(side: Side, entry: Decimal, liquidation: Decimal, tick: Decimal) -> Decimal:
    """Return the stop that is half as far from the entry as the liquidation is (EX-23)."""
    return _towards_profit(side, entry - (entry - liquidation) * LIQUIDATION_SHARE, tick)


def level_after(
    side: Side, entry: Decimal, terms: Terms, hits: int, at_even: Decimal
) -> tuple[Decimal, str]:
    """Return where the stop belongs after so many targets, and the name of that level."""
    if hits == 0:
        return terms.stop, "initial"
    if hits == 1:
        return at_even, "break_even"
    return _towards_profit(side, entry + side.sign * terms.r_distance, terms.tick), "plus_1r"


def trailed(side: Side, best_mark: Decimal, stop: Decimal, terms: Terms) -> Decimal | None:
    """Return the trailing stop one R behind the best price; None while it would barely move."""
    level = _towards_loss(side, best_mark - side.sign * terms.r_distance, terms.tick)
    return level if (level - stop) * side.sign >= terms.r_distance * TRAIL_STEP else None


def is_towards_profit(side: Side, before: Decimal, after: Decimal) -> bool:
    """Say whether a stop would move only in favour of the position (EX-36)."""
    return (after - before) * side.sign > 0


def _towards_profit(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    mode = ROUND_CEILING if side is Side.LONG else ROUND_FLOOR
    return (price / tick).to_integral_value(mode) * tick


def _towards_loss(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    return _towards_profit(side.opposite, price, tick)
