"""How often one caller may ask: a fixed window, counted atomically where all processes look.

DRF's own throttle reads, adds and writes back, so parallel requests slip through it. Here each
request takes a number by one atomic step; whoever draws one above the limit waits for the next
window. Where the shared store is away each process counts for itself, to a quarter of the limit.

DRF asks for a number only after it has let the caller in, so a refused request would cost nothing.
Here every error that comes before that step draws its number too (`count_refused`).
"""

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseError
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cryptosystems.platform.addresses import client_address

if TYPE_CHECKING:
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

WINDOW_S: Final = 60
HOUR_S: Final = 3600
_LOCAL_SHARE: Final = 4
_MOST_LOCAL: Final = 10_000


class LocalCounter:
    """Counts in this process, for one window of each length at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[int, tuple[int, dict[str, int]]] = {}

    def take(self, who: str, window: int, window_s: int = WINDOW_S) -> int:
        """Return the number of this request within the window."""
        with self._lock:
            current, counts = self._held.get(window_s, (window, {}))
            if window != current or len(counts) > _MOST_LOCAL:
                counts = {}
            self._held[window_s] = (window, counts)
            counts[who] = counts.get(who, 0) + 1
            return counts[who]


_local = LocalCounter()


def take(who: str, limit: int, now_s: float | None = None, *, window_s: int = WINDOW_S) -> int:
    """Count one request; 0: it may pass, else the seconds until the next window."""
    now_s = time.time() if now_s is None else now_s
    window = int(now_s // window_s)
    key = f"rate:{who}:{window}"
    try:
        cache.add(key, 0, 2 * window_s)
        number = cache.incr(key)
    except ValueError:
        # The key went between the two steps (the store was emptied): nothing is lost by a new one.
        cache.set(key, number := 1, 2 * window_s)
    except (RedisError, OSError) as error:
        log.warning("rates_counted_locally", error=type(error).__name__)
        number, limit = _local.take(who, window, window_s), max(1, limit // _LOCAL_SHARE)
    return 0 if number <= limit else max(1, int((window + 1) * window_s - now_s + 0.999))


def spend(who: str, limit: int, *, window_s: int) -> None:
    """Count one costly act against a limit of its own.

    Raises
    ------
    Throttled
        If none is left in this window; answered as 429 with `Retry-After`.
    """
    wait_s = take(who, limit, window_s=window_s)
    if wait_s:
        raise Throttled(wait_s)


def count_caller(request: Request) -> int:
    """Count a request for whoever sends it; 0: it may pass, else the seconds to wait."""
    request._request.is_counted = True  # type: ignore[attr-defined]
    token: Any = request.auth
    if token is not None:
        kind, who = "token", str(token.id)
    elif request.user.is_authenticated:
        kind, who = "user", str(request.user.pk)
    else:
        kind, who = "visitor", client_address(request)
    return _count(kind, who)


def _count(kind: str, who: str) -> int:
    return take(f"{kind}:{who}", settings.API_RATES[kind])


def count_refused(request: Request) -> int:
    """Count a request that an error ended before its throttle was asked; each counts once.

    Whoever showed no valid token or session is a visitor, counted by address.
    """
    if getattr(request._request, "is_counted", False):
        return 0
    try:
        return count_caller(request)
    except (APIException, DatabaseError):
        return _count("visitor", client_address(request))


class CallerRate(BaseThrottle):
    """One limit a token, a signed-in person, or a visitor's address (`API_RATES`, a minute)."""

    def __init__(self) -> None:
        self._wait_s = 0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count this request; False if its caller has none left in this window."""
        self._wait_s = count_caller(request)
        return self._wait_s == 0

    def wait(self) -> float:
        """Return the seconds until the caller may ask again."""
        return float(self._wait_s)
