"""Where each venue lives, and which hosts its keys may ever be sent to."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptosystems.kernel.errors import NeedsOperator
from trading.contracts import Venue


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one venue, without a slash at the end."""

    venue: Venue
    rest: str
    streams: str
    rights: str
    """Where `apiRestrictions` is asked."""


_HOSTS: Final = {
    Venue.BINANCE: frozenset({"fapi.binance.com", "api.binance.com", "fstream.binance.com"}),
    Venue.DEMO: frozenset({"demo-fapi.binance.com", "demo-fstream.binance.com"}),
}
_BINANCE_DOMAINS: Final = ("binance.com", "binancefuture.com", "binance.vision", "binance.us")


def addresses_of(venue: Venue, rest: str = "", streams: str = "") -> Addresses:
    """Return the addresses of a venue; `rest` and `streams` are those of the simulated exchange.

    Raises
    ------
    NeedsOperator
        If the simulated exchange's addresses are missing or are those of a real one.
    """
    if venue is Venue.BINANCE:
        return Addresses(
            venue,
            "https://fapi.binance.com",
            "wss://fstream.binance.com",
            "https://api.binance.com",
        )
    if venue is Venue.DEMO:
        # The rights of demo keys cannot be asked: the demo exchange has no such call.
        return Addresses(
            venue, "https://demo-fapi.binance.com", "wss://demo-fstream.binance.com", ""
        )
    if not rest or not streams:
        raise NeedsOperator("no address of the simulated exchange is set (MARKET_REST_URL)")
    for url in (rest, streams):
        check_host(venue, url)
    return Addresses(venue, rest.rstrip("/"), streams.rstrip("/"), rest.rstrip("/"))


def ours(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return those of the IPv4 addresses that this machine has, and can connect from."""
    return tuple(address for address in addresses if ":" not in address and _is_ours(address))


def _is_ours(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            return False
    return True


def check_host(venue: Venue, url: str) -> None:
    """Refuse to send anything of a venue's account to a host of another venue.

    Raises
    ------
    NeedsOperator
        Before anything is sent.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    known = _HOSTS.get(venue)
    if known is not None:
        is_right = host in known and parts.scheme in ("https", "wss") and parts.port in (None, 443)
    else:
        is_right = bool(host) and not any(
            host == domain or host.endswith(f".{domain}") for domain in _BINANCE_DOMAINS
        )
    if not is_right:
        raise NeedsOperator(f"a key of {venue.value} is never sent to {host or 'no host'}")
