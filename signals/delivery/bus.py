"""Between engine and web processes: frames out, questions back, over one Redis.

Frames are ready-made texts, encoded once by the engine: a hub only passes them on. What a
browser must not miss is a row in the outbox as well; the bus is the fast way, not the safe one.
"""

import json
import uuid
from functools import cache
from typing import Any, Final

import redis
import redis.asyncio
from django.conf import settings

FRAMES: Final = "cs:frames"
WANTED: Final = "cs:wanted"
QUESTIONS: Final = "cs:questions"
STATUS: Final = "cs:status"
MARKETS: Final = "cs:markets"
TRAINING: Final = "cs:training"
STATE_TTL_S: Final = 15
TRAINING_TTL_S: Final = 120
"""How long a trainer's last word counts; one that died is asked again after it."""
WANTED_S: Final = 15
ANSWER_S: Final = 3.0
_ANSWER_TTL_S: Final = 20


@cache
def _pool(url: str) -> "redis.ConnectionPool":
    return redis.ConnectionPool.from_url(url, socket_timeout=5.0)


def connect() -> "redis.Redis":
    """Return a client for synchronous code; the connections behind it are shared."""
    return redis.Redis(connection_pool=_pool(settings.REDIS_URL))


def connect_async() -> "redis.asyncio.Redis":
    """Return a client for the event loop that calls this."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL)


def frame_text(topic: str, sequence: int, at: str, data: str) -> str:
    """Return a frame; `data` is JSON already."""
    return f'{{"topic":"{topic}","seq":{sequence},"at":"{at}","data":{data}}}'


def pack(topic: str, sequence: int, text: str) -> bytes:
    """Return a frame as it travels on the bus."""
    return f"{topic}\n{sequence}\n{text}".encode()


def unpack(message: bytes) -> tuple[str, int, str]:
    """Return (topic, sequence, frame text)."""
    topic, sequence, text = message.decode().split("\n", 2)
    return topic, int(sequence), text


def read_state(key: str) -> Any:
    """Return what the engine last said under `key`, or None if it is silent or Redis is away."""
    try:
        held = connect().get(key)
    except redis.RedisError:
        return None
    return None if held is None else json.loads(held)


def is_alive() -> bool:
    """Say whether Redis answers."""
    try:
        return bool(connect().ping())
    except redis.RedisError:
        return False


def forget_state() -> None:
    """Drop what an engine that is gone has said of itself."""
    connect().delete(STATUS, MARKETS, TRAINING)


def ask(kind: str, **arguments: Any) -> Any:
    """Ask the engine; None if it does not answer within three seconds."""
    number = uuid.uuid4().hex
    question = json.dumps({"id": number, "kind": kind, "args": arguments})
    try:
        client = connect()
        client.rpush(QUESTIONS, question)
        found = client.blpop([f"cs:answer:{number}"], timeout=ANSWER_S)
    except redis.RedisError:
        return None
    return None if found is None else json.loads(found[1])


def answer_key(number: str) -> str:
    return f"cs:answer:{number}"


ANSWER_TTL_S = _ANSWER_TTL_S
