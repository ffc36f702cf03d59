"""A bell for one person: their rights or sessions have changed, whoever holds a socket looks again.

Ring after a sign-out, a change of password, a suspension, a payment. The bell carries no news:
a hub that hears it reads rows, so a bell that is lost costs at most the regular minute.
"""

import time
from functools import cache, partial
from typing import Final
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

CHANNEL: Final = "cs:bell"
PATIENCE_S: Final = 1.0
SILENT_S: Final = 5.0
"""So long no bell is tried after one that failed: a broker that hangs must not hold up orders."""

_silent_until_s: dict[str, float] = {}


@cache
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url,
        socket_timeout=PATIENCE_S,
        socket_connect_timeout=PATIENCE_S,
        retry=Retry(NoBackoff(), 0),
    )


def ring(user_id: UUID) -> None:
    """Let every open socket of this person be checked, once the transaction has committed."""
    transaction.on_commit(partial(_publish, user_id))


def _publish(user_id: UUID) -> None:
    url = settings.REDIS_URL
    if not url or time.monotonic() < _silent_until_s.get(url, 0.0):
        return
    try:
        _client(url).publish(CHANNEL, str(user_id))
    except redis.RedisError as error:
        _silent_until_s[url] = time.monotonic() + SILENT_S
        log.warning("bell_not_heard", error=type(error).__name__)
