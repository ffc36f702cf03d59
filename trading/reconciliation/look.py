"""One trade looked at: what follows from rows and venue together, computed once a decision."""

from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property

from cryptosystems.kernel.decimals import Rounding, round_to_step, round_to_tick
from cryptosystems.kernel.instruments import Side
from trading.domain.orders import Leg, OrderState
from trading.domain.venue import PositionSide
from trading.reconciliation import timing
from trading.reconciliation.guards import Guard
from trading.reconciliation.requests import request_of
from trading.reconciliation.state import (
    ZERO,
    OrderFacts,
    Standing,
    Terms,
    TradeFacts,
    VenueFacts,
)
from trading.reconciliation.steps import (
    Ask,
    Cancel,
    Decision,
    Drop,
    Prepare,
    Read,
    Send,
    Step,
    Tell,
    Urgency,
    What,
)

ENDED = (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED)


class Look:
    """Derived facts of one trade at one moment; `wait` collects when to look again."""

    def __init__(
        self, trade: TradeFacts, venue: VenueFacts, standing: Standing, now_ms: int
    ) -> None:
        assert trade.terms is not None
        self.trade = trade
        self.terms: Terms = trade.terms
        self.venue = venue
        self.standing = standing
        self.now_ms = now_ms
        self.due_ms: int | None = None

    def has(self, guard: Guard) -> bool:
        """Say whether a guard stands; only a test takes one away."""
        return guard not in self.standing.without

    # --- when ------------------------------------------------------------------------------------

    def wait(self, until_ms: int) -> None:
        """Decide again at this time, at the latest."""
        until_ms = max(until_ms, self.now_ms + 1)
        self.due_ms = until_ms if self.due_ms is None else min(self.due_ms, until_ms)

    def is_past(self, at_ms: int) -> bool:
        """Say whether a time has come; where not, decide again then."""
        if self.now_ms >= at_ms:
            return True
        self.wait(at_ms)
        return False

    # --- the entry -------------------------------------------------------------------------------

    @cached_property
    def entry(self) -> OrderFacts | None:
        return self.trade.last(Leg.ENTRY)

    @cached_property
    def entry_may_fill(self) -> bool:
        return self.entry is not None and self.entry.state.may_rest

    @cached_property
    def entry_was_sent(self) -> bool:
        return self.entry is not None and self.entry.is_sent

    @cached_property
    def entry_missing(self) -> Decimal:
        """Filled by the exchange's word and not booked yet."""
        if self.entry is None:
            return ZERO
        return max(ZERO, self.entry.filled - self.trade.entered)

    # --- the position ----------------------------------------------------------------------------

    @cached_property
    def position(self) -> Decimal | None:
        """Quantity in the direction of the trade by a reading that is newer than its last fill."""
        reading = self.venue.position
        if reading is None:
            return None
        last = self.trade.last_fill_ms
        if last is not None and reading.read_ms < last + timing.READ_LAG_MS:
            return None
        return reading.quantity * self.trade.side.sign

    @cached_property
    def held(self) -> Decimal:
        """What is open of ours: by fills, or by order and position where these tell more.

        A failed read or an empty answer never makes it smaller (EX-14).
        """
        booked = self.trade.open_quantity + self.entry_missing
        if not self.has(Guard.EMPTY_IS_NOT_FLAT) and self.position == 0:
            return ZERO
        entry, position = self.entry, self.position
        if entry is None or not entry.is_sent or position is None or position <= booked:
            return booked
        reading = self.venue.position
        assert reading is not None
        if reading.read_ms < (entry.sent_ms or 0):
            return booked
        # Whoever was told "cancelled, nothing filled" has the exchange's word for it; an order
        # that was only not found may have been executed all the same.
        is_open_question = entry.state.may_rest or (
            not entry.exchange_id and self.trade.entered == 0
        )
        return min(position, self.trade.max_quantity) if is_open_question else booked

    @cached_property
    def position_side(self) -> PositionSide:
        return self.venue.position_side_of[self.trade.side]

    @property
    def side(self) -> Side:
        return self.trade.side

    def is_read_since(self, what: What, at_ms: int) -> bool:
        """Say whether something was read by a question that left after a moment."""
        if what is What.POSITION:
            return self.venue.position is not None and self.venue.position.read_ms >= at_ms
        if what is What.ORDERS:
            return self.venue.orders is not None and self.venue.orders_read_ms >= at_ms
        return self.venue.fills_read_ms >= at_ms

    # --- protection ------------------------------------------------------------------------------

    def covers(self, order: OrderFacts) -> bool:
        """Say whether an order, seen at the exchange, would close all that is open of ours."""
        if not order.leg.is_protection or order.state is not OrderState.WORKING:
            return False
        if self.has(Guard.SEEN) and (order.seen_ms is None or order.not_found):
            return False
        if order.cancel_asked_ms is not None:
            return False
        quantity = order.request.quantity
        return order.request.close_position or (quantity is not None and quantity >= self.held)

    @cached_property
    def covering(self) -> tuple[OrderFacts, ...]:
        return tuple(order for order in self.trade.orders if self.covers(order))

    @cached_property
    def firing(self) -> OrderFacts | None:
        """A stop that has fired and not filled to its end yet."""
        for order in self.trade.of(Leg.GUARD, Leg.STOP):
            if order.state is OrderState.TRIGGERED:
                return order
        return None

    @cached_property
    def is_naked(self) -> bool:
        """Say whether something is open that no confirmed stop covers."""
        return self.held > 0 and not self.covering and self.firing is None

    def resting(self, *legs: Leg) -> tuple[OrderFacts, ...]:
        """Return orders of these legs that may stand at the exchange."""
        return tuple(order for order in self.trade.of(*legs) if order.state.may_rest)

    @property
    def _outward(self) -> Rounding:
        """Away from profit: a stop is not nearer than asked, an entry and a target not dearer."""
        return "down" if self.side is Side.LONG else "up"

    @cached_property
    def stop_at(self) -> Decimal:
        """Where the stop belongs, on the grid of today."""
        assert self.trade.stop_price is not None
        return round_to_tick(self.trade.stop_price, self.terms.tick, self._outward)

    # --- small decisions -------------------------------------------------------------------------

    def do(self, step: Step, urgency: Urgency) -> Decision:
        """Return the decision for a step."""
        return Decision(step, urgency)

    def nothing_else(self) -> Decision:
        """Let no later rule speak: there is only waiting."""
        return Decision(None, Urgency.LOOK, self.due_ms)

    def send(self, order: OrderFacts, urgency: Urgency) -> Decision | None:
        """Send a prepared order as soon as it may leave."""
        if not self.is_past(order.not_before_ms):
            return None
        return self.do(Send(order), urgency)

    def end(self, order: OrderFacts, why: str, urgency: Urgency = Urgency.TIDY) -> Decision | None:
        """Take back one order: drop what never left, cancel what rests."""
        if order.state is OrderState.PREPARED:
            return self.do(Drop(order, why), urgency)
        if order.state is not OrderState.WORKING:
            return None
        asked = order.cancel_asked_ms
        if asked is not None and not self.is_past(asked + timing.CANCEL_AGAIN_MS):
            return None
        return self.do(Cancel(order, why), urgency)

    def end_all(self, orders: Iterable[OrderFacts], why: str) -> Decision | None:
        """Take back the first of these that can be."""
        for order in orders:
            found = self.end(order, why)
            if found is not None:
                return found
        return None

    def ask_until_seen(self, order: OrderFacts) -> Decision | None:
        """Ask for a stop that was sent and has not been seen, ever less often (EX-09)."""
        sent = order.sent_ms or order.prepared_ms
        at = timing.asks_after(sent, order.asked, timing.CONFIRM_ASKS_MS, 1_000)
        if order.asked_ms is not None:
            at = max(at, order.asked_ms + 200)
        return self.do(Ask(order, "confirm"), Urgency.PROTECT) if self.is_past(at) else None

    def read(self, what: What, why: str, urgency: Urgency = Urgency.RESOLVE) -> Decision:
        return self.do(Read(what, why), urgency)

    def prepare(self, leg: Leg, why: str, urgency: Urgency, **of_request: Decimal) -> Decision:
        """Return the decision to write the row of the next attempt of a leg."""
        terms, outward = self.terms, self._outward
        for name, value in of_request.items():
            # By the filters of today: they may have changed since the plan (F-54). Numbers of rows
            # carry zeros that the exchange may refuse as too precise.
            if name == "quantity":
                of_request[name] = round_to_step(value, terms.step)
            else:
                of_request[name] = round_to_tick(value, terms.tick, outward)
        side = self.position_side if leg is not Leg.ENTRY else PositionSide.BOTH
        request = request_of(self.trade, leg, position_side=side, **of_request)
        step = Prepare(leg, self.trade.next_attempt(leg), request, why)
        return self.do(step, urgency)

    def tell_once(self, code: str, sentence: str, *, is_alarm: bool = False) -> Decision | None:
        """Say something, unless it was said of this trade already."""
        if code in self.trade.told:
            return None
        return self.do(Tell(code, sentence, is_alarm), Urgency.RESOLVE)
