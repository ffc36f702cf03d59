"""Reward against risk of a plan with one to three targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cryptosystems.kernel.instruments import Side


@dataclass(frozen=True, slots=True)
class RewardTarget:
    """One target of a plan."""

    price: Decimal
    share: Decimal
    """Of the position, a fraction."""
    gross_r: Decimal
    net_r: Decimal
    """After the fees of entering and leaving."""


@dataclass(frozen=True, slots=True)
class Reward:
    """A plan in multiples of its risk, R = |entry - stop| a unit."""

    side: Side
    risk: Decimal
    """R in quote currency a unit."""
    targets: tuple[RewardTarget, ...]
    planned: Decimal
    """Sum of share x target in R, before fees."""
    net_planned: Decimal
    net_loss: Decimal
    """What the stop costs with fees, in R; above 1."""
    break_even_rate: Decimal | None
    """How often all of it must be reached, against the stop, to lose nothing, before fees."""
    net_break_even_rate: Decimal | None
    """The same after fees; None: even reaching every target loses."""

    def expected_r(self, win_rate: Decimal) -> Decimal:
        """Return the mean result in R, after fees, if the plan is reached this often."""
        return win_rate * self.net_planned - (1 - win_rate) * self.net_loss


def plan_reward(
    entry: Decimal,
    stop: Decimal,
    targets: Sequence[tuple[Decimal, Decimal]],
    fee_rate: Decimal = Decimal(0),
) -> Reward:
    """Return a plan's rewards; `targets` are (price, share), `fee_rate` is paid a side.

    The side is where the stop is not: a stop below the entry makes a long.
    """
    side = Side.LONG if stop < entry else Side.SHORT
    risk = abs(entry - stop)
    lines = tuple(
        RewardTarget(
            price=price,
            share=share,
            gross_r=side.sign * (price - entry) / risk,
            net_r=(side.sign * (price - entry) - fee_rate * (entry + price)) / risk,
        )
        for price, share in targets
    )
    planned = sum((line.share * line.gross_r for line in lines), Decimal(0))
    net_planned = sum((line.share * line.net_r for line in lines), Decimal(0))
    net_loss = 1 + fee_rate * (entry + stop) / risk
    return Reward(
        side=side,
        risk=risk,
        targets=lines,
        planned=planned,
        net_planned=net_planned,
        net_loss=net_loss,
        break_even_rate=_even(planned, Decimal(1)),
        net_break_even_rate=_even(net_planned, net_loss),
    )


def _even(gain: Decimal, loss: Decimal) -> Decimal | None:
    return None if gain <= 0 else loss / (gain + loss)
