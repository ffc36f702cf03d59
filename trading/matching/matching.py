"""The account as shells use it: both services, found by either id, kept as JSON."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from cryptosystems.kernel.decimals import plain
from trading.domain.venue import (
    CashFlow,
    OrderSide,
    PositionSide,
    Service,
    TradingRules,
    VenueFill,
    VenueOrder,
)
from trading.matching.algo import AlgoAccount
from trading.matching.records import (
    Fees,
    Ids,
    Order,
    Position,
    Setting,
    order_from_dict,
    order_to_dict,
)


class MatchingAccount(AlgoAccount):
    """One exchange account, whole."""

    def cancel(
        self,
        symbol: str,
        *,
        client_id: str | None = None,
        exchange_id: str | None = None,
        service: Service,
        now_ms: int,
    ) -> VenueOrder:
        """Cancel an open order by either id; Refused(-2011) where there is none."""
        number = int(exchange_id) if exchange_id else 0
        if service is Service.ALGO:
            return self.cancel_algo(symbol, client_id, number, now_ms).view()
        return self.cancel_ordinary(symbol, client_id, number, now_ms).view()

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Return what rests at both services, the oldest first."""
        found = [*self._open(Service.ORDER), *self._open(Service.ALGO)]
        chosen = [o for o in found if symbol in (None, o.request.symbol)]
        return [o.view() for o in sorted(chosen, key=lambda o: (o.created_ms, o.id))]

    def find_order(
        self,
        symbol: str,
        service: Service,
        *,
        client_id: str | None = None,
        exchange_id: str | None = None,
    ) -> Order | None:
        """Return an order by either id, open ones first, else the newest that ended."""
        number = int(exchange_id) if exchange_id else 0
        newest_first = [*self._open(service), *reversed(self.ended.values())]
        for order in newest_first:
            if order.service is not service and not (service is Service.ORDER and order.algo_id):
                continue
            if order.request.symbol != symbol:
                continue
            if order.id == number or (client_id and order.request.client_id == client_id):
                return order
        return None

    def find(
        self,
        symbol: str,
        service: Service,
        *,
        client_id: str | None = None,
        exchange_id: str | None = None,
    ) -> VenueOrder | None:
        """Return an order as the exchange tells it, or None."""
        found = self.find_order(symbol, service, client_id=client_id, exchange_id=exchange_id)
        return None if found is None else found.view()

    # --- keeping ------------------------------------------------------------------------------

    def to_dict(self, most: int = 5_000) -> dict[str, Any]:
        """Return everything as JSON holds it, of what has ended the newest `most`."""
        return {
            "uid": self.uid,
            "wallet": plain(self.wallet),
            "fees": [plain(self.fees.maker), plain(self.fees.taker)],
            "is_hedged": self.is_hedged,
            "has_multi_assets": self.has_multi_assets,
            "can_trade": self.can_trade,
            "settings": {
                symbol: [held.leverage, held.is_isolated] for symbol, held in self.settings.items()
            },
            "marks": {symbol: plain(mark) for symbol, mark in self.marks.items()},
            "positions": [_position_to_list(p) for p in self.positions.values()],
            "orders": [order_to_dict(o) for o in self._open(Service.ORDER)],
            "algos": [order_to_dict(o) for o in self._open(Service.ALGO)],
            "ended": [order_to_dict(o) for o in list(self.ended.values())[-most:]],
            "trades": [_fill_to_list(t) for t in list(self.trades)[-most:]],
            "flows": [_flow_to_list(f) for f in list(self.flows)[-most:]],
        }

    @classmethod
    def from_dict(cls, held: dict[str, Any], rules: Mapping[str, TradingRules], ids: Ids) -> Self:
        """Return the account of such a dict."""
        maker, taker = held["fees"]
        account = cls(
            rules,
            wallet=Decimal(held["wallet"]),
            fees=Fees(Decimal(maker), Decimal(taker)),
            ids=ids,
            uid=held["uid"],
        )
        account.is_hedged = held["is_hedged"]
        account.has_multi_assets = held["has_multi_assets"]
        account.can_trade = held["can_trade"]
        account.settings = {name: Setting(*row) for name, row in held["settings"].items()}
        account.marks = {name: Decimal(mark) for name, mark in held["marks"].items()}
        for row in held["positions"]:
            position = _position_from_list(row)
            account.positions[position.symbol, position.side] = position
        for order in map(order_from_dict, held["orders"]):
            account.orders.setdefault(order.request.symbol, {})[order.id] = order
        for order in map(order_from_dict, held["algos"]):
            account.algos.setdefault(order.request.symbol, {})[order.id] = order
        for order in map(order_from_dict, held["ended"]):
            account.ended[order.id] = order
        account.trades.extend(_fill_from_list(row) for row in held["trades"])
        account.flows.extend(_flow_from_list(row) for row in held["flows"])
        return account


def _position_to_list(p: Position) -> list[Any]:
    numbers = (p.quantity, p.entry, p.isolated_wallet, p.realised, p.fees)
    return [p.symbol, p.side.value, *map(plain, numbers), p.updated_ms]


def _position_from_list(row: list[Any]) -> Position:
    symbol, side, *numbers, updated_ms = row
    quantity, entry, isolated, realised, fees = map(Decimal, numbers)
    return Position(
        symbol, PositionSide(side), quantity, entry, isolated, realised, fees, updated_ms
    )


def _fill_to_list(t: VenueFill) -> list[Any]:
    texts = [t.trade_id, t.order_id, t.client_id, t.symbol, t.side.value]
    numbers = [plain(n) for n in (t.price, t.quantity, t.fee, t.realised)]
    return [*texts, *numbers, t.fee_asset, t.is_maker, t.at_ms, t.position_side.value]


def _fill_from_list(row: list[Any]) -> VenueFill:
    trade_id, order_id, client_id, symbol, side, price, quantity, fee, realised = row[:9]
    return VenueFill(
        trade_id=trade_id,
        order_id=order_id,
        client_id=client_id,
        symbol=symbol,
        side=OrderSide(side),
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
        realised=Decimal(realised),
        fee_asset=row[9],
        is_maker=row[10],
        at_ms=row[11],
        position_side=PositionSide(row[12]),
    )


def _flow_to_list(f: CashFlow) -> list[Any]:
    return [f.id, f.kind, f.symbol, plain(f.amount), f.asset, f.at_ms]


def _flow_from_list(row: list[Any]) -> CashFlow:
    number, kind, symbol, amount, asset, at_ms = row
    return CashFlow(number, kind, symbol, Decimal(amount), asset, at_ms)
