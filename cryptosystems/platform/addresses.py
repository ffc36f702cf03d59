"""Where a request comes from: only what our own proxies wrote is believed."""

import ipaddress
from typing import Final

from django.conf import settings
from django.http import HttpRequest

UNKNOWN: Final = "0.0.0.0"  # noqa: S104  # no address to listen on: the word for "not known"


def client_address(request: HttpRequest) -> str:
    """Return the client's address.

    Each proxy of ours appends the address it was called from, so with n proxies the client is
    the n-th hop from the right; everything to its left may be forged and is not read. Without
    proxies, or with fewer hops than proxies, it is the peer of the connection.
    """
    peer = _address(request.META.get("REMOTE_ADDR", "")) or UNKNOWN
    count: int = settings.TRUSTED_PROXIES
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if count else []
    if len(hops) < count or not count:
        return peer
    return _address(hops[-count]) or peer


def network_of(address: str) -> str:
    """Return the network people share: /24 of IPv4, /64 of IPv6."""
    parsed = ipaddress.ip_address(address)
    length = 24 if parsed.version == 4 else 64
    return str(ipaddress.ip_network(f"{parsed}/{length}", strict=False))


def _address(text: str) -> str:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)
