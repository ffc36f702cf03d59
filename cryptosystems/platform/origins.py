"""Where a socket comes from: the client's address, and whether a page of ours opened it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from cryptosystems.platform.addresses import client_address


def _header(scope: Mapping[str, Any], wanted: bytes) -> str | None:
    found = [value for name, value in scope["headers"] if name.lower() == wanted]
    return found[0].decode("latin-1") if len(found) == 1 else None if not found else ""


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def has_origin(scope: Mapping[str, Any]) -> bool:
    """Say whether the socket's request names an origin at all; browsers always do."""
    return _header(scope, b"origin") is not None


def is_own_host(scope: Mapping[str, Any]) -> bool:
    """Say whether the socket was opened on a host this site answers to."""
    domain, _ = split_domain_port(_header(scope, b"host") or "")
    hosts = settings.ALLOWED_HOSTS
    if settings.DEBUG and not hosts:
        hosts = [".localhost", "127.0.0.1", "[::1]"]
    return bool(domain) and validate_host(domain, hosts)


def is_own_origin(scope: Mapping[str, Any]) -> bool:
    """Say whether the origin is letter by letter the host asked, our site, or a trusted origin."""
    origin = _header(scope, b"origin")
    if not origin or not is_own_host(scope):
        return False
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    own = {f"{scheme}://{_header(scope, b'host')}", _origin_of(settings.SITE_URL)}
    own.update(_origin_of(url) for url in settings.CSRF_TRUSTED_ORIGINS if "*" not in url)
    return origin in own


def address_of_scope(scope: Mapping[str, Any]) -> str:
    """Return the client's address, by the same rule as a request's."""
    peer = scope.get("client") or ("", 0)
    hops = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = str(peer[0])
    if hops:
        request.META["HTTP_X_FORWARDED_FOR"] = b",".join(hops).decode("latin-1")
    return client_address(request)
