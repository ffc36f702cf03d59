"""One account of the exchange: places, matches and cancels orders as the market moves.

Market data comes as quotes; nothing here knows a clock or a network. The simulated exchange and
the paper accounts both run on it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from trading.domain.margin import maintenance, most_notional
from trading.domain.venue import (
    OrderKind,
    OrderRequest,
    OrderSide,
    PositionSide,
    Quote,
    Service,
    TradingRules,
    VenueOrder,
    VenueState,
)
from trading.matching import filters
from trading.matching.ledger import Ledger
from trading.matching.records import ZERO, Fees, Ids, Order, Position
from trading.matching.refused import Refused

_KEPT: Final = 2_000
NOT_FOUND: Final = "Unknown order sent."
LIMITLESS: Final = Decimal(10) ** 15


class OrdinaryAccount(Ledger):
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
        self.orders: dict[str, dict[int, Order]] = {}
        """Open orders by symbol and id."""
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
        if request.reduce_only:
            quantity = min(quantity, reducing)
        filters.check_notional(
            rules, quantity, price, is_reducing=request.reduce_only or reducing >= quantity
        )
        self._check_affordable(rules, request, quantity - min(reducing, quantity), price)
        self._check_taking(request, quantity, quote)
        order = Order(self.ids.next_order(), request, VenueState.NEW, quantity, now_ms, now_ms)
        self._add(order, now_ms)
        self._take(order, quote, now_ms)
        return order.view()

    def _check(self, request: OrderRequest) -> TradingRules:
        """Check what every order has in common."""
        rules = self.rules.get(request.symbol)
        if rules is None:
            raise Refused(-1121, "Invalid symbol.")
        if not self.can_trade:
            raise Refused(-4087, "User can only place reduce only order")
        filters.check_client_id(request.client_id)
        if any(o.request.client_id == request.client_id for o in self._open(request.service)):
            raise Refused(-4116, "ClientOrderId is duplicated.")
        if (request.position_side is PositionSide.BOTH) == self.is_hedged:
            raise Refused(-4061, "Order's position side does not match user's setting.")
        if self.is_hedged and request.reduce_only:
            raise Refused(-1106, "Parameter 'reduceonly' sent when not required.")
        return rules

    def _open(self, service: Service) -> Iterable[Order]:
        return (o for held in self.orders.values() for o in held.values())

    def _price_of(self, rules: TradingRules, request: OrderRequest, quote: Quote) -> Decimal:
        if request.kind is OrderKind.MARKET:
            return quote.mark
        price = filters.check_price(rules, request.price)
        if request.time_in_force not in ("GTC", "IOC", "FOK", "GTX"):
            raise Refused(
                -1102,
                "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
            )
        filters.check_band(rules, request, quote)
        return price

    def _closable(self, request: OrderRequest) -> Decimal:
        """Return how much of the position this order's side could close."""
        held = self.held(request.symbol, request.position_side)
        closes_long = request.side is OrderSide.SELL
        return abs(held) if held and (held > 0) == closes_long else ZERO

    def _reducing(self, request: OrderRequest, quantity: Decimal) -> Decimal:
        """Return how much of the quantity would reduce; resting reduce-only orders use it up."""
        closable = self._closable(request)
        if self.is_hedged:
            if _opens_hedge(request):
                return ZERO
            if not closable:
                raise Refused(-2022, "ReduceOnly Order is rejected.")
            return min(quantity, closable)
        if not request.reduce_only:
            return min(quantity, closable)
        resting = sum(
            (
                o.left
                for o in self.orders.get(request.symbol, {}).values()
                if o.request.reduce_only and o.request.side is request.side
            ),
            ZERO,
        )
        left = closable - resting
        if left <= 0 or (request.kind is OrderKind.LIMIT and quantity > left):
            raise Refused(-2022, "ReduceOnly Order is rejected.")
        return min(quantity, left)

    def _check_affordable(
        self, rules: TradingRules, request: OrderRequest, opening: Decimal, price: Decimal
    ) -> None:
        if opening <= 0:
            return
        leverage = self.setting(request.symbol).leverage
        held = abs(self.held(request.symbol, request.position_side))
        if (held + opening) * price > most_notional(rules.brackets, leverage):
            raise Refused(-2027, "Exceeded the maximum allowable position at current leverage.")
        notional = opening * price
        if notional / leverage + notional * self.fees.taker > self.available:
            raise Refused(-2019, "Margin is insufficient.")

    def _check_taking(self, request: OrderRequest, quantity: Decimal, quote: Quote) -> None:
        if request.kind is not OrderKind.LIMIT:
            return
        assert request.price is not None
        takes = sum((size for _, size in _levels(request, quote, request.price)), ZERO)
        if request.time_in_force == "GTX" and takes > 0:
            raise Refused(
                -5022,
                "Due to the order could not be executed as maker, the Post Only order will be rejected.",
            )
        if request.time_in_force == "FOK" and takes < quantity:
            raise Refused(
                -5021,
                "Due to the order could not be filled immediately, the FOK order has been rejected.",
            )

    # --- matching -----------------------------------------------------------------------------

    def _take(self, order: Order, quote: Quote, now_ms: int, reason: str = "") -> None:
        """Match a new order against the book of now; what is left rests, or expires."""
        r = order.request
        limit = r.price
        if limit is None:
            bound = self.rules[r.symbol].market_bound
            factor = 1 + bound if r.side is OrderSide.BUY else 1 - bound
            limit = quote.mark * factor
        for price, size in _levels(r, quote, limit):
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
            offered = sum((amount for _, amount in _levels(r, quote, r.price)), ZERO)
            size = min(size, offered)
        step = self.rules[r.symbol].step
        self._fill(order, size - size % step if size < order.left else size, r.price, True, now_ms)

    def _still_reduces(self, order: Order, now_ms: int) -> bool:
        """Cut a reduce-only order to what is left of the position; end it where nothing is."""
        if not order.request.reduce_only:
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

    def order_margin(self) -> Decimal:
        """Return the margin of resting orders that would open."""
        total = ZERO
        for symbol, held in self.orders.items():
            leverage = self.setting(symbol).leverage
            for order in held.values():
                price = order.request.price
                if price is None or order.request.reduce_only:
                    continue
                opening = max(ZERO, order.left - self._closable(order.request))
                total += opening * price / leverage
        return total

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

    def _has_orders(self, symbol: str | None) -> bool:
        return bool(self.orders) if symbol is None else symbol in self.orders

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
            fee = size * price * self.rules[symbol].liquidation_fee
            self.wallet -= fee
            self._flow("INSURANCE_CLEAR", symbol, -fee, now_ms)
            lost = before - self.wallet
            if lost > backing:  # the insurance fund takes what the margin did not cover
                self.wallet += lost - backing
                self._flow("INSURANCE_CLEAR", symbol, lost - backing, now_ms)
        self._after_fills(symbol, now_ms)

    def _backing(self, position: Position) -> Decimal:
        """Return the most a liquidation can cost."""
        if self.setting(position.symbol).is_isolated:
            return position.isolated_wallet
        return max(ZERO, self.wallet)

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


def _opens_hedge(request: OrderRequest) -> bool:
    long = request.position_side is PositionSide.LONG
    return (request.side is OrderSide.BUY) == long


def _levels(request: OrderRequest, quote: Quote, limit: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Return (price, quantity) an order may take, best first, as far as its limit."""
    if request.side is OrderSide.BUY:
        levels = quote.asks or ((quote.ask, LIMITLESS),)
        return [(price, size) for price, size in levels if price <= limit]
    levels = quote.bids or ((quote.bid, LIMITLESS),)
    return [(price, size) for price, size in levels if price >= limit]
