"""One account of the exchange: places, matches and cancels orders as the market moves.

Market data comes as quotes; nothing here knows a clock or a network. The simulated exchange and
the paper accounts both run on it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trading.domain.margin import maintenance
from trading.domain.venue import (
    OrderKind,
    OrderRequest,
    OrderSide,
    Quote,
    Service,
    TradingRules,
    VenueOrder,
    VenueState,
)
from trading.matching import filters
from trading.matching.checks import CheckedAccount, levels
from trading.matching.ledger import SMALLEST
from trading.matching.records import ZERO, Fees, Ids, Order, Position
from trading.matching.refused import Refused

_KEPT: Final = 2_000
NOT_FOUND: Final = "Unknown order sent."


class OrdinaryAccount(CheckedAccount):
    """The ordinary order service of one account."""

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
        self.ended: OrderedDict[int, Order] = OrderedDict()

    # --- placing ------------------------------------------------------------------------------

    def place(self, request: OrderRequest, quote: Quote, now_ms: int) -> VenueOrder:
        """Take an ordinary order; match what can be matched at once.

        Raises
        ------
        Refused
            With the exchange's code; nothing has changed then.
        """
        if request.kind.is_conditional:
            raise Refused(
                -4120, "Order type not supported for this endpoint. Please use the Algo Order API."
            )
        rules = self._check(request)
        quantity = filters.check_quantity(rules, request)
        price = self._price_of(rules, request, quote)
        self.marks[request.symbol] = quote.mark
        reducing = self._reducing(request, quantity)
        filters.check_status(rules, opens=reducing < quantity)
        if len(self.orders.get(request.symbol, ())) >= rules.max_orders:
            raise Refused(-2025, "Reach max open order limit.")
        if self._only_reduces(request):
            quantity = min(quantity, reducing)
        else:
            filters.check_notional(rules, quantity, request.price or quote.mark)
            self._check_affordable(rules, request, quantity, price)
        self._check_taking(request, quantity, quote)
        order = Order(self.ids.next_order(), request, VenueState.NEW, quantity, now_ms, now_ms)
        self._add(order, now_ms)
        self._take(order, quote, now_ms)
        return order.view()

    # --- matching -----------------------------------------------------------------------------

    def _take(self, order: Order, quote: Quote, now_ms: int, reason: str = "") -> None:
        """Match a new order against the book of now; what is left rests, or expires."""
        if not self._still_reduces(order, now_ms):
            return
        r = order.request
        limit = r.price
        if limit is None:
            bound = self.rules[r.symbol].market_bound
            factor = 1 + bound if r.side is OrderSide.BUY else 1 - bound
            limit = quote.mark * factor
        for price, size in levels(r, quote, limit):
            if order.left <= 0:
                break
            self._fill(order, min(order.left, size), price, False, now_ms, reason)
        if order.left > 0 and (r.kind is OrderKind.MARKET or r.time_in_force in ("IOC", "FOK")):
            self._end(order, VenueState.EXPIRED, now_ms)
        self._after_fills(r.symbol, now_ms)

    def _fill(
        self,
        order: Order,
        quantity: Decimal,
        price: Decimal,
        is_maker: bool,
        now_ms: int,
        reason: str = "",
    ) -> None:
        if quantity <= 0:
            return
        fill = self._book(order, quantity, price, is_maker=is_maker, now_ms=now_ms)
        r = order.request
        if order.left > 0:
            order.state = VenueState.PARTIALLY_FILLED
        else:
            order.state = VenueState.FILLED
            self._take_off(order)
        self._tell_order(order, fill, now_ms, reason)
        self._tell_balance("ORDER", [(r.symbol, r.position_side)], now_ms)

    def on_quote(self, quote: Quote, now_ms: int) -> None:
        """Let the market move: fill what rests, liquidate what must be."""
        symbol = quote.symbol
        if symbol not in self.orders and self.is_flat(symbol):
            return
        self.marks[symbol] = quote.mark
        for order in list(self.orders.get(symbol, {}).values()):
            self._meet(order, quote, now_ms)
        self._after_fills(symbol, now_ms)
        self._liquidate(quote, now_ms)

    def _meet(self, order: Order, quote: Quote, now_ms: int) -> None:
        """Fill a resting order if the price has traded through it."""
        r = order.request
        assert r.price is not None
        if r.side is OrderSide.BUY:
            crossed, through = quote.ask < r.price, quote.low < r.price
        else:
            crossed, through = quote.bid > r.price, quote.high > r.price
        if not (crossed or through):
            return
        if not self._still_reduces(order, now_ms):
            return
        size = order.left
        if crossed and not through:
            offered = sum((amount for _, amount in levels(r, quote, r.price)), ZERO)
            size = min(size, offered)
        step = self.rules[r.symbol].step
        self._fill(order, size - size % step if size < order.left else size, r.price, True, now_ms)

    def _still_reduces(self, order: Order, now_ms: int) -> bool:
        """Cut an order that only reduces to what is left of the position; end it where nothing is."""
        if not self._only_reduces(order.request):
            return True
        closable = self._closable(order.request)
        if closable <= 0:
            self._end(order, VenueState.EXPIRED, now_ms)
            return False
        if order.left > closable:
            order.quantity = order.filled + closable
        return True

    def _after_fills(self, symbol: str, now_ms: int) -> None:
        """Let other services see what a fill has changed."""

    # --- ends ---------------------------------------------------------------------------------

    def _add(self, order: Order, now_ms: int) -> None:
        self.orders.setdefault(order.request.symbol, {})[order.id] = order
        self._tell_order(order, None, now_ms)

    def _take_off(self, order: Order) -> None:
        held = self.orders.get(order.request.symbol, {})
        held.pop(order.id, None)
        if not held:
            self.orders.pop(order.request.symbol, None)
        self._remember(order)

    def _remember(self, order: Order) -> None:
        self.ended[order.id] = order
        while len(self.ended) > _KEPT:
            self.ended.popitem(last=False)

    def _end(self, order: Order, state: VenueState, now_ms: int) -> None:
        order.state, order.updated_ms = state, now_ms
        self._take_off(order)
        self._tell_order(order, None, now_ms)

    def cancel_ordinary(
        self, symbol: str, client_id: str | None, number: int, now_ms: int
    ) -> Order:
        """Cancel an open order by either id."""
        for order in list(self.orders.get(symbol, {}).values()):
            if order.id == number or (client_id and order.request.client_id == client_id):
                self._end(order, VenueState.CANCELED, now_ms)
                self._after_fills(symbol, now_ms)
                return order
        raise Refused(-2011, NOT_FOUND)

    # --- margin -------------------------------------------------------------------------------

    def set_isolated(self, symbol: str, is_isolated: bool, now_ms: int) -> None:
        """Change a symbol's margin type; refused while orders or a position stand."""
        self._check_margin_type(symbol, is_isolated)
        if self._has_orders(symbol):
            raise Refused(-4047, "Margin type cannot be changed if there exists open orders.")
        self.setting(symbol).is_isolated = is_isolated

    def set_hedged(self, is_hedged: bool) -> None:
        """Change the position mode of the account."""
        if self.is_hedged == is_hedged:
            raise Refused(-4059, "No need to change position side.")
        if self._has_orders(None):
            raise Refused(-4067, "Position side cannot be changed if there exists open orders.")
        if any(position.quantity for position in self.positions.values()):
            raise Refused(-4068, "Position side cannot be changed if there exists position.")
        self.is_hedged = is_hedged
        self.positions.clear()

    # --- forced closes ------------------------------------------------------------------------

    def _liquidate(self, quote: Quote, now_ms: int) -> None:
        """Close by force what its margin does not carry any more, at the worst mark since then."""
        for (symbol, _), position in list(self.positions.items()):
            if symbol != quote.symbol or not position.quantity:
                continue
            worst = quote.mark_low if position.quantity > 0 else quote.mark_high
            mark = quote.mark if worst is None else worst
            margin = position.isolated_wallet
            if not self.setting(symbol).is_isolated:
                margin = self._crossed_wallet(position)
            brackets = self.rules[symbol].brackets
            needed = maintenance(brackets, abs(position.quantity) * mark)
            if margin + position.unrealised(mark) <= needed:
                self._force(position, mark, f"autoclose-{now_ms}", "autoclose", now_ms)

    def _force(
        self,
        position: Position,
        price: Decimal,
        client_id: str,
        reason: str,
        now_ms: int,
        quantity: Decimal | None = None,
    ) -> None:
        symbol, size = position.symbol, quantity or abs(position.quantity)
        if reason == "autoclose":
            for order in list(self.orders.get(symbol, {}).values()):
                self._end(order, VenueState.CANCELED, now_ms)
        backing = self._backing(position)
        request = OrderRequest(
            client_id=client_id,
            symbol=symbol,
            side=OrderSide.SELL if position.quantity > 0 else OrderSide.BUY,
            kind=OrderKind.MARKET,
            quantity=size,
            position_side=position.side,
        )
        order = Order(self.ids.next_order(), request, VenueState.NEW, size, now_ms, now_ms)
        self.orders.setdefault(symbol, {})[order.id] = order
        before = self.wallet
        self._fill(order, size, price, False, now_ms, reason)
        if reason == "autoclose":
            fee = (size * price * self.rules[symbol].liquidation_fee).quantize(SMALLEST)
            self.wallet -= fee
            self._flow("INSURANCE_CLEAR", symbol, -fee, now_ms)
            lost = before - self.wallet
            if lost > backing:  # the insurance fund takes what the margin did not cover
                self.wallet += lost - backing
                self._flow("INSURANCE_CLEAR", symbol, lost - backing, now_ms)
            self._tell_balance("INSURANCE_CLEAR", [(symbol, position.side)], now_ms)
        self._after_fills(symbol, now_ms)

    def _backing(self, position: Position) -> Decimal:
        """Return the most a liquidation can cost."""
        if self.setting(position.symbol).is_isolated:
            return position.isolated_wallet
        set_apart = sum((p.isolated_wallet for p in self.positions.values()), ZERO)
        return max(ZERO, self.wallet - set_apart)

    def adl(self, symbol: str, quantity: Decimal, price: Decimal, now_ms: int) -> None:
        """Close part of a winning position for somebody's bankruptcy, as the exchange may."""
        for (name, _), position in list(self.positions.items()):
            if name == symbol and position.quantity:
                size = min(quantity, abs(position.quantity))
                self._force(position, price, "adl_autoclose", "adl", now_ms, size)

    def delist(self, symbol: str, price: Decimal, now_ms: int) -> None:
        """Settle every position of a delisted symbol and cancel its orders."""
        self.cancel_all(symbol, Service.ORDER, now_ms)
        self.cancel_all(symbol, Service.ALGO, now_ms)
        for (name, _), position in list(self.positions.items()):
            if name == symbol and position.quantity:
                self._force(position, price, f"settlement_autoclose-{now_ms}", "settlement", now_ms)

    def cancel_all(self, symbol: str, service: Service, now_ms: int) -> int:
        """Cancel every open order of a symbol at one service; return how many."""
        held = list(self.orders.get(symbol, {}).values()) if service is Service.ORDER else []
        for order in held:
            self._end(order, VenueState.CANCELED, now_ms)
        return len(held)
