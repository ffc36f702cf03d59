"""The exchange port: everything the executor may ask of an exchange, whichever it is.

Calls that change something never raise for what the exchange says: they return an `Outcome`.
Reads raise, for a failed read is never a zero. One port is one account.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Protocol

from cryptosystems.kernel.errors import NeedsOperator, RetryLater
from trading.contracts import Venue
from trading.domain.venue import (
    CashFlow,
    KeyRights,
    OrderRequest,
    Outcome,
    Service,
    SymbolSettings,
    VenueAccount,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenuePosition,
)


class ReadFailed(RetryLater):
    """The exchange did not tell: time-out, 5xx, limit, a body that is none."""

    code = "read_failed"


class KeyRefused(NeedsOperator):
    """The exchange refuses the key: wrong, deleted, from another address, without the right."""

    code = "key_refused"

    def __init__(self, message: str, *, exchange_code: int | None = None) -> None:
        super().__init__(message)
        self.exchange_code = exchange_code


class ExchangePort(Protocol):
    """One account at one venue."""

    venue: Venue

    def admit(self) -> float:
        """Hold back room for an entry with its exits; return 0, or the seconds to wait for it."""
        return 0.0

    async def submit(self, request: OrderRequest) -> Outcome:
        """Send one order, once. Never repeats by itself."""
        ...

    async def cancel(self, symbol: str, client_id: str, service: Service) -> Outcome:
        """Cancel by our id. REJECTED with -2011 or -2013 means: not resting (any more)."""
        ...

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome: ...

    async def set_isolated(self, symbol: str) -> Outcome: ...

    async def order(self, symbol: str, client_id: str, service: Service) -> VenueOrder | None:
        """Return one order by our id; None where the exchange says that there is none."""
        ...

    async def order_by_id(self, symbol: str, exchange_id: str) -> VenueOrder | None:
        """Return one ordinary order by the exchange's id."""
        ...

    async def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Return what rests at both services."""
        ...

    async def positions(self, symbol: str | None = None) -> list[VenuePosition]:
        """Return positions that are not zero."""
        ...

    async def account(self) -> VenueAccount: ...

    async def symbol_settings(self, symbol: str) -> SymbolSettings: ...

    async def fills(self, symbol: str, since_ms: int) -> list[VenueFill]:
        """Return executions since then, the oldest first."""
        ...

    async def income(self, since_ms: int) -> list[CashFlow]: ...

    async def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Return (maker, taker) as fractions."""
        ...

    async def price_at(self, symbol: str, at_ms: int) -> Decimal | None:
        """Return the price of a market at a past moment, to the minute; None without such a one."""
        return None

    async def rights(self) -> KeyRights:
        """Return what the key may do."""
        ...

    async def test_order(self, request: OrderRequest) -> Outcome:
        """Let the exchange check an order without placing it."""
        ...

    def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what happens to the account, for ever; a `StreamGap` comes first after each (re)connect."""
        ...

    async def close(self) -> None:
        """Let go of sockets; the exchange keeps all orders."""
        ...
