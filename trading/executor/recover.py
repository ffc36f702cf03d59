"""A trade that stands at the exchange and not in our rows: a restored backup has lost its minutes.

The signal is handed out once more, and its trade finds orders that carry the very ids it would give
them. They are taken over instead of being entered a second time (F-61, EX-18).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.decimals import Rounding, round_to_step, round_to_tick
from cryptosystems.kernel.instruments import Side
from trading.contracts import TradeState
from trading.domain.client_ids import client_id
from trading.domain.orders import TARGETS, Leg
from trading.domain.plan import PlannedTarget, TradePlan
from trading.domain.venue import Service, TradingRules, VenueOrder
from trading.executor import reads, reconcile, store
from trading.executor.reads import Desk
from trading.models import Trade, TradeOrder
from trading.reconciliation.state import OrderFacts, TradeFacts
from trading.services import follow
from trading.services.settings import settings_of

ATTEMPTS: Final = {Leg.ENTRY: 1, Leg.GUARD: 3, Leg.STOP: 4, **dict.fromkeys(TARGETS, 2)}
"""How many attempts of each leg are asked for: more than minutes without rows can hold."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Orders of the trade were found and have rows again."""

    plan: TradePlan
    stop: Decimal
    """Where the newest stop rests."""


async def find(desk: Desk, trade: TradeFacts, now_ms: int) -> bool:
    """Ask for every order that this trade would have made, and adopt what is there."""
    found: list[VenueOrder] = []
    for leg, attempts in ATTEMPTS.items():
        service = Service.ALGO if leg.is_protection else Service.ORDER
        for attempt in range(1, attempts + 1):
            name = client_id(trade.user_id, trade.account_id, trade.signal_id, leg, attempt)
            told = await desk.port.order(trade.symbol, name, service)
            if told is not None:
                found.append(told)
    if not found:
        return False
    await desk.db.run(reconcile.adopt, desk.ref, tuple(found), now_ms, desk.holding)
    for told in found:
        await reads.take_order(desk, told, now_ms)
    return True


def rebuilt(row: Trade, rules: TradingRules, leverage: int) -> Recovered | None:
    """Return the plan that the found orders were made by; None where there was no entry."""
    orders = [
        store.order_facts(order)
        for order in TradeOrder.objects.for_user(row.user_id).filter(trade=row)
    ]
    entry = next((order for order in orders if order.leg is Leg.ENTRY), None)
    if entry is None or entry.request.quantity is None or entry.request.price is None:
        return None
    signal = follow.signal_from_dict(row.signal)
    outward: Rounding = "down" if signal.side is Side.LONG else "up"
    price, quantity = entry.request.price, entry.request.quantity
    stop = round_to_tick(signal.stop, rules.tick, outward)
    distance = abs(price - stop)
    plan = TradePlan(
        symbol=row.symbol,
        side=signal.side,
        entry_low=signal.entry_low,
        entry_high=signal.entry_high,
        entry_price=price,
        valid_until_ms=signal.valid_until_ms,
        expires_ms=signal.expires_ms,
        stop=stop,
        targets=tuple(
            PlannedTarget(
                round_to_tick(at, rules.tick, outward),
                round_to_step(quantity * share, rules.step),
                abs(at - price) / distance if distance else Decimal(0),
            )
            for at, share in signal.targets
        ),
        quantity=quantity,
        leverage=leverage,
        risk_amount=quantity * distance,
        r_distance=distance,
        notional=quantity * price,
        liquidation_price=Decimal(0),
        equity=Decimal(0),
        reference=price,
        atr=signal.atr,
        tick=rules.tick,
        step=rules.step,
        is_trailing=settings_of(row.user_id, row.account_id).is_trailing,
    )
    return Recovered(plan, _newest_stop(orders) or stop)


def _newest_stop(orders: list[OrderFacts]) -> Decimal | None:
    """Return where the stop was last, by the orders that still rest or rested last."""
    stops = [order for order in orders if order.leg is Leg.STOP] or [
        order for order in orders if order.leg is Leg.GUARD
    ]
    newest = max(stops, key=lambda order: order.attempt, default=None)
    return None if newest is None else newest.request.trigger_price


def take_over(row: Trade, found: Recovered) -> None:
    """Let the row stand as if nothing had been lost; the rules do the rest."""
    signal = follow.signal_from_dict(row.signal)
    row.state = TradeState.ENTERING.value
    row.max_quantity, row.risk_amount = found.plan.quantity, found.plan.risk_amount
    row.stop_price = found.stop
    row.stop_level = "initial" if found.stop == found.plan.stop else "break_even"
    # Executions are read since then: those of the lost minutes are older than the row.
    row.decided_at = row.sent_at = to_datetime(signal.issued_ms)
