"""Entry zone, stop-loss and take-profits on tick. Floats become `Decimal` here and nowhere else."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cryptosystems.kernel.decimals import Rounding, from_float, round_to_tick
from cryptosystems.kernel.instruments import Side, bracket_of, liquidation_price
from signals.barriers import SHARES, STOP_ATR, TARGETS_R
from signals.builder.setup import Setup

ZONE_REACH_ATR: Final = (0.15, 0.50)
ZONE_AHEAD: Final = (0.10, 0.0005)
"""How far the zone may lie on the far side of the price: in ATR, and as a fraction."""
STOP_RANGE_ATR: Final = (1.3, 1.8)
"""Structure may move the stop within this range; the model learned with 1.5."""
_BEYOND_SWING_ATR: Final = 0.15
_BEFORE_CLUSTER_ATR: Final = 0.10
_TARGET_PLAY_R: Final = 0.25
_LEAST_STEP_R: Final = 0.6
_SAFE_NOTIONAL: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Prices of a signal, all on tick but `reference`, the middle of the zone."""

    entry_low: Decimal
    entry_high: Decimal
    reference: Decimal
    stop: Decimal
    targets: tuple[Decimal, ...]
    r: tuple[float, ...]
    reward_risk: float
    max_leverage: int
    """The most at which liquidation is at least twice as far as the stop; 0: there is none."""


def make_plan(setup: Setup, strength: float) -> Plan:
    """Place zone, stop and targets of one setup.

    Parameters
    ----------
    strength : expected net R from the lower end of the interval; a stronger setup waits less
    """
    side = Side(setup.side)
    sign = side.sign
    tick = Decimal(setup.tick)
    confident = min(1.0, max(0.0, strength / 0.3))
    low_atr, high_atr = ZONE_REACH_ATR
    back = setup.atr * min(high_atr, max(low_atr, 0.15 + 0.35 * (1.0 - confident)))
    ahead = min(ZONE_AHEAD[0] * setup.atr, ZONE_AHEAD[1] * setup.price)
    ends = sorted((setup.price - sign * back, setup.price + sign * ahead))
    low = round_to_tick(from_float(ends[0]), tick, "down")
    high = round_to_tick(from_float(ends[1]), tick, "up")
    if low >= high:
        high = low + tick
    reference = (low + high) / 2
    stop = _stop(setup, side, float(reference), tick)
    # A tick as wide as the plan would lay the stop into the zone.
    stop = min(stop, low - tick) if side is Side.LONG else max(stop, high + tick)
    risk = abs(reference - stop)
    targets = _targets(setup, side, float(reference), float(risk), tick)
    r = tuple(float(sign * (price - reference) / risk) for price in targets)
    reward = sum(share * multiple for share, multiple in zip(SHARES, r, strict=True))
    return Plan(
        low, high, reference, stop, targets, r, reward, _leverage(setup, side, reference, stop)
    )


def _stop(setup: Setup, side: Side, reference: float, tick: Decimal) -> Decimal:
    distance = STOP_ATR * setup.atr
    swing = setup.swing_low if side is Side.LONG else setup.swing_high
    if swing == swing:
        beyond = side.sign * (reference - swing) + _BEYOND_SWING_ATR * setup.atr
        low, high = (multiple * setup.atr for multiple in STOP_RANGE_ATR)
        if low <= beyond <= high:
            distance = beyond
    # Never inside a heap of the same side: its sweep would take the stop along.
    for heap in setup.clusters:
        if (heap.side == 0) == (side is Side.LONG):
            away = side.sign * (reference - heap.price)
            if abs(away - distance) < 0.1 * setup.atr and away < STOP_RANGE_ATR[1] * setup.atr:
                distance = away + _BEYOND_SWING_ATR * setup.atr
                break
    distance = min(distance, STOP_RANGE_ATR[1] * setup.atr)
    price = from_float(reference - side.sign * distance)
    return round_to_tick(price, tick, "down" if side is Side.LONG else "up")


def _targets(
    setup: Setup, side: Side, reference: float, risk: float, tick: Decimal
) -> tuple[Decimal, ...]:
    """Return targets near 1, 2 and 3 R, drawn in front of opposing heaps that stand close by."""
    chosen: list[float] = []
    for multiple in TARGETS_R:
        best = multiple
        for heap in setup.clusters:
            if (heap.side == 1) == (side is Side.LONG):
                front = side.sign * (heap.price - reference) - _BEFORE_CLUSTER_ATR * setup.atr
                there = front / risk
                if abs(there - multiple) <= _TARGET_PLAY_R:
                    best = there
                    break
        if chosen and best - chosen[-1] < _LEAST_STEP_R:
            best = chosen[-1] + _LEAST_STEP_R
        chosen.append(best)
    # Towards the entry, so that a target is never promised beyond what was weighed.
    rounding: Rounding = "down" if side is Side.LONG else "up"
    away: Rounding = "up" if side is Side.LONG else "down"
    apart = side.sign * from_float(_LEAST_STEP_R * risk)
    prices: list[Decimal] = []
    before = from_float(reference)
    for r in chosen:
        price = round_to_tick(from_float(reference + side.sign * r * risk), tick, rounding)
        nearest = round_to_tick(before + apart, tick, away)
        before = max(price, nearest) if side is Side.LONG else min(price, nearest)
        prices.append(before)
    return tuple(prices)


def _leverage(setup: Setup, side: Side, reference: Decimal, stop: Decimal) -> int:
    """Return the highest leverage at which the stop lies within half the way to liquidation."""
    entry, distance = float(reference), float(abs(reference - stop))
    most = bracket_of(setup.brackets, _SAFE_NOTIONAL).max_leverage
    quantity = _SAFE_NOTIONAL / entry
    needed = 2.0 * distance + 3.0 * setup.sigma_1m * entry
    safe, unsafe = 0, most + 1
    while unsafe - safe > 1:  # liquidation comes nearer with every step of leverage
        leverage = (safe + unsafe) // 2
        price = liquidation_price(setup.brackets, side, entry, quantity, float(leverage))
        if abs(entry - price) >= needed:
            safe = leverage
        else:
            unsafe = leverage
    return safe
