"""Where a request comes from: the peer itself, or what our own proxies say of it.

Each proxy appends the address it saw to `X-Forwarded-For`, so only the entries our own proxies
wrote can be believed: they are counted from the right, as many as `TRUSTED_PROXIES`.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

UNKNOWN: Final = "unknown"


def forwarded_address(peer: str, forwarded: str, n_proxies: int) -> str:
    """Return the client's address; `forwarded` is the header, whole, as it came."""
    if n_proxies > 0:
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        if len(hops) >= n_proxies:
            peer = hops[-n_proxies]
    try:
        return str(ip_address(peer))
    except ValueError:
        return UNKNOWN


def client_address(request: HttpRequest) -> str:
    """Return the address of whoever sent a request."""
    return forwarded_address(
        request.META.get("REMOTE_ADDR", ""),
        request.META.get("HTTP_X_FORWARDED_FOR", ""),
        settings.TRUSTED_PROXIES,
    )


def address_of_scope(scope: Mapping[str, Any]) -> str:
    """Return the same of a socket's ASGI scope."""
    headers = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
    peer = scope.get("client") or ("", 0)
    return forwarded_address(
        str(peer[0]), b",".join(headers).decode("latin-1"), settings.TRUSTED_PROXIES
    )
