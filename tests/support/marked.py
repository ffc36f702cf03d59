"""A marked secret of any kind, and the search for it in all that a program leaves behind (SE-07).

secret = Marked("a-marked/secret+…")
sinks = {"log": logged.text(), "database": rows_as_text(), "redis": redis_of(url), "page": html}
assert secret.found_in(sinks) == []
"""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import redis

Sink = str | bytes | Path
_LEAST: Final = 12
"""Shorter pieces would be found by chance."""


class Marked:
    """A secret in every form in which it could turn up."""

    def __init__(self, secret: bytes | str) -> None:
        self.raw = secret.encode() if isinstance(secret, str) else secret
        self.forms = dict(_forms(self.raw))

    @classmethod
    def of_private_key(cls, der: bytes) -> "Marked":
        """Return the mark of an Ed25519 key: PKCS #8 and PEM body, and the seed within."""
        made = cls(der)
        # The head of PKCS #8 is the same in all keys: only what begins with the seed is telling.
        made.forms = {f"seed as {name}": form for name, form in _forms(der[-32:])}
        body = base64.b64encode(der)
        made.forms["PEM body"] = body[-40:]
        return made

    def found_in(self, sinks: Mapping[str, Sink | list[Sink]]) -> list[str]:
        """Return where it was found, and in which form; empty if nowhere."""
        return [
            f"{name}: {form}"
            for name, sink in sinks.items()
            for one in (sink if isinstance(sink, list) else [sink])
            for content in _contents(one)
            for form, mark in self.forms.items()
            if mark in content
        ]


def _forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    assert len(secret) >= _LEAST
    yield "raw", secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    yield "URL", quote(secret, safe="").encode()
    yield "repr", repr(secret)[2:-1].encode()
    for ahead in range(3):  # where it begins in a longer text changes every letter of base64
        coded = base64.b64encode(b"\0" * ahead + secret)
        inner = coded[4 if ahead else 0 : -4]
        yield f"base64 at {ahead}", inner
        yield f"base64url at {ahead}", inner.replace(b"+", b"-").replace(b"/", b"_")


def _contents(sink: Sink) -> Iterator[bytes]:
    if isinstance(sink, str):
        yield sink.encode(errors="surrogateescape")
    elif isinstance(sink, bytes):
        yield sink
    elif sink.is_dir():
        for path in sorted(sink.rglob("*")):
            if path.is_file():
                yield path.read_bytes()
    else:
        yield sink.read_bytes()


# --- sinks ------------------------------------------------------------------------------------


def redis_of(url: str) -> bytes:
    """Return every key and value of a Redis database."""
    client = redis.Redis.from_url(url)
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda key: client.xrange(key),
    }
    found = []
    try:
        for key in client.scan_iter():
            kind: Any = client.type(key)
            found += [key, *_flat(readers[kind](key) if kind in readers else None)]
    finally:
        client.close()
    return b"\n".join(found)


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        for pair in value.items():
            yield from _flat(pair)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from _flat(one)
    elif value is not None:
        yield _bytes(value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return str(value).encode(errors="surrogateescape")
