"""Where a position is liquidated, by the exchange's published formula and its tiers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cryptosystems.kernel.instruments import Side
from trading.domain.margin import bracket_of, liquidation_price
from trading.domain.venue import RiskBracket


@dataclass(frozen=True, slots=True)
class Liquidation:
    """The liquidation price and every number it comes from; USDT but for `quantity`."""

    side: Side
    entry: Decimal
    quantity: Decimal
    notional: Decimal
    wallet: Decimal
    """What stands for this position: W in the formula."""
    price: Decimal
    """0: no price liquidates it."""
    tier: RiskBracket
    """The one of the notional at the liquidation price."""
    maintenance: Decimal
    """Maintenance margin at the liquidation price."""

    @property
    def distance(self) -> Decimal:
        """The way from entry to liquidation, as a fraction of the entry."""
        return abs(self.price - self.entry) / self.entry

    @property
    def is_liquidated_at_once(self) -> bool:
        """The margin does not even carry the entry."""
        return self.price > 0 and (self.price - self.entry) * self.side.sign >= 0


def isolated_wallet(
    notional: Decimal, leverage: Decimal, fee_rate: Decimal, added: Decimal
) -> Decimal:
    """Return the margin of an isolated position: initial margin less the opening fee, and added."""
    return notional / leverage - notional * fee_rate + added


def liquidation(
    tiers: Sequence[RiskBracket], side: Side, entry: Decimal, quantity: Decimal, wallet: Decimal
) -> Liquidation:
    """Return where a position is liquidated.

    Parameters
    ----------
    entry : quote per base, > 0
    quantity : base asset, > 0
    wallet : of an isolated position its margin; crossed, the wallet balance less the maintenance
        margin of all other positions plus their unrealised results

    The formula is LP = (W + cum - s·q·E) / (q·(mmr - s)), with s = +1 for a long and -1 for a
    short, and mmr and cum of the tier of the notional at LP.

    Source: Binance support, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts".
    """
    if entry <= 0 or quantity <= 0:
        raise ValueError(f"entry and quantity must be > 0, were {entry}, {quantity}")
    price = liquidation_price(tiers, side.sign * quantity, entry, wallet)
    there = quantity * price
    tier = bracket_of(tiers, there)
    return Liquidation(
        side=side,
        entry=entry,
        quantity=quantity,
        notional=quantity * entry,
        wallet=wallet,
        price=price,
        tier=tier,
        maintenance=there * tier.maintenance_rate - tier.maintenance_amount,
    )
