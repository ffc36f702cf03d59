"""Ways to a port for the tests: the real one over sockets to the simulated exchange."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from tests.support.exchange_process import Venue as Exchange
from tests.support.exchange_process import Who
from trading.contracts import Venue
from trading.domain.venue import OrderKind, OrderRequest, OrderSide
from trading.exchanges.addresses import addresses_of
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient
from trading.exchanges.signer import Credential, KeyKind

BTC = "BTCUSDT"


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
