"""Endpoints of the two order services.

Source: USDⓈ-M Futures, trade endpoints.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import msgspec

from trading.domain.venue import OrderKind, OrderRequest, Service, VenueOrder, VenueState
from trading.matching.records import Order
from trading.matching.refused import Refused
from trading.simulator.private import payloads
from trading.simulator.private.faults import PrivateFaults, Subject
from trading.simulator.private.params import (
    Asked,
    algo_request_of,
    as_texts,
    missing,
    request_of,
)
from trading.simulator.private.timing import Timer

_MOST_IN_BATCH: Final = 5
_UNFILLED_KEPT_MS: Final = 3 * 86_400_000
_NEVER: Final = 2**62


class OrderCalls:
    """Placing, amending, cancelling and asking for orders of either service."""

    def __init__(self, faults: PrivateFaults, timer: Timer) -> None:
        self._faults = faults
        self._timer = timer

    # --- ordinary orders ----------------------------------------------------------------------

    def place(self, asked: Asked) -> Any:
        asked.account.count_order(asked.now_ms)
        return self._place(asked)

    def _place(self, asked: Asked) -> dict[str, Any]:
        account = asked.account
        request = request_of(asked)
        view = account.place(request, self._quote(asked, request.symbol), asked.now_ms)
        order = self._found(asked, Service.ORDER, view)
        hidden = self._strikes(asked, request, "hide_order")
        if hidden is not None:
            account.hidden_until[order.id] = asked.now_ms + int(hidden.get("ms", _NEVER))
        waits = request.kind is OrderKind.MARKET or request.time_in_force in ("IOC", "FOK")
        if asked.params.get("newOrderRespType") == "RESULT" and waits:
            return payloads.placed(order)
        return payloads.placed(_accepted(order))

    def test(self, asked: Asked) -> Any:
        """Validate an order and do nothing."""
        request = request_of(asked)
        quote = self._quote(asked, request.symbol)
        trial = type(asked.account).from_dict(
            asked.account.to_dict(0), asked.market.rules, replace(asked.account.ids)
        )
        trial.place(request, quote, asked.now_ms)
        return {}

    def amend(self, asked: Asked) -> Any:
        asked.account.count_order(asked.now_ms)
        symbol = asked.symbol()
        number, client_id = asked.ids("orderId", "origClientOrderId")
        quantity, price = asked.decimal("quantity"), asked.decimal("price")
        if quantity is None or price is None:
            raise missing("quantity" if quantity is None else "price")
        quote = self._quote(asked, symbol)
        order = asked.account.amend(symbol, client_id, number, quantity, price, quote, asked.now_ms)
        return payloads.placed(order)

    def query(self, asked: Asked) -> Any:
        number, client_id = asked.ids("orderId", "origClientOrderId")
        order = asked.account.seen(asked.symbol(), Service.ORDER, client_id, number, asked.now_ms)
        if not _is_kept(order, asked.now_ms):
            raise Refused(-2013, "Order does not exist.")
        return payloads.queried(order)

    def cancel(self, asked: Asked) -> Any:
        number, client_id = asked.ids("orderId", "origClientOrderId")
        view = asked.account.cancel(
            asked.symbol(),
            client_id=client_id,
            exchange_id=str(number) if number else None,
            service=Service.ORDER,
            now_ms=asked.now_ms,
        )
        return payloads.placed(self._found(asked, Service.ORDER, view))

    def cancel_all(self, asked: Asked) -> Any:
        asked.account.cancel_all(asked.symbol(), Service.ORDER, asked.now_ms)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def open_orders(self, asked: Asked) -> Any:
        rows = asked.account.resting(Service.ORDER, asked.any_symbol(), asked.now_ms)
        return [payloads.queried(order) for order in rows]

    def open_order(self, asked: Asked) -> Any:
        """Return one open order."""
        number, client_id = asked.ids("orderId", "origClientOrderId")
        order = asked.account.seen(asked.symbol(), Service.ORDER, client_id, number, asked.now_ms)
        if not order.is_open:
            raise Refused(-2013, "Order does not exist.")
        return payloads.queried(order)

    def all_orders(self, asked: Asked) -> Any:
        start, end = asked.window()
        first = asked.whole("orderId") or 0
        rows = asked.account.of_service(Service.ORDER, asked.symbol(), asked.now_ms)
        chosen = [
            payloads.queried(order)
            for order in rows
            if order.id >= first
            and (first or start <= order.created_ms <= end)
            and _is_kept(order, asked.now_ms)
        ]
        return chosen[-asked.limit(500, 1_000) :]

    # --- batches ------------------------------------------------------------------------------

    def place_batch(self, asked: Asked) -> Any:
        return [self._one_of_batch(asked, row, self.place) for row in self._batch(asked)]

    def amend_batch(self, asked: Asked) -> Any:
        return [self._one_of_batch(asked, row, self.amend) for row in self._batch(asked)]

    def cancel_batch(self, asked: Asked) -> Any:
        """Cancel by a list of ids; the name is met in two spellings."""
        params = {name.lower(): value for name, value in asked.params.items()}
        numbers = _listed(params.get("orderidlist", "[]"), "orderIdList")
        names = _listed(params.get("origclientorderidlist", "[]"), "origClientOrderIdList")
        rows = [{"orderId": str(number)} for number in numbers]
        rows += [{"origClientOrderId": str(name)} for name in names]
        if not rows:
            raise missing("orderIdList")
        symbol = {"symbol": asked.symbol()}
        return [self._one_of_batch(asked, row | symbol, self.cancel) for row in rows]

    @staticmethod
    def _batch(asked: Asked) -> list[dict[str, str]]:
        rows = _listed(asked.text("batchOrders"), "batchOrders")
        if not 1 <= len(rows) <= _MOST_IN_BATCH:
            raise Refused(-4082, "Invalid number of batch place orders.")
        return [as_texts(row) for row in rows]

    @staticmethod
    def _one_of_batch(asked: Asked, row: dict[str, str], act: Any) -> Any:
        try:
            return act(replace(asked, params=row))
        except Refused as refusal:
            return {"code": refusal.code, "msg": refusal.message}

    # --- conditional orders -------------------------------------------------------------------

    def place_algo(self, asked: Asked) -> Any:
        account = asked.account
        account.count_order(asked.now_ms)
        request = algo_request_of(asked)
        view = account.place_algo(request, self._quote(asked, request.symbol), asked.now_ms)
        order = self._found(asked, Service.ALGO, view)
        for action in ("lose_algo", "hide_algo"):
            fault = self._strikes(asked, request, action)
            if fault is not None:
                self._lose(asked, order, fault, comes_back=action == "hide_algo")
        return payloads.algo_placed(order)

    def _lose(self, asked: Asked, order: Order, args: dict[str, Any], *, comes_back: bool) -> None:
        """Let a conditional order vanish without a word, for ever or for a time (fault)."""
        account = asked.account
        gone_ms = asked.now_ms + int(args.get("after_ms", 0))

        def vanish() -> None:
            lost = account.forget_algo(order.id)
            account.is_dirty = True
            if lost is not None and comes_back:
                back_ms = gone_ms + int(args.get("ms", 60_000))
                self._timer.at(back_ms, lambda: account.restore_algo(lost))

        self._timer.at(gone_ms, vanish)

    def query_algo(self, asked: Asked) -> Any:
        number, client_id = asked.ids("algoId", "clientAlgoId")
        for symbol in [s] if (s := asked.any_symbol()) else asked.market.places:
            try:
                found = asked.account.seen(symbol, Service.ALGO, client_id, number, asked.now_ms)
            except Refused:
                continue
            return payloads.algo_queried(found)
        raise Refused(-2013, "Order does not exist.")

    def cancel_algo(self, asked: Asked) -> Any:
        number, client_id = asked.ids("algoId", "clientAlgoId")
        for order in asked.account.resting(Service.ALGO, None, _NEVER):
            if order.id == number or (client_id and order.request.client_id == client_id):
                asked.account.cancel(
                    order.request.symbol,
                    exchange_id=str(order.id),
                    service=Service.ALGO,
                    now_ms=asked.now_ms,
                )
                return {
                    "algoId": order.id,
                    "clientAlgoId": order.request.client_id,
                    "code": payloads.DELETED_CODE,
                    "msg": "success",
                }
        raise Refused(-2011, "Unknown order sent.")

    def cancel_all_algo(self, asked: Asked) -> Any:
        asked.account.cancel_all(asked.symbol(), Service.ALGO, asked.now_ms)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def open_algo(self, asked: Asked) -> Any:
        rows = asked.account.resting(Service.ALGO, asked.any_symbol(), asked.now_ms)
        return [payloads.algo_queried(order) for order in rows]

    def all_algo(self, asked: Asked) -> Any:
        start, end = asked.window()
        first = asked.whole("algoId") or 0
        rows = asked.account.of_service(Service.ALGO, asked.symbol(), asked.now_ms)
        chosen = [
            payloads.algo_queried(order)
            for order in rows
            if order.id >= first and (first or start <= order.created_ms <= end)
        ]
        return chosen[-asked.limit(500, 1_000) :]

    # --- helpers ------------------------------------------------------------------------------

    def _quote(self, asked: Asked, symbol: str) -> Any:
        if not asked.market.is_known(symbol):
            raise Refused(
                -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
            )
        return asked.market.quote(symbol, asked.now_ms)

    @staticmethod
    def _found(asked: Asked, service: Service, view: VenueOrder) -> Order:
        found = asked.account.find_order(view.symbol, service, exchange_id=view.exchange_id)
        assert found is not None
        return found

    def _strikes(self, asked: Asked, request: OrderRequest, action: str) -> dict[str, Any] | None:
        text = f"{request.symbol} {request.client_id} {request.kind.value} {request.side.value}"
        fault = self._faults.find("matching", Subject(text, asked.account.uid), action)
        return None if fault is None else fault.args


def _accepted(order: Order) -> Order:
    """Return an order as it was the moment it was accepted."""
    return replace(order, state=VenueState.NEW, filled=Decimal(0), cost=Decimal(0))


def _is_kept(order: Order, now_ms: int) -> bool:
    """Say whether the exchange still knows an order; unfilled ones vanish after three days."""
    if order.is_open or order.filled:
        return True
    return now_ms - order.updated_ms < _UNFILLED_KEPT_MS


def _listed(text: str, name: str) -> list[Any]:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, list):
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return found
