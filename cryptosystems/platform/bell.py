"""A bell for one person: their rights or sessions have changed, whoever holds a socket looks again.

Ring after a sign-out, a change of password, a suspension, a payment. The bell carries no news:
a hub that hears it reads rows, so a bell that is lost costs at most the regular minute.
"""

from functools import cache, partial
from typing import Final
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction

log = structlog.get_logger(__name__)

CHANNEL: Final = "cs:bell"


@cache
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0)


def ring(user_id: UUID) -> None:
    """Let every open socket of this person be checked, once the transaction has committed."""
    transaction.on_commit(partial(_publish, user_id))


def _publish(user_id: UUID) -> None:
    if not settings.REDIS_URL:
        return
    try:
        _client(settings.REDIS_URL).publish(CHANNEL, str(user_id))
    except redis.RedisError as error:
        log.warning("bell_not_heard", error=type(error).__name__)
