"""A secret with a mark: made, handed to the product, and then looked for in every sink (I7).

Looked for is each form in which bytes leave a program: as text, base64, hex, for a URL, and the
body of a PEM with and without its line ends.
"""

import base64
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.db import connection

SIGNED: Final = "signature="
"""A signed body is as good as the order in it: it belongs into no sink either."""


@dataclass(slots=True)
class Sinks:
    """What was written while the product worked."""

    lines: list[str] = field(default_factory=list)

    def take(self, what: object) -> None:
        """Add a text, or an exception with its whole chain."""
        if isinstance(what, BaseException):
            self.lines += traceback.format_exception(what)
            self.lines.append(repr(what))
        else:
            self.lines.append(str(what))

    def text(self) -> str:
        return "\n".join(self.lines)


class _Handler(logging.Handler):
    """Keeps every record as it would be written, with its traceback and its extras."""

    def __init__(self, sinks: Sinks) -> None:
        super().__init__(logging.DEBUG)
        self._sinks = sinks
        self._formatter = logging.Formatter("%(name)s %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        self._sinks.take(self._formatter.format(record))
        self._sinks.take(record.__dict__)


@dataclass(frozen=True, slots=True)
class Canary:
    """An Ed25519 key whose private half must be seen nowhere."""

    pem: str = field(repr=False)
    public_pem: str
    seed: bytes = field(repr=False)

    @classmethod
    def hatch(cls) -> "Canary":
        """Make one."""
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return cls(pem, public.decode(), key.private_bytes_raw())

    def forms(self) -> dict[str, str]:
        """Return how the secret would look in a sink, by the name of the form."""
        body = "".join(self.pem.strip().splitlines()[1:-1])
        return {
            "PEM": self.pem.strip(),
            "PEM body": body,
            "PEM in JSON": json.dumps(self.pem.strip())[1:-1],
            "PEM in base64": base64.b64encode(self.pem.encode()).decode()[:60],
            "PEM in a URL": quote(body, safe=""),
            "hex": self.seed.hex(),
            "HEX": self.seed.hex().upper(),
            "base64": base64.b64encode(self.seed).decode().rstrip("="),
            "url-safe base64": base64.urlsafe_b64encode(self.seed).decode().rstrip("="),
            "raw": self.seed.decode("latin-1"),
            "repr": repr(self.seed)[2:-1],
            "tail of the body": body[-24:],
        }

    def found_in(self, text: str) -> str | None:
        """Return the form in which the secret stands there, if it does."""
        return next((name for name, form in self.forms().items() if form in text), None)

    def assert_unseen(self, sinks: Sinks) -> None:
        """Look through everything that was logged, and through every row of the database."""
        logged, rows = sinks.text(), rows_as_text()
        assert self.found_in(logged) is None, f"I7: {self.found_in(logged)} in a log"
        assert SIGNED not in logged, "I7: a signed request in a log"
        assert self.found_in(rows) is None, f"I7: {self.found_in(rows)} in a row"
        assert SIGNED not in rows, "I7: a signed request in a row"


def rows_as_text() -> str:
    """Return every row of every table, as a dump of the database would show it."""
    lines = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name that the database told
            lines += [str(row) for row in cursor.fetchall()]
    return "\n".join(lines)


@contextmanager
def listening_to_everything() -> Iterator[Sinks]:
    """Take down whatever is logged, at DEBUG and by whomever, until the block ends."""
    sinks = Sinks()
    handler, root = _Handler(sinks), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)  # structlog writes through the standard library, too
    try:
        yield sinks
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
