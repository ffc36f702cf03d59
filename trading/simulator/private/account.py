"""One account of the simulated exchange: matching, and what only an exchange has beside it."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Self

from trading.domain.venue import OrderKind, Quote, Service, TradingRules, VenueState
from trading.matching import filters
from trading.matching.matching import MatchingAccount
from trading.matching.records import Fees, Ids, Order
from trading.matching.refused import Refused

START_WALLET: Final = Decimal(10_000)
_MOST_IN_10_S: Final = 300
_MOST_IN_A_MINUTE: Final = 1_200


class ExchangeAccount(MatchingAccount):
    """The account with amendments, order counts, and orders that hide (faults)."""

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
        self.label = ""
        self.is_dirty = True
        """Changed since it was last kept."""
        self.is_algo_down = False
        """The conditional service does not trigger (fault)."""
        self.hidden_until: dict[int, int] = {}
        """Orders that queries do not see yet (fault), by id."""
        self.countdowns: dict[str, int] = {}
        """When to cancel all ordinary orders of a symbol, unless told again."""
        self._placed: deque[int] = deque()

    # --- order counts -------------------------------------------------------------------------

    def counts(self, now_ms: int) -> tuple[int, int]:
        """Return how many orders were placed within ten seconds and within a minute."""
        while self._placed and self._placed[0] <= now_ms - 60_000:
            self._placed.popleft()
        return sum(at > now_ms - 10_000 for at in self._placed), len(self._placed)

    def count_order(self, now_ms: int) -> None:
        """Count an order, or refuse it.

        Raises
        ------
        Refused
            -1015 over 300 in ten seconds or 1,200 in a minute.
        """
        short, long = self.counts(now_ms)
        if short >= _MOST_IN_10_S or long >= _MOST_IN_A_MINUTE:
            raise Refused(-1015, "Too many new orders.")
        self._placed.append(now_ms)

    # --- amendments ---------------------------------------------------------------------------

    def amend(
        self,
        symbol: str,
        client_id: str | None,
        number: int,
        quantity: Decimal,
        price: Decimal,
        quote: Quote,
        now_ms: int,
    ) -> Order:
        """Change price and quantity of a resting limit order; it loses its place in the queue.

        Raises
        ------
        Refused
            -2013 where there is none, -5027 where nothing changes, or a filter's code.
        """
        found = [
            o
            for o in self.orders.get(symbol, {}).values()
            if o.id == number or (client_id and o.request.client_id == client_id)
        ]
        if not found:
            raise Refused(-2013, "Order does not exist.")
        order = found[0]
        if order.request.kind is not OrderKind.LIMIT:
            raise Refused(-5025, "Only limit order is supported.")
        if (order.quantity, order.request.price) == (quantity, price):
            raise Refused(-5027, "No need to modify the order.")
        if quantity <= order.filled:
            raise Refused(-5026, "Invalid quantity.")
        request = replace(order.request, quantity=quantity, price=price)
        rules = self.rules[symbol]
        filters.check_quantity(rules, request)
        filters.check_price(rules, price)
        filters.check_band(rules, request, quote)
        if not self._only_reduces(request):
            filters.check_notional(rules, quantity, price)
            held = self.orders[symbol]
            del held[order.id]  # what it holds now is not in its own way
            try:
                self._check_affordable(rules, request, quantity - order.filled, price)
            finally:
                held[order.id] = order
        order.request, order.quantity, order.updated_ms = request, quantity, now_ms
        self._tell_order(order, None, now_ms, "amendment")
        self._take(order, quote, now_ms)
        return order

    # --- faults -------------------------------------------------------------------------------

    def _trigger(self, order: Order, quote: Quote, now_ms: int) -> None:
        if not self.is_algo_down:
            super()._trigger(order, quote, now_ms)

    def is_hidden(self, order: Order, now_ms: int) -> bool:
        return now_ms < self.hidden_until.get(order.id, 0)

    def seen(
        self, symbol: str, service: Service, client_id: str | None, number: int, now_ms: int
    ) -> Order:
        """Return an order as a query finds it.

        Raises
        ------
        Refused
            -2013 where there is none, or none to be seen yet.
        """
        exchange_id = str(number) if number else None
        found = self.find_order(symbol, service, client_id=client_id, exchange_id=exchange_id)
        if found is None or self.is_hidden(found, now_ms):
            raise Refused(-2013, "Order does not exist.")
        return found

    def resting(self, service: Service, symbol: str | None, now_ms: int) -> list[Order]:
        """Return what a query sees open at one service, the oldest first."""
        found = (o for o in self._open(service) if symbol in (None, o.request.symbol))
        return sorted((o for o in found if not self.is_hidden(o, now_ms)), key=lambda o: o.id)

    def of_service(self, service: Service, symbol: str, now_ms: int) -> list[Order]:
        """Return all orders of a symbol a query sees at one service, the oldest first."""
        ended = [o for o in self.ended.values() if o.request.symbol == symbol]
        chosen = [
            o
            for o in (*self._open(service), *ended)
            if o.request.symbol == symbol
            and (o.service is service or (service is Service.ORDER and o.algo_id))
            and not self.is_hidden(o, now_ms)
        ]
        return sorted(chosen, key=lambda o: o.id)

    @property
    def watched(self) -> set[str]:
        """Symbols whose market matters to this account."""
        held = {name for (name, _), p in self.positions.items() if p.quantity}
        return held | self.orders.keys() | self.algos.keys()

    def has_open(self, service: Service, symbol: str) -> bool:
        return any(o.request.symbol == symbol for o in self._open(service))

    # --- keeping ------------------------------------------------------------------------------

    def to_dict(self, most: int = 500) -> dict[str, Any]:
        return {**super().to_dict(most), "label": self.label, "countdowns": self.countdowns}

    @classmethod
    def from_dict(cls, held: dict[str, Any], rules: Mapping[str, TradingRules], ids: Ids) -> Self:
        account = super().from_dict(held, rules, ids)
        account.label, account.countdowns = held["label"], dict(held["countdowns"])
        for order in list(account._open(Service.ALGO)):
            if order.state is VenueState.TRIGGERING:
                order.state = VenueState.NEW  # a restart looks at its trigger anew
        account.is_dirty = False
        return account
