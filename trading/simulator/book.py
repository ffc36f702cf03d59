"""An order book that fits the market's columns: depth falls off with distance, tilts with pressure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trading.simulator.feed import Columns
from trading.simulator.tape import Scale

IntArray = NDArray[np.int64]
Level = tuple[int, int]

N_LEVELS: Final = 60
_GROWTH: Final = 1.27
_FIRST: Final = 0.5e-4
_EVEN_AFTER: Final = 24


def _offsets() -> NDArray[np.float64]:
    """Distances from the best price: fine near it, 20 levels reach about 0.9 %, 60 about 3 %."""
    near = _FIRST * (_GROWTH ** np.arange(_EVEN_AFTER) - 1.0)
    step = 6e-4
    far = near[-1] + step * np.arange(1, N_LEVELS - _EVEN_AFTER + 1)
    return np.asarray(np.minimum(np.concatenate([near, far]), 0.2))


OFFSETS: Final = _offsets()


def make_book(
    columns: Columns, symbol: int, scale: Scale, moment: int, levels: int = N_LEVELS
) -> tuple[list[Level], list[Level]]:
    """Return bids and asks as (ticks, steps), best first; the same `moment` gives the same book."""
    price = float(columns.price[symbol])
    if not price > 0:
        return [], []
    tilt = float(columns.imbalance[symbol])
    random = np.random.default_rng((symbol, moment))
    noise = np.exp(0.35 * random.standard_normal((2, levels)))
    half = max(float(columns.spread[symbol]) * price, 0.5 * scale.tick)
    depth = max(float(columns.depth[symbol]), scale.step * 50)
    offsets = OFFSETS[:levels]
    widths = np.diff(np.concatenate([[0.0], offsets + _FIRST]))
    sides: list[list[Level]] = []
    for side, sign in ((0, -1.0), (1, 1.0)):
        best = (price + sign * half) / scale.tick
        first = np.floor(best) if side == 0 else np.ceil(best)
        away = np.maximum(np.arange(levels), np.rint(offsets * price / scale.tick))
        ticks = (first + sign * away).astype(np.int64)
        share = widths / 0.01 * depth * np.exp(-offsets / 0.03)
        quantity = share * (1.0 + (-sign) * 0.8 * tilt) * noise[side]
        steps = np.maximum(1, np.rint(quantity / scale.step)).astype(np.int64)
        keep = ticks > 0
        sides.append(list(zip(ticks[keep].tolist(), steps[keep].tolist(), strict=True)))
    return sides[0], sides[1]


def as_text(levels: list[Level], scale: Scale) -> list[list[str]]:
    """Return levels as the wire writes them."""
    p, q = scale.price_decimals, scale.quantity_decimals
    return [[f"{t * scale.tick:.{p}f}", f"{s * scale.step:.{q}f}"] for t, s in levels]


def difference(before: list[Level], now: list[Level]) -> list[Level]:
    """Return the levels that changed, gone ones with quantity 0."""
    old, new = dict(before), dict(now)
    changed = [(t, s) for t, s in now if old.get(t) != s]
    return changed + [(t, 0) for t in old if t not in new]
