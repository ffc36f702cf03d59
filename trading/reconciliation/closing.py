"""Rules of leaving: why a position is closed, the loop that closes it, and what is left to tidy."""

from decimal import Decimal
from typing import Final

from cryptosystems.kernel.decimals import round_to_step
from trading.contracts import StopMode, TradeState
from trading.domain.orders import TARGETS, Leg, OrderState
from trading.reconciliation import protect, timing
from trading.reconciliation.guards import Guard
from trading.reconciliation.look import ENDED, Look
from trading.reconciliation.state import ZERO, OrderFacts
from trading.reconciliation.steps import Ask, Become, Close, Decision, GiveUp, Urgency, What

TARGETS_IN_THE_WAY: Final = (-2022, -4118)
"""Reduce-only refused: resting targets use up the position, or nothing is open."""
EXIT_WORDS: Final = {
    "initial": ("stop", "The stop was hit."),
    "break_even": ("break_even", "The stop at break-even was hit."),
    "plus_1r": ("plus_1r", "The stop at +1 R was hit."),
    "trailing": ("trailing", "The trailing stop was hit."),
}
OUTSIDE_WORDS: Final = {
    "by_hand": ("closed_by_hand", "It was closed by hand at the exchange."),
    "liquidation": ("liquidation", "The exchange liquidated the position."),
    "adl": ("adl", "The exchange closed it to deleverage another account (ADL)."),
    "settlement": ("settlement", "The contract was settled by the exchange."),
}


def wish_to_close(look: Look) -> Decision | None:
    """Begin the close loop where anything asks for it."""
    trade = look.trade
    if trade.state is TradeState.CLOSING or look.held <= 0:
        return None
    found = protect.is_over(look)
    if found is not None:
        return look.do(Close(*found), Urgency.PROTECT)
    if look.standing.stop_mode is StopMode.FLATTEN:
        return look.do(Close("kill_switch", "A kill switch closes every position."), Urgency.CLOSE)
    if trade.close_asked_ms is not None:
        return look.do(Close("by_hand", "You asked to close it."), Urgency.CLOSE)
    if look.standing.is_managed and look.is_past(look.terms.expires_ms):
        return look.do(Close("time", "The time of the signal is over."), Urgency.CLOSE)
    if not look.entry_may_fill and _is_dust(look):
        return look.do(
            Close("dust", "Too little was filled to be managed with a stop and targets."),
            Urgency.CLOSE,
        )
    return None


def _is_dust(look: Look) -> bool:
    """Say whether an entry ended with less than the exchange's smallest order."""
    trade = look.trade
    if trade.targets_hit or trade.open_quantity != trade.entered or look.entry_missing:
        return False
    price = trade.entry_price or look.terms.entry_price
    return look.held < look.terms.min_quantity or look.held * price < look.terms.min_notional


def close_loop(look: Look) -> Decision | None:
    """Position query, reduce-only market, query: without end while something of ours is open."""
    trade = look.trade
    if trade.state is not TradeState.CLOSING:
        return None
    late = _say_late(look)
    if late is not None:
        return late
    if look.entry is not None:
        found = look.end(look.entry, "closing", Urgency.CLOSE)
        if found is not None:
            return found
    last = trade.last(Leg.CLOSE)
    if last is not None and last.state is OrderState.PREPARED:
        return look.send(last, Urgency.CLOSE) or look.nothing_else()
    if last is not None and last.state.may_rest:
        return _settle_close(look, last)
    if look.held <= 0:
        return None
    if last is not None and last.was_refused and last.code in TARGETS_IN_THE_WAY:
        found = look.end_all(look.resting(*TARGETS), "in_the_way")
        if found is not None:
            return found
    if last is not None and not look.has(Guard.CLOSE_WITHOUT_END):
        return look.nothing_else()
    return _next_close(look, last)


def _next_close(look: Look, last: OrderFacts | None) -> Decision | None:
    """Look at the position, then close what is ours of it."""
    ended = 0 if last is None else (last.ended_ms or last.updated_ms)
    if last is not None and not look.is_past(ended + timing.close_pause_ms(look.trade.close_tries)):
        return look.nothing_else()
    since = max(ended, look.trade.close_since_ms or 0)
    # Where it cannot be read, reduce-only alone keeps the close from opening anything.
    if not look.is_read_since(What.POSITION, since) and look.venue.position_fails < 2:
        return look.read(What.POSITION, "close", Urgency.CLOSE)
    if last is not None and last.filled > 0 and not look.is_read_since(What.FILLS, ended):
        return look.read(What.FILLS, "close", Urgency.CLOSE)
    quantity = _close_quantity(look)
    if quantity <= 0:
        if not look.is_read_since(What.FILLS, ended):
            return look.read(What.FILLS, "close", Urgency.CLOSE)
        reading = look.venue.position
        if reading is None or look.is_past(reading.read_ms + timing.FLAT_AGAIN_MS):
            return look.read(What.POSITION, "close", Urgency.CLOSE)
        return look.nothing_else()
    return look.prepare(Leg.CLOSE, "close", Urgency.CLOSE, quantity=quantity)


def _close_quantity(look: Look) -> Decimal:
    """Return what to close now: never more than we opened, nor more than is there."""
    most = min(look.held, look.terms.market_max_quantity)
    if look.position is not None and look.venue.position_fails < 2:
        most = min(most, max(ZERO, look.position))
    return round_to_step(most, look.terms.step)


def _settle_close(look: Look, order: OrderFacts) -> Decision | None:
    """Know how the last close ended before another one is sent."""
    sent = order.sent_ms or order.prepared_ms
    if order.state is OrderState.UNKNOWN and order.not_found >= timing.CLOSE_NOT_FOUND:
        # A second reduce-only close cannot reverse; it could only take what the person added.
        reading = look.venue.position
        is_all_ours = reading is not None and abs(reading.quantity) <= look.held
        wait_ms = timing.READ_LAG_MS if is_all_ours else timing.UNKNOWN_END_MS
        if not look.is_read_since(What.POSITION, sent + timing.READ_LAG_MS) and look.is_past(
            sent + timing.READ_LAG_MS
        ):
            return look.read(What.POSITION, "close", Urgency.CLOSE)
        if look.is_past(sent + wait_ms):
            return look.do(
                GiveUp(order, "The exchange does not know this close; another one is sent."),
                Urgency.CLOSE,
            )
    at = timing.asks_after(sent, order.asked, timing.CONFIRM_ASKS_MS, 1_000)
    if look.is_past(max(at, (order.asked_ms or 0) + 200)):
        return look.do(Ask(order, "close"), Urgency.CLOSE)
    return look.nothing_else()


def _say_late(look: Look) -> Decision | None:
    since = look.trade.close_since_ms
    if since is None or look.held <= 0:
        return None
    if look.is_past(since + timing.CLOSE_ALARM_MS):
        said = look.tell_once(
            "close_late",
            "The position could not be closed within 10 seconds. It is tried without end.",
            is_alarm=True,
        )
        if said is not None:
            return said
        if look.is_past(since + timing.CLOSE_PAGE_MS):
            return look.tell_once(
                "close_page",
                "The position could not be closed within 30 seconds. Close it by hand at the "
                "exchange if you can; we go on trying.",
                is_alarm=True,
            )
    return None


def tidy_and_finish(look: Look) -> Decision | None:
    """Once nothing is open: cancel what is left of ours, see that it is gone, end (EX-16)."""
    trade = look.trade
    if look.held > 0 or (look.entry_was_sent and look.entry_may_fill):
        return None
    if trade.entered > 0:
        if trade.open_quantity > 0:
            return None
    elif not _has_given_up(look):
        return None
    if not look.has(Guard.NO_ORPHANS):
        return look.do(_ending(look), Urgency.TIDY)
    rest = [o for o in trade.orders if o.leg is not Leg.ENTRY or o.state is OrderState.PREPARED]
    found = look.end_all(rest, "flat")
    if found is not None:
        return found
    if any(order.state.may_rest for order in trade.orders):
        return None
    seen = _until_proven(look)
    if seen is not None:
        return seen
    return look.do(_ending(look), Urgency.TIDY)


def _until_proven(look: Look) -> Decision | None:
    """Read what shows that nothing of ours is left, where anything was ever sent."""
    sent = [order for order in look.trade.orders if order.is_sent and order.exchange_id]
    if not sent:
        return None
    ended = max(order.ended_ms or order.updated_ms for order in sent)
    since = max(ended, look.trade.last_fill_ms or 0) + timing.READ_LAG_MS
    for what in (What.ORDERS, What.POSITION, What.FILLS):
        if what is not What.ORDERS and not look.entry_was_sent:
            continue
        if not look.is_read_since(what, since):
            return (
                look.read(what, "tidy", Urgency.TIDY)
                if look.is_past(since)
                else look.nothing_else()
            )
    return None


def _has_given_up(look: Look) -> bool:
    """Say whether the entry will not come: it ended, or was never to leave."""
    entry = look.entry
    if look.trade.reason and (entry is None or not entry.is_sent):
        return True
    return entry is not None and entry.state in (*ENDED, OrderState.DROPPED)


def _ending(look: Look) -> Become:
    trade = look.trade
    if trade.entered > 0:
        if trade.reason:
            return Become(TradeState.CLOSED, trade.reason)
        if trade.exit_kind in OUTSIDE_WORDS:
            return Become(TradeState.CLOSED, *OUTSIDE_WORDS[trade.exit_kind])
        if trade.exit_kind in (Leg.STOP.value, Leg.GUARD.value):
            return Become(TradeState.CLOSED, *EXIT_WORDS[trade.stop_level])
        return Become(TradeState.CLOSED, "targets", "The last target was filled.")
    if trade.reason:
        was_sent = any(order.is_sent for order in trade.orders)
        return Become(TradeState.NOT_ENTERED if was_sent else TradeState.SKIPPED, trade.reason)
    entry = look.entry
    if entry is not None and entry.was_refused:
        return Become(
            TradeState.NOT_ENTERED,
            "entry_refused",
            f"The exchange refused the entry ({entry.code}: {entry.message}).",
        )
    if entry is not None and entry.is_sent and not entry.exchange_id:
        return Become(
            TradeState.NOT_ENTERED,
            "entry_lost",
            "The exchange never answered about the entry and does not know it. It is not sent "
            "again.",
        )
    return Become(
        TradeState.NOT_ENTERED, "not_filled", "The entry was not filled while it was valid."
    )
