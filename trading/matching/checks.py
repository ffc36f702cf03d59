"""What an order is checked for before it is taken: filters, modes, size left to close, margin."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from trading.domain.margin import most_notional
from trading.domain.venue import (
    OrderKind,
    OrderRequest,
    OrderSide,
    PositionSide,
    Quote,
    Service,
    TradingRules,
)
from trading.matching import filters
from trading.matching.ledger import Ledger
from trading.matching.records import ZERO, Fees, Ids, Order
from trading.matching.refused import Refused

LIMITLESS: Final = Decimal(10) ** 15


class CheckedAccount(Ledger):
    """One account with its open orders, and the checks that both services share."""

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
        """Open ordinary orders by symbol and id."""

    def _open(self, service: Service) -> Iterable[Order]:
        return (o for held in self.orders.values() for o in held.values())

    def _has_orders(self, symbol: str | None) -> bool:
        return bool(self.orders) if symbol is None else symbol in self.orders

    # --- what every order has in common -------------------------------------------------------

    def _check(self, request: OrderRequest) -> TradingRules:
        """Return the symbol's rules, if the account and its mode allow such an order."""
        rules = self.rules.get(request.symbol)
        if rules is None:
            raise Refused(-1121, "Invalid symbol.")
        reduces = self._only_reduces(request) or request.close_position
        if not self.can_trade and not reduces:
            raise Refused(-4087, "User can only place reduce only order")
        filters.check_client_id(request.client_id)
        if any(o.request.client_id == request.client_id for o in self._open(request.service)):
            raise Refused(-4116, "ClientOrderId is duplicated.")
        if (request.position_side is PositionSide.BOTH) == self.is_hedged:
            raise Refused(-4061, "Order's position side does not match user's setting.")
        if self.is_hedged and request.reduce_only:
            raise filters.superfluous("reduceonly")
        if request.kind is OrderKind.MARKET and request.price is not None:
            raise filters.superfluous("price")
        return rules

    def _price_of(self, rules: TradingRules, request: OrderRequest, quote: Quote) -> Decimal:
        """Return the price an order is reckoned with: its own, or what it would meet."""
        if request.kind is OrderKind.MARKET:
            filters.check_counterparty(rules, request, quote)
            best = quote.ask if request.side is OrderSide.BUY else quote.bid
            return max(best, quote.mark)
        price = filters.check_price(rules, request.price)
        if request.time_in_force not in filters.FORCES:
            raise filters.missing("timeInForce")
        filters.check_band(rules, request, quote)
        return price

    # --- reducing -----------------------------------------------------------------------------

    def _only_reduces(self, request: OrderRequest) -> bool:
        """Say whether an order may never open: by its flag, or by its side in hedge mode."""
        return request.reduce_only or (self.is_hedged and not _opens_hedge(request))

    def _closable(self, request: OrderRequest) -> Decimal:
        """Return how much of the position this order's side could close."""
        held = self.held(request.symbol, request.position_side)
        closes_long = request.side is OrderSide.SELL
        return abs(held) if held and (held > 0) == closes_long else ZERO

    def _reducing(self, request: OrderRequest, quantity: Decimal) -> Decimal:
        """Return how much of the quantity would reduce.

        Resting orders that only reduce use the position up for others of their kind.
        """
        closable = self._closable(request)
        if not self._only_reduces(request):
            return min(quantity, closable)
        resting = sum(
            (
                o.left
                for o in self.orders.get(request.symbol, {}).values()
                if self._only_reduces(o.request)
                and o.request.side is request.side
                and o.request.position_side is request.position_side
            ),
            ZERO,
        )
        left = closable - resting
        is_exact = self.is_hedged or request.kind is OrderKind.LIMIT
        if left <= 0 or (is_exact and quantity > left):
            raise Refused(-2022, "ReduceOnly Order is rejected.")
        return min(quantity, left)

    # --- margin -------------------------------------------------------------------------------

    def order_margin(self) -> Decimal:
        """Return the margin that resting orders hold.

        What closes a position holds none. In one-way mode only the dearer side of a symbol
        counts: filling it makes the other side close.
        """
        total = ZERO
        for symbol, held in self.orders.items():
            sides = self._opening_notionals(held.values())
            notional = sum(sides, ZERO) if self.is_hedged else max(sides)
            total += notional / self.setting(symbol).leverage
        return total

    def _opening_notionals(self, orders: Iterable[Order]) -> tuple[Decimal, Decimal]:
        """Return what the buys and the sells among one symbol's orders would open."""
        opening = {OrderSide.BUY: ZERO, OrderSide.SELL: ZERO}
        closable: dict[tuple[OrderSide, PositionSide], Decimal] = {}
        for order in orders:
            r = order.request
            if r.price is None or self._only_reduces(r):
                continue
            key = (r.side, r.position_side)
            left = closable.setdefault(key, self._closable(r))
            closes = min(left, order.left)
            closable[key] = left - closes
            opening[r.side] += (order.left - closes) * r.price
        return opening[OrderSide.BUY], opening[OrderSide.SELL]

    def _check_affordable(
        self, rules: TradingRules, request: OrderRequest, quantity: Decimal, price: Decimal
    ) -> None:
        """Refuse a quantity whose opening part is beyond the leverage or the margin."""
        resting = [
            o
            for o in self.orders.get(request.symbol, {}).values()
            if o.request.side is request.side
            and o.request.position_side is request.position_side
            and not self._only_reduces(o.request)
        ]
        closable = self._closable(request)
        used_up = sum((o.left for o in resting), ZERO)
        closing = min(quantity, max(ZERO, closable - used_up))
        opening = quantity - closing
        if opening <= 0:
            return
        leverage = self.setting(request.symbol).leverage
        same_way = ZERO if closable else abs(self.held(request.symbol, request.position_side))
        beside = sum(self._opening_notionals(resting), ZERO)
        if beside + (same_way + opening) * price > most_notional(rules.brackets, leverage):
            raise Refused(-2027, "Exceeded the maximum allowable position at current leverage.")
        notional = opening * price
        needed = notional / leverage + (notional + closing * price) * self.fees.taker
        if needed > self.available + self._freed(request, closing):
            raise Refused(-2019, "Margin is insufficient.")

    def _freed(self, request: OrderRequest, closing: Decimal) -> Decimal:
        """Return the margin that closing so much of a position gives back."""
        position = self.positions.get((request.symbol, request.position_side))
        if position is None or not closing:
            return ZERO
        freed = self.position_margin(position)
        if self.setting(request.symbol).is_isolated:
            freed += min(ZERO, position.unrealised(self.marks[request.symbol]))
        return max(ZERO, freed) * closing / abs(position.quantity)

    def _check_taking(self, request: OrderRequest, quantity: Decimal, quote: Quote) -> None:
        """Refuse a post-only order that would take, a fill-or-kill order that could not."""
        if request.kind is not OrderKind.LIMIT:
            return
        assert request.price is not None
        takes = sum((size for _, size in levels(request, quote, request.price)), ZERO)
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


def levels(request: OrderRequest, quote: Quote, limit: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Return (price, quantity) an order may take, best first, as far as its limit."""
    if request.side is OrderSide.BUY:
        asks = quote.asks or ((quote.ask, LIMITLESS),)
        return [(price, size) for price, size in asks if price <= limit]
    bids = quote.bids or ((quote.bid, LIMITLESS),)
    return [(price, size) for price, size in bids if price >= limit]


def _opens_hedge(request: OrderRequest) -> bool:
    long = request.position_side is PositionSide.LONG
    return (request.side is OrderSide.BUY) == long
