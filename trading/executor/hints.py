"""Bells wake lanes at once: who follows, approves or closes something does not wait for a sweep.

The bell carries a person's id and no news; a bell that is lost costs a second, for the rows are
looked at anyway.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from cryptosystems.platform import bell

log = structlog.get_logger(__name__)

AGAIN_S: Final = 2.0


async def hear_bells(hear: Callable[[UUID], None]) -> None:
    """Call `hear` with whoever's bell rings, for ever; without a broker in silence."""
    while settings.REDIS_URL:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        try:
            async with client.pubsub() as heard:
                await heard.subscribe(bell.CHANNEL)
                async for message in heard.listen():
                    if message["type"] == "message":
                        _pass_on(message["data"], hear)
        except (RedisError, OSError) as error:
            log.warning("bells_not_heard", error=type(error).__name__)
        finally:
            await client.aclose()
        await asyncio.sleep(AGAIN_S)


def _pass_on(data: bytes, hear: Callable[[UUID], None]) -> None:
    try:
        hear(UUID(data.decode()))
    except ValueError:
        log.warning("strange_bell")
