"""Rules of protection: a property of state, looked at on every pass (EX-08 to EX-14, EX-36)."""

from typing import Final

from trading.contracts import TradeState
from trading.domain.orders import Leg, OrderState
from trading.reconciliation import timing
from trading.reconciliation.guards import Guard
from trading.reconciliation.look import ENDED, Look
from trading.reconciliation.state import OrderFacts
from trading.reconciliation.steps import (
    Ask,
    Become,
    Cancel,
    Close,
    Decision,
    GiveUp,
    Mark,
    MarkUnknown,
    Urgency,
    What,
)

WOULD_TRIGGER: Final = -2021
ONE_RESTS: Final = -4130
IS_FLAT: Final = -4509
_SEEN_WRITE_MS: Final = 5_000
_STOP_TRIES: Final = 2
"""A stop that was lost is placed once more, then the position is closed."""


def claimed_by_the_dead(look: Look) -> Decision | None:
    """Whatever is claimed while we decide was claimed by a process that is gone."""
    for order in look.trade.orders:
        if order.state is OrderState.SUBMITTING:
            return look.do(MarkUnknown(order), Urgency.PROTECT)
    return None


def empty_is_not_flat(look: Look) -> Decision | None:
    """Hold while the exchange shows nothing and no fill explains it (EX-14)."""
    trade, reading = look.trade, look.venue.position
    if trade.open_quantity <= 0 or look.position is None or reading is None or look.position > 0:
        return None
    if not look.has(Guard.EMPTY_IS_NOT_FLAT):
        return None
    zero_since = reading.zero_since_ms
    if zero_since is None:  # turned to the other side: our fills are missing or it is not ours
        zero_since = reading.read_ms
    if not look.is_read_since(What.FILLS, zero_since):
        return look.read(What.FILLS, "position_gone")
    if reading.read_ms - zero_since < timing.FLAT_APART_MS:
        if look.is_past(reading.read_ms + timing.FLAT_AGAIN_MS):
            return look.read(What.POSITION, "twice")
        return look.nothing_else()
    if look.venue.fills_read_ms < reading.read_ms:
        return look.read(What.FILLS, "position_gone")
    told = look.tell_once(
        "hold",
        "The exchange shows no position, and no trade explains that. Nothing is placed, cancelled "
        "or booked until it does.",
        is_alarm=True,
    )
    if told is not None:
        return told
    if look.is_past(reading.read_ms + timing.HOLD_AGAIN_MS):
        return look.read(What.POSITION, "hold")
    return look.nothing_else()


def marks(look: Look) -> Decision | None:
    """Keep in the row since when it is naked, or which stop was seen last."""
    trade = look.trade
    if look.is_naked:
        if trade.naked_since_ms is None:
            return look.do(Mark(look.now_ms), Urgency.PROTECT)
        return None
    newest = max(look.covering, key=_best_proof, default=None)
    seen_ms = newest.seen_ms if newest is not None else None
    is_newer = newest is not None and (
        newest.exchange_id != trade.stop_seen_id
        or (seen_ms or 0) >= (trade.stop_seen_ms or 0) + _SEEN_WRITE_MS
    )
    if trade.naked_since_ms is not None or (is_newer and look.held > 0):
        return look.do(
            Mark(None, seen_ms, newest.exchange_id if newest is not None else ""), Urgency.PROTECT
        )
    return None


def _best_proof(order: OrderFacts) -> tuple[bool, int]:
    return order.leg is Leg.STOP, order.seen_ms or 0


def opened(look: Look) -> Decision | None:
    """Say in the row that something is open, however that became known."""
    if look.held > 0 and look.trade.state is TradeState.ENTERING:
        return look.do(Become(TradeState.OPEN), Urgency.PROTECT)
    return None


def lost_stops(look: Look) -> int:
    """Return how many close-position stops have gone without our asking."""
    return sum(order.is_lost for order in look.trade.of(Leg.STOP))


def is_over(look: Look) -> tuple[str, str] | None:
    """Return why the position cannot stay as it is protected, as code and sentence."""
    trade = look.trade
    stop, guard = trade.last(Leg.STOP), trade.last(Leg.GUARD)
    for order in (stop, guard):
        if order is not None and order.was_refused and order.code == WOULD_TRIGGER:
            if order.leg is Leg.GUARD and not look.entry_was_sent:
                continue
            if trade.stop_level != "initial":
                return trade.stop_level, "The price was beyond the new stop when it was placed."
            return "stop_passed", "The price was beyond the stop when it was placed."
    if stop is not None and stop.was_refused and stop.code not in (ONE_RESTS, IS_FLAT):
        return "stop_refused", f"The exchange refused the stop ({stop.code}: {stop.message})."
    for order in trade.of(Leg.STOP, Leg.GUARD):
        is_newest = order in (stop, guard)
        if is_newest and order.state is OrderState.REJECTED and order.is_lost and look.is_naked:
            return "stop_rejected", "The stop fired and the exchange refused to execute it."
    if look.is_naked and lost_stops(look) >= _STOP_TRIES:
        return "stop_lost", "The stop has gone twice without our doing."
    if look.firing is not None and look.now_ms >= look.firing.updated_ms + timing.FIRING_MS:
        return "stop_stuck", "The stop fired and did not close the position within 10 seconds."
    since = trade.naked_since_ms
    if not look.has(Guard.CLOSE_UNPROTECTED):
        return None
    if look.is_naked and since is not None and look.is_past(since + timing.STOP_CONFIRM_MS):
        return "stop_unconfirmed", "No stop could be confirmed within 5 seconds."
    return None


def silent_stop(look: Look) -> Decision | None:
    """The price has long been beyond the stop and it did not fire: watch it ourselves (F-38)."""
    past = look.venue.past_stop_since_ms
    if past is None or look.held <= 0 or look.firing is not None or not look.has(Guard.WATCH):
        return None
    if look.trade.state is TradeState.CLOSING or not look.is_past(past + timing.SILENT_STOP_MS):
        return None
    after = past + timing.PAST_STOP_MS
    if not look.is_read_since(What.POSITION, after) and look.venue.position_fails < 2:
        return look.read(What.POSITION, "silent_stop", Urgency.PROTECT)
    return look.do(
        Close("stop_silent", "The price was beyond the stop for 5 seconds and it did not fire."),
        Urgency.PROTECT,
    )


def stop_for_position(look: Look) -> Decision | None:
    """Have the close-position stop rest as soon as something is open, and see it."""
    trade = look.trade
    if look.held <= 0 or trade.state is TradeState.CLOSING or look.firing is not None:
        return None
    stop = trade.last(Leg.STOP)
    assert trade.stop_price is not None
    if stop is None or stop.state is OrderState.DROPPED:
        return look.prepare(Leg.STOP, "protect", Urgency.PROTECT, trigger=trade.stop_price)
    if stop.state is OrderState.PREPARED:
        return look.send(stop, Urgency.PROTECT)
    if stop.state in ENDED:
        return _stop_again(look, stop)
    if stop.state is OrderState.UNKNOWN or stop.seen_ms is None:
        return _until_seen(look, stop)
    if stop.not_found:
        return _until_found(look, stop)
    return None


def _stop_again(look: Look, stop: OrderFacts) -> Decision | None:
    """After a move, a loss, or a refusal that does not mean "close"."""
    trade = look.trade
    assert trade.stop_price is not None
    ended = stop.ended_ms or look.now_ms
    if stop.code == IS_FLAT or stop.is_lost:
        # It may have gone because the position has: look before placing another one.
        if not look.is_read_since(What.POSITION, ended) and look.venue.position_fails < 2:
            return look.read(What.POSITION, "stop_gone", Urgency.PROTECT)
        if stop.code == IS_FLAT and not look.is_past(ended + 500):
            return None
    if stop.was_refused and stop.code == ONE_RESTS:
        return _one_rests(look, stop)
    return look.prepare(Leg.STOP, "protect_again", Urgency.PROTECT, trigger=trade.stop_price)


def _one_rests(look: Look, stop: OrderFacts) -> Decision | None:
    """-4130: a close-position stop rests. Ours from before, or one that the person placed."""
    answered = stop.answered_ms or look.now_ms
    earlier = [o for o in look.trade.of(Leg.STOP) if o.attempt < stop.attempt]
    for order in reversed(earlier):
        if order.cancel_asked_ms is None and (order.asked_ms or 0) < answered:
            return look.do(Ask(order, "one_rests"), Urgency.PROTECT)
    if any(order.state is OrderState.WORKING for order in earlier):
        return None
    return _guard_instead(look)


def _guard_instead(look: Look) -> Decision | None:
    """Protect by quantity where the person's own close-position stop takes the only place."""
    guard = look.trade.last(Leg.GUARD)
    assert look.trade.stop_price is not None
    if look.covering:
        return look.tell_once(
            "own_stop_stands",
            "A close-position stop of your own rests at the exchange; ours stands beside it, by "
            "quantity.",
        )
    if guard is None or not guard.state.may_rest:
        if guard is not None and guard.state is OrderState.PREPARED:
            return look.send(guard, Urgency.PROTECT)
        return look.prepare(
            Leg.GUARD,
            "protect_by_quantity",
            Urgency.PROTECT,
            trigger=look.trade.stop_price,
            quantity=look.held,
        )
    return _until_seen(look, guard)


def _until_seen(look: Look, order: OrderFacts) -> Decision | None:
    """Ask until it is seen. A stop may be sent again, unlike an entry (EX-10)."""
    sent = order.sent_ms or order.prepared_ms
    is_late = look.now_ms >= sent + timing.READ_LAG_MS
    if order.not_found >= 2 and is_late:
        return look.do(
            GiveUp(order, "The exchange does not know this stop; another one is placed."),
            Urgency.PROTECT,
        )
    return look.ask_until_seen(order)


def _until_found(look: Look, order: OrderFacts) -> Decision | None:
    """Seen before, and not found now: one answer proves nothing, two in a row re-stop."""
    if order.not_found >= 2:
        return look.do(
            GiveUp(
                order, "The exchange has lost this stop. It is watched for, in case it returns."
            ),
            Urgency.PROTECT,
        )
    if look.is_past((order.asked_ms or 0) + timing.READ_LAG_MS):
        return look.do(Ask(order, "not_found"), Urgency.PROTECT)
    return None


def one_stop_in_its_place(look: Look) -> Decision | None:
    """Move the stop over a bridge, and take away what protects twice (EX-36).

    Six steps, each a consequence of what rests: bridge placed, seen, old stop cancelled, new stop
    placed (by `stop_for_position`), seen, bridge cancelled.
    """
    trade = look.trade
    if look.held <= 0 or trade.state is TradeState.CLOSING or look.firing is not None:
        return None
    stops, guards = look.resting(Leg.STOP), look.resting(Leg.GUARD)
    in_place = [o for o in stops if look.covers(o) and o.request.trigger_price == look.stop_at]
    if in_place:
        kept = in_place[-1]
        return look.end_all([o for o in (*guards, *stops) if o is not kept], "covered_by_stop")
    old = [o for o in stops if o.request.trigger_price != look.stop_at]
    return _over_the_bridge(look, old) if old else None


def _over_the_bridge(look: Look, old: list[OrderFacts]) -> Decision | None:
    trade = look.trade
    assert trade.stop_price is not None
    bridge = trade.last(Leg.GUARD)
    if not look.has(Guard.BRIDGE):
        return look.end_all(old, "moved")
    is_here = bridge is not None and bridge.request.trigger_price == look.stop_at
    if bridge is None or not is_here or bridge.state in (*ENDED, OrderState.DROPPED):
        if bridge is not None and is_here and bridge.state is not OrderState.DROPPED:
            pause = timing.BRIDGE_AGAIN_MS if bridge.was_refused else timing.READ_LAG_MS
            again = (bridge.ended_ms or look.now_ms) + pause
            if not look.is_past(again):
                return None
        return look.prepare(
            Leg.GUARD,
            "bridge",
            Urgency.TIDY,
            trigger=trade.stop_price,
            quantity=look.held,
        )
    if bridge.state is OrderState.PREPARED:
        return look.send(bridge, Urgency.TIDY)
    if look.covers(bridge):
        return look.end_all(old, "moved")
    if bridge.state is OrderState.WORKING and bridge.seen_ms is not None and not bridge.not_found:
        return look.end(bridge, "too_small")
    return _until_seen(look, bridge)


def watch_stops(look: Look) -> Decision | None:
    """Look for every stop at its time, and at once when the price has passed it (EX-12)."""
    firing = look.firing
    if not look.has(Guard.WATCH):
        return None
    if firing is not None:
        return _ask_firing(look, firing)
    past = look.venue.past_stop_since_ms
    for order in look.covering:
        if look.held > 0 and past is not None:
            due = past + timing.PAST_STOP_MS
            if (order.asked_ms or 0) < due and look.is_past(due):
                return look.do(Ask(order, "price_is_past"), Urgency.PROTECT)
        first = order.first_seen_ms or order.seen_ms or look.now_ms
        is_early = look.now_ms < first + timing.WATCH_EARLY_FOR_MS
        period = timing.WATCH_EARLY_MS if is_early else timing.WATCH_LATE_MS
        if look.is_past(max((order.seen_ms or 0) + period, (order.asked_ms or 0) + 1_000)):
            return look.do(Ask(order, "watch"), Urgency.RESOLVE)
    for order in look.resting(Leg.GUARD, Leg.STOP):
        is_missed = order.seen_ms is not None and order.not_found > 0
        if order.state is OrderState.WORKING and is_missed:
            found = _until_found(look, order)
            if found is not None:
                return found
    return None


def _ask_firing(look: Look, firing: OrderFacts) -> Decision | None:
    """Ask what a fired stop has become; one that is stuck is taken back once we are flat."""
    is_flat, since = look.held <= 0, firing.updated_ms
    if is_flat and firing.cancel_asked_ms is None and look.is_past(since + timing.FIRING_MS):
        return look.do(Cancel(firing, "stuck"), Urgency.TIDY)
    if is_flat and look.is_past(since + timing.STUCK_MS):
        return look.do(
            GiveUp(firing, "It never finished firing; nothing is open that it could close."),
            Urgency.TIDY,
        )
    if look.is_past(max(firing.updated_ms, firing.asked_ms or 0) + 1_000):
        return look.do(Ask(firing, "firing"), Urgency.PROTECT)
    return None


def say_lost(look: Look) -> Decision | None:
    """Tell the person that a stop of theirs was taken away (F-47)."""
    if look.held <= 0 or not lost_stops(look):
        return None
    return look.tell_once(
        "stop_gone",
        "The stop was cancelled at the exchange, and not by us. It was placed once more; if it "
        "goes again the position is closed.",
        is_alarm=True,
    )
