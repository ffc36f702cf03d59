"""The service of conditional orders: they wait for a price, then become ordinary ones.

It knows nothing of the ordinary service's open orders, and that one nothing of these.
Source: USDⓈ-M Futures, New Algo Order; Event: Algo Order Update.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from trading.domain.venue import (
    AlgoEvent,
    OrderKind,
    OrderRequest,
    Quote,
    Service,
    TradingRules,
    VenueFill,
    VenueOrder,
    VenueState,
)
from trading.matching import filters, triggers
from trading.matching.account import NOT_FOUND, OrdinaryAccount
from trading.matching.records import ZERO, Fees, Ids, Order, with_quantity
from trading.matching.refused import Refused

MOST_CONDITIONAL: Final = 200
LET_GO, STUCK, REJECT = "let_go", "stuck", "reject"


def _let_all_go(order: Order) -> str:
    return LET_GO


class AlgoAccount(OrdinaryAccount):
    """Both services of one account."""

    def __init__(
        self,
        rules: Mapping[str, TradingRules],
        *,
        wallet: Decimal,
        fees: Fees,
        ids: Ids,
        uid: str = "",
    ) -> None:
        super().__init__(rules, wallet=wallet, fees=fees, ids=ids, uid=uid)
        self.algos: dict[str, dict[int, Order]] = {}
        """Open conditional orders by symbol and id."""
        self.at_trigger: Callable[[Order], str] = _let_all_go
        """What becomes of an order whose price has come: LET_GO, STUCK or REJECT (faults)."""

    # --- placing ------------------------------------------------------------------------------

    def place_algo(self, request: OrderRequest, quote: Quote, now_ms: int) -> VenueOrder:
        """Take a conditional order.

        Raises
        ------
        Refused
            -2021 where it would trigger at once, -2007 for a callback rate, -4130 beside another close-position order of its
            kind and direction, -4509 for a close-position order while flat, -4045 above 200.
        """
        if not request.kind.is_conditional:
            raise Refused(-1116, "Invalid orderType.")
        rules = self._check(request)
        reduces = self._only_reduces(request) or request.close_position
        filters.check_status(rules, opens=not reduces)
        triggers.check(rules, request, quote)
        quantity = self._algo_quantity(rules, request, quote)
        if sum(len(held) for held in self.algos.values()) >= MOST_CONDITIONAL:
            raise Refused(-4045, "Reach max stop order limit.")
        self.marks[request.symbol] = quote.mark
        order = Order(self.ids.next_algo(), request, VenueState.NEW, quantity, now_ms, now_ms)
        triggers.start(order, quote)
        self.algos.setdefault(request.symbol, {})[order.id] = order
        self._tell_algo(order, now_ms)
        return order.view()

    def _algo_quantity(self, rules: TradingRules, request: OrderRequest, quote: Quote) -> Decimal:
        if not request.close_position:
            quantity = filters.check_quantity(rules, request)
            if not self._only_reduces(request):
                filters.check_notional(rules, quantity, request.price or quote.mark)
            return quantity
        if request.quantity is not None:
            raise Refused(-4136, "Target strategy invalid for closePosition with quantity.")
        if request.reduce_only:
            raise filters.superfluous("reduceonly")
        if not self._closable(request):
            raise Refused(
                -4509,
                "Time in Force (TIF) GTE can only be used with open positions or open orders.",
            )
        for other in self.algos.get(request.symbol, {}).values():
            r = other.request
            if not r.close_position or r.position_side is not request.position_side:
                continue
            if r.kind is request.kind and r.side is request.side:
                raise Refused(
                    -4130,
                    "An open stop or take profit order with GTE and closePosition in the direction is existing.",
                )
        return ZERO

    def _open(self, service: Service) -> Iterable[Order]:
        if service is Service.ORDER:
            return super()._open(service)
        return (o for held in self.algos.values() for o in held.values())

    def _has_orders(self, symbol: str | None) -> bool:
        if super()._has_orders(symbol):
            return True
        return bool(self.algos) if symbol is None else symbol in self.algos

    # --- the market moves ---------------------------------------------------------------------

    def on_quote(self, quote: Quote, now_ms: int) -> None:
        """Fill and trigger what the price has reached; liquidate what must be.

        Stops are looked at before liquidation: both act at the mark price, and the stop lies
        nearer.
        """
        waiting = self.algos.get(quote.symbol)
        if waiting:
            self.marks[quote.symbol] = quote.mark
        for order in list(waiting.values()) if waiting else ():
            if order.state is VenueState.NEW:
                self._look_at(order, quote, now_ms)
        super().on_quote(quote, now_ms)

    def _look_at(self, order: Order, quote: Quote, now_ms: int) -> None:
        was_active = order.is_active
        has_come = triggers.reached(order, quote)
        if order.is_active and not was_active:
            self._tell_algo(order, now_ms)  # a trailing stop has begun to follow the price
        if has_come and not triggers.is_protected(
            self.rules[order.request.symbol], order.request, quote
        ):
            self._trigger(order, quote, now_ms)

    def _trigger(self, order: Order, quote: Quote, now_ms: int) -> None:
        if order.id not in self.algos.get(order.request.symbol, {}):
            return  # an order before it has ended it
        order.state, order.triggered_ms = VenueState.TRIGGERING, now_ms
        order.updated_ms = now_ms
        self._tell_algo(order, now_ms)
        verdict = self.at_trigger(order)
        if verdict == STUCK:
            return
        if verdict == REJECT:
            self._end_algo(order, VenueState.REJECTED, now_ms, "Margin is insufficient.")
            return
        self._become_ordinary(order, quote, now_ms)

    def _become_ordinary(self, order: Order, quote: Quote, now_ms: int) -> None:
        """Send what a conditional order becomes to the matching."""
        r = order.request
        closable = self._closable(r)
        if r.close_position and not closable:
            self._end_algo(order, VenueState.EXPIRED, now_ms)
            return
        only_reduces = r.close_position or self._only_reduces(r)
        if only_reduces and not closable:
            self._end_algo(order, VenueState.REJECTED, now_ms, "ReduceOnly Order is rejected.")
            return
        quantity = closable if r.close_position else order.quantity
        if only_reduces:
            quantity = min(quantity, closable)
        rules = self.rules[r.symbol]
        child_request = replace(
            with_quantity(r, quantity),
            kind=OrderKind.LIMIT if r.kind in triggers.LIMITS else OrderKind.MARKET,
            trigger_price=None,
            activate_price=None,
            callback_rate=None,
            price_protect=False,
            close_position=False,
            reduce_only=False,
        )
        try:
            if not only_reduces:
                self._check_affordable(rules, child_request, quantity, r.price or quote.mark)
            self._check_taking(child_request, quantity, quote)
        except Refused as refusal:
            self._end_algo(order, VenueState.REJECTED, now_ms, refusal.message)
            return
        child = Order(
            self.ids.next_order(),
            replace(child_request, reduce_only=r.reduce_only or r.close_position),
            VenueState.NEW,
            quantity,
            now_ms,
            now_ms,
            algo_id=order.id,
            original_kind=r.kind.value,
        )
        order.actual_order_id = child.id
        self._end_algo(order, VenueState.TRIGGERED, now_ms)
        self._add(child, now_ms)
        self._take(child, quote, now_ms)

    def _tell_order(
        self, order: Order, fill: VenueFill | None, now_ms: int, reason: str = ""
    ) -> None:
        """Tell of an ordinary order; what it came from is finished once it has ended."""
        super()._tell_order(order, fill, now_ms, reason)
        parent = self.ended.get(order.algo_id) if order.algo_id and not order.is_open else None
        if parent is not None:
            parent.filled, parent.cost = order.filled, order.cost
            parent.state, parent.updated_ms = VenueState.FINISHED, now_ms
            self._tell_algo(parent, now_ms)

    def _after_fills(self, symbol: str, now_ms: int) -> None:
        """Let close-position orders go once there is nothing left to close."""
        for order in list(self.algos.get(symbol, {}).values()):
            waits = order.state is VenueState.NEW and order.request.close_position
            if waits and not self._closable(order.request):
                self._end_algo(order, VenueState.EXPIRED, now_ms)

    # --- ends ---------------------------------------------------------------------------------

    def _end_algo(
        self, order: Order, state: VenueState, now_ms: int, reject_reason: str = ""
    ) -> None:
        order.state, order.updated_ms, order.reject_reason = state, now_ms, reject_reason
        symbol = order.request.symbol
        held = self.algos.get(symbol, {})
        held.pop(order.id, None)
        if not held:
            self.algos.pop(symbol, None)
        self._remember(order)
        self._tell_algo(order, now_ms)

    def _tell_algo(self, order: Order, now_ms: int) -> None:
        self._events.append(AlgoEvent(order.view(), now_ms))

    def cancel_algo(self, symbol: str, client_id: str | None, number: int, now_ms: int) -> Order:
        """Cancel an open conditional order by either id."""
        for order in list(self.algos.get(symbol, {}).values()):
            if order.id == number or (client_id and order.request.client_id == client_id):
                self._end_algo(order, VenueState.CANCELED, now_ms)
                return order
        raise Refused(-2011, NOT_FOUND)

    def cancel_all(self, symbol: str, service: Service, now_ms: int) -> int:
        """Cancel every open order of a symbol at one service; return how many."""
        if service is Service.ORDER:
            return super().cancel_all(symbol, service, now_ms)
        held = list(self.algos.get(symbol, {}).values())
        for order in held:
            self._end_algo(order, VenueState.CANCELED, now_ms)
        return len(held)

    def forget_algo(self, algo_id: int) -> Order | None:
        """Lose a conditional order without a word: what the exchange has been seen to do."""
        for symbol, held in list(self.algos.items()):
            order = held.pop(algo_id, None)
            if order is not None:
                if not held:
                    self.algos.pop(symbol)
                return order
        return None

    def restore_algo(self, order: Order) -> None:
        """Let a lost conditional order be there again."""
        self.algos.setdefault(order.request.symbol, {})[order.id] = order
