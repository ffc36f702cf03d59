"""The decision: one trade and what is known of its market, in; the next step, out.

Rules are asked in the order of urgency and the first that wants something is done; then all is
decided anew from fresh rows. Nothing hangs on a transition: after a crash the same rules find the
same state (EX-17). Pure: no clock, no rows, no exchange.
"""

from collections.abc import Callable
from typing import Final

from trading.contracts import TradeState
from trading.domain.plan import is_outside
from trading.domain.venue import VenueOrder
from trading.reconciliation import closing, entering, managing, protect
from trading.reconciliation.look import Look
from trading.reconciliation.state import Standing, TradeFacts, VenueFacts
from trading.reconciliation.steps import Become, Decision, Plan, Urgency

Rule = Callable[[Look], Decision | None]

RULES: Final[tuple[Rule, ...]] = (
    protect.claimed_by_the_dead,
    protect.empty_is_not_flat,
    protect.marks,
    protect.opened,
    closing.wish_to_close,
    protect.silent_stop,
    closing.close_loop,
    protect.stop_for_position,
    protect.watch_stops,
    managing.missing_stops,
    protect.say_lost,
    entering.unresolved,
    entering.end_entry,
    managing.missing_fills,
    protect.one_stop_in_its_place,
    managing.far_from_liquidation,
    managing.wanted_level,
    managing.rest_targets,
    entering.enter,
    closing.tidy_and_finish,
    managing.watch_orders,
    managing.watch_position,
)


def decide(trade: TradeFacts, venue: VenueFacts, standing: Standing, now_ms: int) -> Decision:
    """Return the next step of a trade, or until when there is none."""
    if trade.state is TradeState.OFFERED:
        return _chosen(standing, now_ms) if trade.is_approved else _offered(trade, venue, now_ms)
    if trade.state is TradeState.CHOSEN:
        return _chosen(standing, now_ms)
    if not trade.state.is_live or trade.state is TradeState.PARKED or trade.terms is None:
        return Decision(None)
    look = Look(trade, venue, standing, now_ms)
    for rule in RULES:
        found = rule(look)
        if found is not None:
            return found
    return Decision(None, Urgency.LOOK, look.due_ms)


def _offered(trade: TradeFacts, venue: VenueFacts, now_ms: int) -> Decision:
    """Wait for a yes: until its time is over, or the price has left the zone it was offered for."""
    until, terms, quote = trade.offer_until_ms, trade.terms, venue.quote
    if until is not None and now_ms >= until:
        step = Become(TradeState.SKIPPED, "offer_over", "It was not approved in time.")
        return Decision(step, Urgency.LOOK)
    if terms is not None and quote is not None:
        zone = (terms.entry_low, terms.entry_high, terms.atr)
        if is_outside(trade.side, *zone, quote.mark):
            sentence = "The price left the entry zone before it was approved."
            return Decision(Become(TradeState.SKIPPED, "price_left", sentence), Urgency.LOOK)
    return Decision(None, Urgency.LOOK, until)


def _chosen(standing: Standing, now_ms: int) -> Decision:
    if not standing.is_reconciled:
        return Decision(None, Urgency.LOOK, now_ms + 1_000)
    return Decision(Plan(), Urgency.ENTER)


def unwanted(
    trades: tuple[TradeFacts, ...], told: tuple[VenueOrder, ...]
) -> tuple[VenueOrder, ...]:
    """Return orders with our prefix that rest for nothing: no row, or a trade that has ended."""
    from trading.domain.client_ids import is_ours
    from trading.reconciliation.state import is_resting

    live = {
        order.client_id for trade in trades if not trade.state.is_final for order in trade.orders
    }
    return tuple(
        one
        for one in told
        if is_ours(one.client_id) and is_resting(one) and one.client_id not in live
    )
