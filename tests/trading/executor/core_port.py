"""The executor's port on the exchange's own matching, in process, with trouble drawn from a seed."""

import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal

from tests.trading.executor.small_exchange import RULES, SYMBOL
from trading.contracts import Venue
from trading.domain.venue import (
    CashFlow,
    KeyRights,
    OrderRequest,
    Outcome,
    OutcomeClass,
    Quote,
    Service,
    StreamGap,
    SymbolSettings,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from trading.exchanges.port import ReadFailed
from trading.matching.matching import MatchingAccount
from trading.matching.records import Fees, Ids
from trading.matching.refused import Refused

D = Decimal
LOST = Outcome(OutcomeClass.UNKNOWN, message="time-out")


class Trouble:
    """How often things go wrong; nothing at all while `is_healed`."""

    def __init__(self, seed: int | None = None) -> None:
        self.random = random.Random(seed)
        self.is_healed = seed is None
        draw = self.random.random
        self.shares = {
            "lost": draw() * 0.1,
            "timeout": draw() * 0.1,
            "not_sent": draw() * 0.1,
            "read": draw() * 0.15,
            "silent": draw() * 0.2,
            "refused": draw() * 0.05,
        }

    def strikes(self, what: str) -> bool:
        return not self.is_healed and self.random.random() < self.shares[what]


class CorePort:
    """One account on `MatchingAccount`; an `ExchangePort`."""

    venue = Venue.SIMULATED

    def __init__(self, now_ms: Callable[[], int], trouble: Trouble | None = None) -> None:
        self.now_ms = now_ms
        self.trouble = trouble or Trouble()
        self.account_held = MatchingAccount(
            {SYMBOL: RULES}, wallet=D(10_000), fees=Fees(), ids=Ids()
        )
        self.mark = D(60_000)
        self.sent: list[OrderRequest] = []
        """Orders that reached the exchange."""
        self.told: deque[VenueEvent] = deque()

    def quote(self, symbol: str = SYMBOL) -> Quote:
        tick = RULES.tick
        return Quote(
            symbol=symbol,
            bid=self.mark - tick,
            ask=self.mark + tick,
            last=self.mark,
            mark=self.mark,
            high=self.mark + tick,
            low=self.mark - tick,
            at_ms=self.now_ms(),
        )

    def move(self, mark: Decimal) -> None:
        """Let the price go there, through everything in between."""
        low, high = min(self.mark, mark), max(self.mark, mark)
        self.mark = mark
        tick = RULES.tick
        quote = replace(
            self.quote(), high=high + tick, low=low - tick, mark_high=high, mark_low=low
        )
        self.account_held.on_quote(quote, self.now_ms())

    @property
    def position(self) -> Decimal:
        return self.account_held.held(SYMBOL)

    def drain(self) -> list[VenueEvent]:
        """Return what the user stream says; where it was cut, only that it was."""
        told = self.account_held.drain()
        if told and self.trouble.strikes("silent"):
            return [StreamGap("cut", self.now_ms())]
        return told

    # --- the port --------------------------------------------------------------------------------

    def _read(self) -> None:
        if self.trouble.strikes("read"):
            raise ReadFailed("the exchange did not answer")

    def admit(self) -> float:
        return 0.0

    async def submit(self, request: OrderRequest) -> Outcome:
        if self.trouble.strikes("not_sent"):
            return Outcome(OutcomeClass.NOT_SENT, status=429, message="limit", retry_after_s=1.0)
        if self.trouble.strikes("lost"):
            return LOST
        if self.trouble.strikes("refused"):
            return Outcome(OutcomeClass.REJECTED, code=-1008, status=400, message="no")
        self.sent.append(request)
        place = self.account_held.place
        if request.service is Service.ALGO:
            place = self.account_held.place_algo
        try:
            order = place(request, self.quote(), self.now_ms())
        except Refused as refusal:
            kind = OutcomeClass.ALREADY if refusal.code == -4116 else OutcomeClass.REJECTED
            return Outcome(kind, code=refusal.code, status=400, message=refusal.message)
        return LOST if self.trouble.strikes("timeout") else _taken(order)

    async def cancel(self, symbol: str, client_id: str, service: Service) -> Outcome:
        if self.trouble.strikes("lost"):
            return LOST
        try:
            order = self.account_held.cancel(
                symbol, client_id=client_id, service=service, now_ms=self.now_ms()
            )
        except Refused as refusal:
            return Outcome(
                OutcomeClass.REJECTED, code=refusal.code, status=400, message=refusal.message
            )
        return LOST if self.trouble.strikes("timeout") else _taken(order)

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome:
        return self._set(self.account_held.set_leverage, symbol, leverage)

    async def set_isolated(self, symbol: str) -> Outcome:
        return self._set(self.account_held.set_isolated, symbol, True)

    def _set(self, change: Callable[..., object], symbol: str, value: object) -> Outcome:
        try:
            change(symbol, value, self.now_ms())
        except Refused as refusal:
            return Outcome(
                OutcomeClass.REJECTED, code=refusal.code, status=400, message=refusal.message
            )
        return LOST if self.trouble.strikes("timeout") else Outcome(OutcomeClass.ACCEPTED)

    async def order(self, symbol: str, client_id: str, service: Service) -> VenueOrder | None:
        self._read()
        return self.account_held.find(symbol, service, client_id=client_id)

    async def order_by_id(self, symbol: str, exchange_id: str) -> VenueOrder | None:
        self._read()
        return self.account_held.find(symbol, Service.ORDER, exchange_id=exchange_id)

    async def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        self._read()
        return self.account_held.open_orders(symbol)

    async def positions(self, symbol: str | None = None) -> list[VenuePosition]:
        self._read()
        return self.account_held.position_list()

    async def account(self) -> VenueAccount:
        self._read()
        return self.account_held.account()

    async def symbol_settings(self, symbol: str) -> SymbolSettings:
        self._read()
        return self.account_held.symbol_settings(symbol)

    async def fills(self, symbol: str, since_ms: int) -> list[VenueFill]:
        self._read()
        return [replace(f, client_id="") for f in self.account_held.fills(symbol, since_ms)]

    async def income(self, since_ms: int) -> list[CashFlow]:
        self._read()
        return self.account_held.income(since_ms)

    async def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        return D("0.0002"), D("0.0005")

    async def rights(self) -> KeyRights:
        raise ReadFailed("not told here")

    async def test_order(self, request: OrderRequest) -> Outcome:
        return Outcome(OutcomeClass.ACCEPTED)

    async def events(self) -> AsyncIterator[VenueEvent]:
        for event in self.drain():
            yield event

    async def close(self) -> None:
        return None


def _taken(order: VenueOrder) -> Outcome:
    return Outcome(OutcomeClass.ACCEPTED, order=order, status=200)
