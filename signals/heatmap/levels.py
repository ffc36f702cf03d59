"""Where positions would be liquidated: distances from their entry, and how they are spread.

A mixture over log-distance classes stands for the unknown leverage of holders. Classes are
geometric from 0.3 % to 70 %, 12 % apart, so that a burst of positions shows as a band; a prior
gives each its weight, made from a public mixture of leverages through the exact liquidation
price of each bracket.

Source: `docs/method.md`; liquidation price: Binance support, USDⓈ-M contracts.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import InstrumentRules, Side, liquidation_price

FloatArray = NDArray[np.float64]

N_CLASSES: Final = 48
EDGES: Final = np.geomspace(0.003, 0.70, N_CLASSES + 1)
LEVERAGES: Final = (2.0, 3.0, 5.0, 10.0, 20.0, 25.0, 50.0, 75.0, 100.0, 125.0)
TAKER_MIX: Final = (0.06, 0.09, 0.16, 0.24, 0.22, 0.08, 0.09, 0.03, 0.02, 0.01)
"""Share of opened notional by leverage: a stated assumption, not a measurement."""
MAKER_FLATTENING: Final = 0.5
"""Makers use less leverage: their mix leans on the lower half by this factor."""
_SMALL_NOTIONAL: Final = 2_000.0
_JITTER: Final = 0.10
_SPREAD: Final = np.linspace(-2.5, 2.5, 101)


def class_weights(rules: InstrumentRules) -> FloatArray:
    """Return the share of opened notional in each distance class, (2 sides, 2 roles, classes).

    Side 0 long, 1 short; role 0 taker, 1 maker. Rows sum to at most 1: leverage above the
    symbol's own maximum is left out and its share spread over the rest.
    """
    out = np.zeros((2, 2, N_CLASSES))
    allowed = [k for k, leverage in enumerate(LEVERAGES) if leverage <= rules.max_leverage]
    for role in range(2):
        mix = np.array([TAKER_MIX[k] for k in allowed])
        if role == 1:
            mix = mix * np.array([LEVERAGES[k] ** -MAKER_FLATTENING for k in allowed])
        mix = mix / mix.sum()
        for side, name in enumerate((Side.LONG, Side.SHORT)):
            for share, k in zip(mix, allowed, strict=True):
                price = liquidation_price(rules.brackets, name, 1.0, _SMALL_NOTIONAL, LEVERAGES[k])
                if price <= 0:
                    continue
                distance = abs(price - 1.0)
                # Added margin and leverage between the round numbers blur each distance.
                blurred = distance * np.exp(_JITTER * _SPREAD)
                weight = np.exp(-0.5 * _SPREAD**2)
                places = np.searchsorted(EDGES, blurred) - 1
                inside = (places >= 0) & (places < N_CLASSES)
                np.add.at(out[side, role], places[inside], share * weight[inside] / weight.sum())
    return out


def all_weights(rules: Sequence[InstrumentRules]) -> FloatArray:
    """Return `class_weights` of every symbol, (n, 2, 2, classes)."""
    made: dict[tuple[object, ...], FloatArray] = {}
    out = np.zeros((len(rules), 2, 2, N_CLASSES))
    for row, rule in enumerate(rules):
        key = (rule.brackets, rule.max_leverage)
        if key not in made:
            made[key] = class_weights(rule)
        out[row] = made[key]
    return out
