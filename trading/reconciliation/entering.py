"""Rules of entering: the stop first, seen, then the entry; and when an entry is taken back."""

from decimal import Decimal
from typing import Final

from trading.contracts import StopMode, TradeState
from trading.domain.orders import Leg, OrderState
from trading.reconciliation import timing
from trading.reconciliation.guards import Guard
from trading.reconciliation.look import ENDED, Look
from trading.reconciliation.protect import WOULD_TRIGGER
from trading.reconciliation.state import OrderFacts
from trading.reconciliation.steps import (
    Ask,
    Become,
    Decision,
    GiveUp,
    SetIsolated,
    SetLeverage,
    Urgency,
    What,
)

NO_STOP_WHILE_FLAT: Final = (-2022, -4509, -1106)
"""Refusals that only mean: not before there is a position. Then the entry goes first (EX-08)."""
MOST_ALGOS: Final = 195
"""Of the account's 200 untriggered conditional orders; the rest is room for stops."""
_HALF: Final = Decimal("0.5")


def unresolved(look: Look) -> Decision | None:
    """Ask for orders of unknown outcome; conclude only by the rule (EX-06)."""
    for order in look.trade.orders:
        if order.state is not OrderState.UNKNOWN or order.leg is Leg.CLOSE:
            continue
        if order.leg is Leg.STOP and look.held > 0:
            continue  # `stop_for_position` asks faster
        found = _resolve(look, order)
        if found is not None:
            return found
    return None


def _resolve(look: Look, order: OrderFacts) -> Decision | None:
    sent = order.sent_ms or order.prepared_ms
    is_patient = look.has(Guard.TWENTY_SECONDS)
    end = sent + (timing.UNKNOWN_END_MS if is_patient else 0)
    if order.not_found >= (timing.UNKNOWN_NOT_FOUND if is_patient else 1) and look.is_past(end):
        for what in (What.POSITION, What.FILLS):
            if not look.is_read_since(what, end):
                return look.read(what, "unknown")
        if not (order.leg is Leg.ENTRY and look.held > 0):
            return look.do(
                GiveUp(order, "Not known to the exchange after 20 seconds; it is not sent again."),
                Urgency.RESOLVE,
            )
    at = timing.asks_after(sent, order.asked, timing.UNKNOWN_ASKS_MS, timing.UNKNOWN_AGAIN_MS)
    if order.asked >= len(timing.UNKNOWN_ASKS_MS) and order.asked_ms is not None:
        at = order.asked_ms + timing.UNKNOWN_AGAIN_MS
    if look.is_past(max(at, (order.asked_ms or 0) + 250)):
        return look.do(Ask(order, "unknown"), Urgency.RESOLVE)
    return None


def end_entry(look: Look) -> Decision | None:
    """Take back the rest of an entry as soon as anything says so (EX-20, EX-25)."""
    entry = look.entry
    if entry is None or entry.state not in (OrderState.WORKING, OrderState.PREPARED):
        return None
    why = _why_end(look)
    if why is None:
        return None
    return look.end(entry, why, Urgency.RESOLVE)


def _why_end(look: Look) -> str | None:
    trade, terms = look.trade, look.terms
    if look.standing.stop_mode in (StopMode.CLOSE_ONLY, StopMode.FLATTEN):
        return "kill_switch"
    if not look.standing.is_managed:
        return "bot_off"
    if trade.close_asked_ms is not None:
        return "by_hand"
    if trade.state is TradeState.CLOSING or look.firing is not None or trade.targets_hit:
        return "leaving"
    if look.has(Guard.DEADLINE) and look.is_past(terms.valid_until_ms):
        return "validity_over"
    if _has_left(look):
        return "price_left"
    is_guarded = bool(look.covering) or _is_without_guard(look)
    if look.held == 0 and look.entry_was_sent and not is_guarded and look.trade.last(Leg.GUARD):
        guard = look.trade.last(Leg.GUARD)
        if guard is not None and guard.state in ENDED:
            return "stop_gone"
    return None


def _has_left(look: Look) -> bool:
    """Say whether the price has gone from the zone by more than half an ATR, where it pays."""
    quote, terms = look.venue.quote, look.terms
    if quote is None:
        return False
    edge = terms.entry_high if look.side.sign > 0 else terms.entry_low
    return (quote.mark - edge) * look.side.sign > _HALF * terms.atr


def _is_without_guard(look: Look) -> bool:
    """Say whether this exchange takes no stop while flat, so that the entry stands without."""
    guard = look.trade.last(Leg.GUARD)
    return guard is not None and guard.was_refused and guard.code in NO_STOP_WHILE_FLAT


def enter(look: Look) -> Decision | None:
    """Set the symbol, place the guard, see it, send the entry: in this order."""
    trade, entry = look.trade, look.entry
    if trade.state is not TradeState.ENTERING or look.held > 0 or look.entry_was_sent:
        return None
    over = _over_before_sent(look)
    if over is not None:
        if trade.reason:
            return None  # `tidy_and_finish` takes away what stands
        return look.do(Become(TradeState.ENTERING, *over), Urgency.TIDY)
    if not look.standing.is_reconciled:
        return None
    return _set_up(look) or _guard_first(look) or _send_entry(look, entry)


def _over_before_sent(look: Look) -> tuple[str, str] | None:
    trade, guard = look.trade, look.trade.last(Leg.GUARD)
    if trade.reason:
        return trade.reason, ""
    if look.standing.stop_mode is not None:
        return "kill_switch", "New entries are stopped."
    if not look.standing.is_managed:
        return "bot_off", "The bot is off."
    if trade.close_asked_ms is not None:
        return "by_hand", "You took it back before it was entered."
    if look.is_past(look.terms.valid_until_ms):
        return "validity_over", "The signal was no longer valid for entry."
    if _has_left(look):
        return "price_left", "The price had left the entry zone."
    if look.entry is not None and look.entry.state is OrderState.DROPPED:
        return "not_sent", look.entry.message or "The entry was held back."
    if look.venue.set_up_refused:
        return (
            "set_up_refused",
            f"The exchange did not take margin mode or leverage ({look.venue.set_up_refused}).",
        )
    if look.venue.is_hedged:
        return "hedge_mode", "The account is in hedge mode. Switch to one-way mode for the bot."
    if guard is None:
        return None
    if guard.was_refused and not _is_without_guard(look):
        if guard.code == WOULD_TRIGGER:
            return "stop_passed", "The price was beyond the stop already."
        return (
            "stop_refused",
            f"The exchange refused the stop, so nothing was entered ({guard.code}: "
            f"{guard.message}).",
        )
    if guard.is_lost:
        return "stop_gone", "The stop was cancelled at the exchange before the entry was sent."
    sent = guard.sent_ms
    is_waited_for = guard.state.may_rest and not look.covering
    if is_waited_for and sent is not None and look.is_past(sent + timing.STOP_CONFIRM_MS):
        return "stop_unconfirmed", "The stop could not be confirmed, so nothing was entered."
    return None


def _set_up(look: Look) -> Decision | None:
    """Margin mode and leverage: read, set what differs, read again (EX-21)."""
    settings = look.venue.settings
    if look.covering:
        return None  # a guard rests: it was set up before
    if settings is None:  # set without asking first, read once after both
        return look.do(SetIsolated(look.terms.leverage), Urgency.ENTER)
    if not settings.is_isolated:
        return look.do(SetIsolated(), Urgency.ENTER)
    if settings.leverage != look.terms.leverage:
        return look.do(SetLeverage(look.terms.leverage), Urgency.ENTER)
    return None


def _guard_first(look: Look) -> Decision | None:
    guard = look.trade.last(Leg.GUARD)
    if not look.has(Guard.STOP_FIRST):
        return None
    if guard is None:
        if look.venue.orders is None:
            return look.read(What.ORDERS, "set_up", Urgency.ENTER)
        return look.prepare(
            Leg.GUARD,
            "guard",
            Urgency.ENTER,
            trigger=look.terms.stop,
            quantity=look.terms.quantity,
        )
    if guard.state is OrderState.PREPARED:
        return look.send(guard, Urgency.ENTER) or look.nothing_else()
    if look.covers(guard) or _is_without_guard(look):
        return None
    if guard.state is OrderState.WORKING:
        return look.ask_until_seen(guard) or look.nothing_else()
    return look.nothing_else()


def _send_entry(look: Look, entry: OrderFacts | None) -> Decision | None:
    terms = look.terms
    if look.standing.entries_refused:
        look.wait(look.now_ms + 1_000)
        return None
    if not _is_at_the_zone(look):
        look.wait(look.now_ms + 1_000)
        return None
    if entry is None:
        edge = terms.entry_high if look.side.sign > 0 else terms.entry_low
        return look.prepare(Leg.ENTRY, "enter", Urgency.ENTER, quantity=terms.quantity, price=edge)
    if entry.state is OrderState.PREPARED:
        return look.send(entry, Urgency.ENTER)
    return None


def _is_at_the_zone(look: Look) -> bool:
    """Say whether the price is in the zone, or on the side from which it comes into it."""
    quote = look.venue.quote
    if quote is None or look.now_ms - quote.at_ms > timing.QUOTE_FRESH_MS:
        return False
    if look.side.sign > 0:
        return quote.ask >= look.terms.entry_low
    return quote.bid <= look.terms.entry_high
