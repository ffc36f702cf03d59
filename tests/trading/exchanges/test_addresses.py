"""A key of one venue never reaches another's hosts."""

import pytest

from cryptosystems.kernel.errors import NeedsOperator
from tests.trading.exchanges.stage import hmac_credential, order
from trading.contracts import Venue
from trading.exchanges.addresses import Addresses, addresses_of, check_host
from trading.exchanges.ccxt_futures import CcxtFutures
from trading.exchanges.client import FuturesClient

LIVE = ["https://fapi.binance.com", "https://api.binance.com", "wss://fstream.binance.com"]
DEMO = ["https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"]
OWN = ["http://127.0.0.1:9000", "ws://exchange:9000"]


@pytest.mark.parametrize(
    ("venue", "urls"),
    [(Venue.BINANCE, LIVE), (Venue.DEMO, DEMO), (Venue.SIMULATED, OWN)],
    ids=["binance", "demo", "simulated"],
)
def test_a_venue_reaches_its_own_hosts_and_no_others(venue: Venue, urls: list[str]) -> None:
    for url in urls:
        check_host(venue, url)
    for url in {*LIVE, *DEMO, *OWN} - {*urls}:
        with pytest.raises(NeedsOperator):
            check_host(venue, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://fapi.binance.com",
        "https://fapi.binance.com:8443",
        "https://fapi.binance.com.evil.example",
        "https://evil.example/fapi.binance.com",
        "https://fapi.binance.com@evil.example",
        "https://demo-fapi.binance.com",
        "",
        "fapi.binance.com",
    ],
)
def test_what_only_looks_like_the_exchange_is_refused(url: str) -> None:
    with pytest.raises(NeedsOperator):
        check_host(Venue.BINANCE, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://fapi.binance.com",
        "https://FAPI.BINANCE.COM.",
        "https://testnet.binancefuture.com",
        "https://www.binance.us",
    ],
)
def test_a_key_of_the_simulated_exchange_reaches_no_real_one(url: str) -> None:
    with pytest.raises(NeedsOperator):
        addresses_of(Venue.SIMULATED, url, "ws://127.0.0.1:1")


def test_the_simulated_exchange_needs_an_address() -> None:
    with pytest.raises(NeedsOperator, match="MARKET_REST_URL"):
        addresses_of(Venue.SIMULATED)


async def test_crossed_addresses_are_refused_before_anything_is_sent() -> None:
    """Even where somebody has put them together by hand."""
    crossed = Addresses(Venue.DEMO, "https://fapi.binance.com", "wss://fstream.binance.com", "")
    client = FuturesClient(crossed, lambda: 1)
    port = CcxtFutures(client, hmac_credential("k", "s"))

    with pytest.raises(NeedsOperator, match=r"never sent to fapi\.binance\.com"):
        await port.submit(order("cs-entry", quantity="0.01"))

    assert client._endpoints._http == {}


def test_no_other_address_of_the_library_is_left() -> None:
    client = FuturesClient(addresses_of(Venue.DEMO), lambda: 1)

    assert set(client._endpoints.urls["api"].values()) == {
        "https://demo-fapi.binance.com/fapi/v1",
        "https://demo-fapi.binance.com/fapi/v3",
    }
