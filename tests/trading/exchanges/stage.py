"""Ports for the tests, and a market to move under them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import timezone

from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who
from tests.support.people import person
from tests.support.servers import until
from trading.contracts import Venue
from trading.domain.venue import (
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderSide,
    OutcomeClass,
    VenueEvent,
)
from trading.exchanges.addresses import addresses_of
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.port import ExchangePort
from trading.exchanges.quotes import QuoteFeed
from trading.exchanges.signer import Credential, KeyKind
from trading.models import PaperBook, TradingAccount

BTC = "BTCUSDT"
PRICE = 60_000


def hmac_credential(key_id: str, secret: str) -> Credential:
    @contextmanager
    def open_secret() -> Iterator[bytearray]:
        held = bytearray(secret.encode())
        try:
            yield held
        finally:
            held[:] = bytes(len(held))

    return Credential(key_id, KeyKind.HMAC, open_secret)


def client_of(exchange: Exchange, **options: float) -> FuturesClient:
    addresses = addresses_of(Venue.SIMULATED, exchange.base_url, exchange.ws_url)
    return FuturesClient(addresses, exchange.now_ms, **options)  # type: ignore[arg-type]


def port_of(who: Who, client: FuturesClient | None = None) -> CcxtFutures:
    return CcxtFutures(client or client_of(who.venue), hmac_credential(who.api_key, who.secret))


def order(client_id: str, side: str = "BUY", kind: str = "MARKET", **more: object) -> OrderRequest:
    """Return an order of BTCUSDT; numbers as text."""
    numbers = {
        name: Decimal(str(more.pop(name)))
        for name in ("quantity", "price", "trigger_price")
        if more.get(name) is not None
    }
    if kind == "LIMIT":
        more.setdefault("time_in_force", "GTC")
    return OrderRequest(client_id, BTC, OrderSide(side), OrderKind(kind), **numbers, **more)  # type: ignore[arg-type]


def paper_account() -> TradingAccount:
    """Return somebody's new paper account."""
    user, now = person("ada"), timezone.now()
    made = TradingAccount.objects.add_for(
        user.pk, venue="paper", label="Paper", state="connected", created_at=now
    )
    PaperBook.objects.add_for(user.pk, account=made, updated_at=now)
    return made


@dataclass
class Ground:
    """A port, its market, and what it has told so far."""

    port: ExchangePort
    exchange: Exchange
    feed: QuoteFeed
    told: list[VenueEvent] = field(default_factory=list)

    async def move(self, price: float, mark: float | None = None) -> None:
        """Set the price, let the exchange beat, and wait until the quotes say so."""
        wanted = Decimal(str(price if mark is None else mark))
        await asyncio.to_thread(self.exchange.price, BTC, price, mark=mark)
        await self.wait(0)
        await until(lambda: (q := self.feed.quote(BTC)) and q.mark == wanted)

    async def wait(self, ms: int) -> None:
        await asyncio.to_thread(self.exchange.advance, ms + 1_000)

    async def until_told(self, what: Callable[[VenueEvent], bool]) -> VenueEvent:
        return await until(lambda: next((event for event in self.told if what(event)), None))

    async def entered(self, quantity: str = "0.010") -> None:
        """Hold a long position, isolated, at five times."""
        await self.port.set_isolated(BTC)
        await self.port.set_leverage(BTC, 5)
        outcome = await self.port.submit(order("cs-entry", quantity=quantity))
        assert outcome.kind is OutcomeClass.ACCEPTED
        await self.until_told(lambda e: isinstance(e, OrderEvent) and e.fill is not None)
