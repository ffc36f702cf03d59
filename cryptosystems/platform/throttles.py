"""How often one caller may ask: a fixed window, counted atomically where all processes look.

DRF's own throttle reads, adds and writes back, so parallel requests slip through it. Here each
request takes a number by one atomic step; whoever draws one above the limit waits for the next
window. Where the shared store is away each process counts for itself, to a quarter of the limit.
"""

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cryptosystems.platform.addresses import client_address

if TYPE_CHECKING:
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

WINDOW_S: Final = 60
_LOCAL_SHARE: Final = 4
_KEEP_S: Final = 2 * WINDOW_S
_MOST_LOCAL: Final = 10_000


class LocalCounter:
    """Counts in this process, for one window at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}

    def take(self, who: str, window: int) -> int:
        """Return the number of this request within the window."""
        with self._lock:
            if window != self._window or len(self._counts) > _MOST_LOCAL:
                self._window, self._counts = window, {}
            self._counts[who] = self._counts.get(who, 0) + 1
            return self._counts[who]


_local = LocalCounter()


def take(who: str, limit: int, now_s: float | None = None) -> int:
    """Count one request; 0: it may pass, else the seconds until the next window."""
    now_s = time.time() if now_s is None else now_s
    window = int(now_s // WINDOW_S)
    key = f"rate:{who}:{window}"
    try:
        cache.add(key, 0, _KEEP_S)
        number = cache.incr(key)
    except ValueError:
        # The key went between the two steps (the store was emptied): nothing is lost by a new one.
        cache.set(key, number := 1, _KEEP_S)
    except (RedisError, OSError) as error:
        log.warning("rates_counted_locally", error=type(error).__name__)
        number, limit = _local.take(who, window), max(1, limit // _LOCAL_SHARE)
    return 0 if number <= limit else max(1, int((window + 1) * WINDOW_S - now_s + 0.999))


class CallerRate(BaseThrottle):
    """One limit a token, a signed-in person, or a visitor's address (`API_RATES`, a minute)."""

    def __init__(self) -> None:
        self._wait_s = 0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count this request; False if its caller has none left in this window."""
        token: Any = request.auth
        if token is not None:
            kind, who = "token", str(token.id)
        elif request.user.is_authenticated:
            kind, who = "user", str(request.user.pk)
        else:
            kind, who = "visitor", client_address(request)
        self._wait_s = take(f"{kind}:{who}", settings.API_RATES[kind])
        return self._wait_s == 0

    def wait(self) -> float:
        """Return the seconds until the caller may ask again."""
        return float(self._wait_s)
