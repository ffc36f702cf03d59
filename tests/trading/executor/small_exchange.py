"""An exchange of one account small enough to be read: it does what a test tells it, no more.

Orders rest until `fill`, stops fire when `mark` passes them. Faults are said by leg:
`exchange.next("stop", "lost")`.
"""

import itertools
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading.contracts import Venue
from trading.domain import client_ids
from trading.domain.venue import (
    AlgoEvent,
    CashFlow,
    KeyRights,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderSide,
    Outcome,
    OutcomeClass,
    PositionSide,
    Quote,
    RiskBracket,
    Service,
    SymbolSettings,
    TradingRules,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenuePosition,
    VenueState,
)
from trading.exchanges.port import KeyRefused, ReadFailed

D = Decimal
SYMBOL = "BTCUSDT"
RULES = TradingRules(
    symbol=SYMBOL,
    base_asset="BTC",
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D("1000"),
    market_max_quantity=D("120"),
    min_notional=D("100"),
    price_up=D("1.05"),
    price_down=D("0.95"),
    market_bound=D("0.05"),
    liquidation_fee=D("0.0125"),
    brackets=(RiskBracket(D(0), D(10**6), 125, D("0.004"), D(0)),),
)


class SmallExchange:
    """One account, one symbol, in memory; an `ExchangePort`."""

    venue = Venue.SIMULATED

    def __init__(self, now_ms: Callable[[], int], *, mark: str = "60000") -> None:
        self.now_ms = now_ms
        self.mark = D(mark)
        self.orders: dict[str, VenueOrder] = {}
        """By client id; conditional ones too."""
        self.requests: list[OrderRequest] = []
        """Every order that arrived, in order: the truth about what was sent."""
        self.fills_done: list[VenueFill] = []
        self.position = D(0)
        self.entry_price = D(0)
        self.leverage, self.is_isolated, self.is_hedged = 20, False, False
        self.events_out: deque[VenueEvent] = deque()
        self.keeps_names = True
        """What a fired stop becomes carries the stop's client id; undocumented."""
        self.liquidation = D(0)
        self.is_silent = False
        """The user stream says nothing."""
        self.scripts: dict[str, deque[Any]] = defaultdict(deque)
        self.calls: list[str] = []
        self.wrong_position: Decimal | None = None
        self.hidden: set[str] = set()
        """Client ids that no query shows."""
        self.key_works = True
        self.flows: list[CashFlow] = []
        self.wallet = D(10_000)
        self.fee_asset, self.fee_price = "USDT", D(1)
        self._children: dict[str, VenueOrder] = {}
        self._ids = itertools.count(1000)

    # --- what a test says ------------------------------------------------------------------------

    def next(self, leg: str, *what: Any) -> None:
        """Say how the next orders of a leg end: an Outcome, "lost" (never
        arrives), "timeout" (arrives, no answer) or "hidden" (the same, and no query shows it)."""
        self.scripts[leg].extend(what)

    def fail(self, call: str, times: int = 1) -> None:
        """Let the next reads of a kind fail."""
        self.scripts[call].extend(["fail"] * times)

    def order_of(self, leg: str, attempt: int = 0) -> VenueOrder:
        """Return an order by its leg, the newest unless said."""
        found = [
            order
            for order in self.orders.values()
            if (parsed := client_ids.parse(order.client_id)) is not None
            and parsed.leg.value == leg
            and attempt in (0, parsed.attempt)
        ]
        return found[-1]

    def resting(self) -> list[str]:
        """Return the legs that rest, in order of arrival."""
        return [
            parsed.leg.value if (parsed := client_ids.parse(one.client_id)) else one.client_id
            for one in self.orders.values()
            if one.state in (VenueState.NEW, VenueState.PARTIALLY_FILLED)
        ]

    def sent(self, leg: str) -> int:
        """Return how many orders of a leg have arrived."""
        return sum(
            1
            for one in self.requests
            if (parsed := client_ids.parse(one.client_id)) and parsed.leg.value == leg
        )

    def quote(self, symbol: str = SYMBOL) -> Quote:
        """Return the market as it stands."""
        return Quote(
            symbol=symbol,
            bid=self.mark - RULES.tick,
            ask=self.mark + RULES.tick,
            last=self.mark,
            mark=self.mark,
            high=self.mark,
            low=self.mark,
            at_ms=self.now_ms(),
        )

    def move(self, mark: str) -> None:
        """Let the mark price be here, and fire what it passes."""
        self.mark = D(mark)
        for order in list(self.orders.values()):
            if order.service is Service.ALGO and order.state is VenueState.NEW:
                assert order.trigger_price is not None
                is_sell = order.side is OrderSide.SELL
                if (
                    self.mark <= order.trigger_price
                    if is_sell
                    else self.mark >= order.trigger_price
                ):
                    self._fire(order)

    def fill(self, leg: str, quantity: str | None = None, price: str | None = None) -> None:
        """Let a resting order trade."""
        order = self.order_of(leg)
        rest = order.quantity - order.filled
        self._trade(order, D(quantity) if quantity else rest, D(price) if price else order.price)

    def say(self, order: VenueOrder, state: VenueState, *, silently: bool = False) -> None:
        """Let an order end without anybody's asking."""
        self._put(replace(order, state=state, updated_ms=self.now_ms()), silently=silently)

    def trade_by_hand(self, side: str, quantity: str, name: str = "web_hand") -> None:
        """Let the person trade at market."""
        order = VenueOrder(
            client_id=f"{name}{next(self._ids)}",
            exchange_id=str(next(self._ids)),
            symbol=SYMBOL,
            side=OrderSide(side),
            kind="MARKET",
            service=Service.ORDER,
            state=VenueState.NEW,
            quantity=D(quantity),
        )
        self.orders[order.client_id] = order
        self._trade(order, D(quantity), self.mark)

    def rest_by_hand(self, client_id: str = "web_limit") -> None:
        """Let the person have an order of their own."""
        self.orders[client_id] = VenueOrder(
            client_id=client_id,
            exchange_id=str(next(self._ids)),
            symbol=SYMBOL,
            side=OrderSide.BUY,
            kind="LIMIT",
            service=Service.ORDER,
            state=VenueState.NEW,
            quantity=D("0.01"),
            price=D("40000"),
        )

    def hedge(self) -> None:
        """The person switches to hedge mode; the position has a side of its own from now."""
        self.is_hedged = True

    def drain(self) -> list[VenueEvent]:
        """Return what the user stream told since."""
        told = list(self.events_out)
        self.events_out.clear()
        return told

    # --- inside ----------------------------------------------------------------------------------

    def _put(
        self, order: VenueOrder, fill: VenueFill | None = None, *, silently: bool = False
    ) -> None:
        self.orders[order.client_id] = order
        if silently or self.is_silent:
            return
        if order.service is Service.ALGO:
            self.events_out.append(AlgoEvent(order, self.now_ms()))
        else:
            self.events_out.append(OrderEvent(order, fill, self.now_ms()))

    def _fire(self, order: VenueOrder) -> None:
        child_id = str(next(self._ids))
        fired = replace(order, state=VenueState.TRIGGERED, actual_order_id=child_id)
        self._put(fired)
        quantity = abs(self.position) if order.close_position else order.quantity
        child = VenueOrder(
            client_id=order.client_id if self.keeps_names else f"child-{child_id}",
            exchange_id=child_id,
            symbol=order.symbol,
            side=order.side,
            kind="MARKET",
            service=Service.ORDER,
            state=VenueState.NEW,
            quantity=quantity,
            reduce_only=True,
        )
        self._children[child_id] = child
        if quantity and self.position:
            self._trade(child, min(quantity, abs(self.position)), self.mark, parent=fired)

    def _trade(
        self,
        order: VenueOrder,
        quantity: Decimal,
        price: Decimal | None,
        parent: VenueOrder | None = None,
    ) -> None:
        assert price is not None
        sign = 1 if order.side is OrderSide.BUY else -1
        if order.reduce_only or order.close_position:
            quantity = min(quantity, max(D(0), -sign * self.position))
            if quantity == 0:
                self._put(replace(order, state=VenueState.EXPIRED))
                return
        before = self.position
        realised = D(0)
        if before * sign < 0:
            closing = min(quantity, abs(before))
            realised = (price - self.entry_price) * closing * (-sign)
        else:
            total = abs(before) + quantity
            self.entry_price = (self.entry_price * abs(before) + price * quantity) / total
        self.position += sign * quantity
        filled = order.filled + quantity
        state = VenueState.FILLED if filled >= order.quantity else VenueState.PARTIALLY_FILLED
        done = replace(
            order, filled=filled, average_price=price, state=state, updated_ms=self.now_ms()
        )
        fill = VenueFill(
            trade_id=str(next(self._ids)),
            order_id=order.exchange_id,
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            fee=(price * quantity * D("0.0005") / self.fee_price).quantize(D("0.00000001")),
            fee_asset=self.fee_asset,
            realised=realised,
            is_maker=order.kind == "LIMIT",
            at_ms=self.now_ms(),
        )
        self.fills_done.append(fill)
        if parent is not None:
            self._children[order.exchange_id] = done
            if not self.is_silent:
                self.events_out.append(OrderEvent(done, fill, self.now_ms()))
            self._put(
                replace(parent, state=VenueState.FINISHED, filled=filled, average_price=price)
            )
        else:
            self._put(done, fill)
        if self.position == 0:
            for one in list(self.orders.values()):
                if one.close_position and one.state is VenueState.NEW:
                    self._put(replace(one, state=VenueState.EXPIRED))

    def _taken(self, request: OrderRequest) -> VenueOrder:
        order = VenueOrder(
            client_id=request.client_id,
            exchange_id=str(next(self._ids)),
            symbol=request.symbol,
            side=request.side,
            kind=request.kind.value,
            service=request.service,
            state=VenueState.NEW,
            quantity=request.quantity or D(0),
            price=request.price,
            trigger_price=request.trigger_price,
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            position_side=request.position_side,
            updated_ms=self.now_ms(),
        )
        self._put(order)
        if request.kind is OrderKind.MARKET:
            self._trade(order, order.quantity, self.mark)
        return self.orders[request.client_id]

    def _refusal(self, request: OrderRequest) -> int | None:
        if request.service is not Service.ALGO:
            return -2022 if request.reduce_only and self.position == 0 else None
        assert request.trigger_price is not None
        is_sell = request.side is OrderSide.SELL
        if self.mark <= request.trigger_price if is_sell else self.mark >= request.trigger_price:
            return -2021
        if request.close_position:
            if self.position == 0:
                return -4509
            rests = (VenueState.NEW,)
            if any(o.close_position and o.state in rests for o in self.orders.values()):
                return -4130
        return None

    def _said(self, call: str) -> Any:
        self.calls.append(call)
        return self.scripts[call].popleft() if self.scripts[call] else None

    def _read(self, call: str) -> None:
        if not self.key_works:
            self.calls.append(call)
            raise KeyRefused("Invalid API-key.", exchange_code=-2015)
        if self._said(call) == "fail":
            raise ReadFailed("the exchange did not answer")

    # --- the port --------------------------------------------------------------------------------

    def admit(self) -> float:
        return 0.0

    async def submit(self, request: OrderRequest) -> Outcome:
        parsed = client_ids.parse(request.client_id)
        assert parsed is not None
        said = self._said(parsed.leg.value)
        if not self.key_works:
            return Outcome(
                OutcomeClass.REJECTED, code=-2015, status=401, message="Invalid API-key."
            )
        self.requests.append(request)
        if isinstance(said, Outcome):
            return said
        if said == "lost":
            return Outcome(OutcomeClass.UNKNOWN, message="time-out")
        code = self._refusal(request)
        if code is not None:
            return Outcome(OutcomeClass.REJECTED, code=code, status=400, message="refused")
        order = self._taken(request)
        if said == "hidden":
            self.hidden.add(request.client_id)
        if said in ("timeout", "hidden"):
            return Outcome(OutcomeClass.UNKNOWN, message="time-out")
        return Outcome(OutcomeClass.ACCEPTED, order=order, status=200)

    async def cancel(self, symbol: str, client_id: str, service: Service) -> Outcome:
        self._said("cancel")
        order = self.orders.get(client_id)
        if order is None or order.state not in (VenueState.NEW, VenueState.PARTIALLY_FILLED):
            return Outcome(OutcomeClass.REJECTED, code=-2011, status=400, message="Unknown order.")
        done = replace(order, state=VenueState.CANCELED, updated_ms=self.now_ms())
        self._put(done)
        return Outcome(OutcomeClass.ACCEPTED, order=done, status=200)

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome:
        self._said("leverage")
        self.leverage = leverage
        return Outcome(OutcomeClass.ACCEPTED)

    async def set_isolated(self, symbol: str) -> Outcome:
        self._said("isolated")
        self.is_isolated = True
        return Outcome(OutcomeClass.ACCEPTED)

    async def order(self, symbol: str, client_id: str, service: Service) -> VenueOrder | None:
        self._read("order")
        return None if client_id in self.hidden else self.orders.get(client_id)

    async def order_by_id(self, symbol: str, exchange_id: str) -> VenueOrder | None:
        self._read("order_by_id")
        if exchange_id in self._children:
            return self._children[exchange_id]
        return next((o for o in self.orders.values() if o.exchange_id == exchange_id), None)

    async def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        self._read("open_orders")
        return [
            order
            for order in self.orders.values()
            if order.state in (VenueState.NEW, VenueState.PARTIALLY_FILLED)
            and order.client_id not in self.hidden
        ]

    async def positions(self, symbol: str | None = None) -> list[VenuePosition]:
        self._read("positions")
        quantity = self.position if self.wrong_position is None else self.wrong_position
        if quantity == 0:
            return []
        return [
            VenuePosition(
                symbol=SYMBOL,
                quantity=quantity,
                entry_price=self.entry_price,
                mark_price=self.mark,
                liquidation_price=self.liquidation,
                unrealised=D(0),
                isolated_wallet=D(0),
                position_side=(
                    PositionSide.BOTH
                    if not self.is_hedged
                    else PositionSide.LONG
                    if quantity > 0
                    else PositionSide.SHORT
                ),
            )
        ]

    async def account(self) -> VenueAccount:
        self._read("account")
        return VenueAccount(
            wallet=self.wallet,
            available=self.wallet,
            margin_balance=self.wallet,
            can_trade=True,
            is_hedged=self.is_hedged,
            has_multi_assets=False,
        )

    async def symbol_settings(self, symbol: str) -> SymbolSettings:
        self._read("settings")
        return SymbolSettings(symbol, self.is_isolated, self.leverage, D(10**6))

    async def fills(self, symbol: str, since_ms: int) -> list[VenueFill]:
        self._read("fills")
        return [replace(fill, client_id="") for fill in self.fills_done if fill.at_ms >= since_ms]

    async def price_at(self, symbol: str, at_ms: int) -> Decimal | None:
        self._read("price")
        return self.fee_price if symbol == "BNBUSDT" else None

    async def income(self, since_ms: int) -> list[CashFlow]:
        self._read("income")
        return [flow for flow in self.flows if flow.at_ms >= since_ms]

    async def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        return D("0.0002"), D("0.0005")

    async def rights(self) -> KeyRights:
        raise AssertionError("a lane never asks what a key may do: `test_checks` does, by socket")

    async def test_order(self, request: OrderRequest) -> Outcome:
        return Outcome(OutcomeClass.ACCEPTED)

    async def events(self) -> AsyncIterator[VenueEvent]:
        while self.events_out:
            yield self.events_out.popleft()

    async def close(self) -> None:
        return None
