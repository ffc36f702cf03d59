"""The whole product, started once for these tests as a newcomer starts it."""

import os
import signal as os_signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from django.conf import settings

from tests.support.waiting import wait_until

READY_WITHIN_S: Final = 240.0
N_SYMBOLS: Final = 16


@dataclass(frozen=True)
class Product:
    """`manage.py up` at work on a small simulated market."""

    process: subprocess.Popen[bytes]
    url: str
    storage: Path

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url + "/readyz", timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False

    def engine_pid(self) -> int:
        """Return the process of the Celery worker that hosts the engine; 0 while there is none."""
        pid = self.process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            try:
                argv = Path(f"/proc/{child}/cmdline").read_bytes()
            except FileNotFoundError:
                continue
            if b"stream@" in argv:
                return int(child)
        return 0

    def exchange(self, path: str, **query: Any) -> Any:
        """Ask the exchange itself."""
        log = (self.storage / "log" / "exchange.log").read_text()
        address = log.rpartition("exchange ready at ")[2].split()[0]
        return httpx.get(address + path, params=query, timeout=10.0).raise_for_status().json()

    def stored(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database beside the product that writes it."""
        uri = f"file:{self.storage / 'cryptosystems.sqlite3'}?mode=ro"
        database = sqlite3.connect(uri, uri=True, timeout=20.0)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def mails_to(self, address: str) -> list[EmailMessage]:
        """Return what was mailed to somebody, the oldest first, as the file outbox holds it."""
        found = []
        for path in sorted((self.storage / "mail").glob("*")):
            # A file holds every mail of one connection, divided by a ruled line.
            for part in path.read_bytes().split(b"-" * 79 + b"\n"):
                mail = message_from_bytes(part.strip(), policy=policy.default)
                if address in str(mail["To"]):
                    found.append(mail)
        return found  # type: ignore[return-value]  # the policy makes them so

    def last_minute(self) -> int:
        """Return when the last 1 m candle that all symbols have was opened."""
        [(at,)] = self.stored(
            "SELECT min(last) FROM (SELECT max(open_ms) AS last FROM signals_candle"
            " WHERE timeframe = '1m' GROUP BY symbol)"
        )
        return int(at)


@pytest.fixture(scope="session")
def killed_in() -> dict[str, int]:
    """The minute in which the engine was killed, once it was."""
    return {}


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Start it from nothing, as `bin/up` does once the packages are installed."""
    storage = tmp_path_factory.mktemp("product")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "manage.py", "up", "--port", str(port)]
    output = storage / "up.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--symbols", str(N_SYMBOLS), "--days", "25"],
            cwd=settings.BASE_DIR,
            # A newcomer's environment: none of the settings these tests run with.
            env={"PATH": os.environ["PATH"], "STORAGE_DIR": str(storage / "storage")},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or "is ready at" in output.read_text(),
            READY_WITHIN_S,
            every_s=0.2,
        )
        assert process.poll() is None, output.read_text()
        yield Product(process, f"http://127.0.0.1:{port}", storage / "storage")
    finally:
        process.send_signal(os_signal.SIGINT)
        assert process.wait(60) == 0, output.read_text()
