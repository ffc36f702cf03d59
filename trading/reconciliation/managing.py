"""Rules of an open position that is protected: targets, levels of the stop, missing orders."""

from decimal import Decimal
from typing import Final

from trading.contracts import TradeState
from trading.domain.orders import TARGETS, Leg, OrderState
from trading.reconciliation import targets as ladder
from trading.reconciliation import timing
from trading.reconciliation.guards import Guard
from trading.reconciliation.look import Look
from trading.reconciliation.state import ZERO, OrderFacts
from trading.reconciliation.steps import Ask, Decision, GiveUp, MoveStop, Urgency, What
from trading.reconciliation.targets import WantedTarget

_REFUSED_PAUSE_MS: Final = 30_000
_REFUSED_CAP_MS: Final = 600_000


def missing_fills(look: Look) -> Decision | None:
    """Read executions where order or position tell of more than is booked."""
    trade = look.trade
    has_missing = any(order.filled > 0 for order in trade.orders) and look.entry_missing > 0
    if has_missing or _leaves_unbooked(look):
        newest = max(order.updated_ms for order in trade.orders)
        last_read = look.venue.fills_read_ms
        if last_read < newest or look.is_past(last_read + 1_000):
            return look.read(What.FILLS, "not_booked", Urgency.RESOLVE)
    position = look.position
    if position is None or trade.entered == 0 or position == look.held:
        return None
    reading = look.venue.position
    assert reading is not None
    if look.venue.fills_read_ms < reading.read_ms:
        return look.read(What.FILLS, "position_differs", Urgency.RESOLVE)
    if position > look.held and not look.entry_may_fill and trade.state is TradeState.OPEN:
        return look.tell_once(
            "position_is_larger",
            "The position at the exchange is larger than ours. The stop covers all of it; we close "
            "only our part.",
        )
    return None


def _leaves_unbooked(look: Look) -> bool:
    """Say whether an order counts as filled although nothing of ours has left for it."""
    trade = look.trade
    told = sum((order.filled for order in trade.orders if order.leg is not Leg.ENTRY), ZERO)
    return trade.open_quantity > 0 and told > trade.entered - trade.open_quantity


def wanted_level(look: Look) -> Decision | None:
    """Move the stop after targets, and behind the price after the second; only towards profit."""
    trade = look.trade
    if trade.state is not TradeState.OPEN or not trade.targets_hit or not look.covering:
        return None
    if not look.standing.is_managed or trade.entry_price is None or trade.stop_price is None:
        return None
    even = ladder.break_even(
        trade.side, trade.entry_price, look.terms, trade.funding, trade.entered
    )
    price, level = ladder.level_after(
        trade.side, trade.entry_price, look.terms, trade.targets_hit, even
    )
    if look.terms.is_trailing and trade.targets_hit >= 2 and look.venue.best_mark is not None:
        best = max(trade.stop_price * trade.side.sign, price * trade.side.sign) * trade.side.sign
        behind = ladder.trailed(trade.side, look.venue.best_mark, best, look.terms)
        if behind is not None:
            price, level = behind, "trailing"
    if not ladder.is_towards_profit(trade.side, trade.stop_price, price):
        return None
    return look.do(MoveStop(price, level), Urgency.TIDY)


def far_from_liquidation(look: Look) -> Decision | None:
    """Bring the stop nearer where fills or funding have moved the liquidation price (EX-23)."""
    trade, reading = look.trade, look.venue.position
    if trade.state is not TradeState.OPEN or reading is None or not look.covering:
        return None
    liquidation, entry = reading.liquidation_price, trade.entry_price
    if not liquidation or entry is None or trade.stop_price is None:
        return None
    if (entry - liquidation) * trade.side.sign <= 0:
        return None  # beyond the entry: what the position has earned holds it
    nearest = ladder.farthest_stop(trade.side, entry, liquidation, look.terms.tick)
    if not ladder.is_towards_profit(trade.side, trade.stop_price, nearest):
        return None
    return look.do(MoveStop(nearest, trade.stop_level), Urgency.PROTECT)


def rest_targets(look: Look) -> Decision | None:
    """Have the right targets rest: after the stop is confirmed, never more than is open (EX-15)."""
    trade = look.trade
    if trade.state is not TradeState.OPEN or look.is_naked or look.firing is not None:
        return None
    if not look.standing.is_managed or look.entry_missing or trade.open_quantity <= 0:
        return None
    if not any(order.leg is Leg.STOP for order in look.covering) and look.trade.last(Leg.STOP):
        return None  # being placed or moved; the guard covers meanwhile
    last = trade.last_fill_ms
    is_filling = look.entry_may_fill and last is not None
    if is_filling and not look.is_past((last or 0) + timing.REBUILD_AFTER_MS):
        return None
    done = _done(look)
    wanted = ladder.wanted_targets(look.terms, trade.entered, done, trade.open_quantity)
    if not wanted:
        if look.resting(*TARGETS):
            return look.end_all(look.resting(*TARGETS), "not_wanted")
        return look.tell_once(
            "no_targets", "What was filled is too small for targets; the stop and the time end it."
        )
    by_leg = {one.leg: one for one in wanted}
    for order in look.trade.of(*TARGETS):
        is_standing = order.state in (OrderState.WORKING, OrderState.PREPARED)
        if is_standing and not _is_right(order, by_leg.get(order.leg)):
            return look.end(order, "rebuilt", Urgency.TARGET) or look.nothing_else()
    for one in wanted:
        found = _place(look, one)
        if found is not None:
            return found
    if len(wanted) < len(look.terms.targets) - sum(1 for leg in done if done[leg] > 0):
        return look.tell_once(
            "fewer_targets", "What was filled is too small for every target; some were joined."
        )
    return None


def _done(look: Look) -> dict[Leg, Decimal]:
    done: dict[Leg, Decimal] = {}
    for order in look.trade.of(*TARGETS):
        if order.filled > 0:
            done[order.leg] = done.get(order.leg, ZERO) + order.filled
    return done


def _is_right(order: OrderFacts, wanted: WantedTarget | None) -> bool:
    if wanted is None or order.request.quantity is None:
        return False
    rest = order.request.quantity - order.filled
    return rest == wanted.quantity and order.request.price == wanted.price


def _place(look: Look, wanted: WantedTarget) -> Decision | None:
    order = look.trade.last(wanted.leg)
    if order is not None:
        if order.state is OrderState.PREPARED:
            return look.send(order, Urgency.TARGET)
        if order.state.may_rest:
            return None
        if order.was_refused or order.is_lost:
            tries = sum(o.was_refused or o.is_lost for o in look.trade.of(wanted.leg))
            pause = min(_REFUSED_CAP_MS, _REFUSED_PAUSE_MS * 2 ** (tries - 1))
            if not look.is_past((order.ended_ms or 0) + pause):
                return None
    return look.prepare(
        wanted.leg, "target", Urgency.TARGET, quantity=wanted.quantity, price=wanted.price
    )


def watch_orders(look: Look) -> Decision | None:
    """Read what rests at its time: the net under the user stream (EX-19)."""
    trade = look.trade
    resting = [o for o in trade.orders if o.state is OrderState.WORKING]
    if not resting:
        return None
    for order in resting:
        found = _ask_missing(look, order)
        if found is not None:
            return found
    if look.is_past(look.venue.orders_read_ms + _net(look, timing.WATCH_EARLY_MS)):
        return look.read(What.ORDERS, "watch", Urgency.LOOK)
    return None


def _ask_missing(look: Look, order: OrderFacts) -> Decision | None:
    """Ask for an order that should rest and is not in the list of those that do."""
    told, read_ms = look.venue.orders, look.venue.orders_read_ms
    if told is None or order.leg.is_protection:
        return None  # stops have rules of their own
    changed = max(order.answered_ms or 0, order.updated_ms) + timing.READ_LAG_MS
    if read_ms < changed or any(one.client_id == order.client_id for one in told):
        return None
    if order.not_found >= 2:
        return look.do(
            GiveUp(order, "The exchange does not know this order any more."), Urgency.RESOLVE
        )
    if look.is_past(max(read_ms, (order.asked_ms or 0) + timing.READ_LAG_MS)):
        return look.do(Ask(order, "missing"), Urgency.RESOLVE)
    return None


def _net(look: Look, pause_ms: int) -> int:
    """Return the pause between readings that are only the net under the user stream."""
    return int(pause_ms * look.standing.pace)


def watch_position(look: Look) -> Decision | None:
    """Compare the position with our fills: soon after each fill, and by the clock."""
    trade, reading = look.trade, look.venue.position
    if trade.state is not TradeState.OPEN or look.held <= 0:
        return None
    if trade.last_fill_ms is not None:
        after = trade.last_fill_ms + _net(look, timing.READ_LAG_MS)
        if not look.is_read_since(What.POSITION, after) and look.is_past(after):
            return look.read(What.POSITION, "after_fill", Urgency.LOOK)
    if reading is None or look.is_past(reading.read_ms + _net(look, timing.WATCH_LATE_MS)):
        return look.read(What.POSITION, "watch", Urgency.LOOK)
    return None


def missing_stops(look: Look) -> Decision | None:
    """Ask for a stop of ours that the list of resting orders does not show."""
    told, read_ms = look.venue.orders, look.venue.orders_read_ms
    if told is None or not look.has(Guard.WATCH):
        return None
    for order in look.resting(Leg.GUARD, Leg.STOP):
        if order.state is not OrderState.WORKING or order.seen_ms is None:
            continue
        if read_ms < max(order.seen_ms, order.updated_ms) + timing.READ_LAG_MS:
            continue
        if any(one.client_id == order.client_id for one in told):
            continue
        if (order.asked_ms or 0) < read_ms:
            return look.do(Ask(order, "missing"), Urgency.PROTECT)
    return None
