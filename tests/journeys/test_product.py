"""The whole product as a newcomer gets it: every process, one command, a browser, and a crash."""

import os
import signal as os_signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from django.conf import settings

from cryptosystems.kernel.timeframes import MINUTE_MS
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the engine")

HOUR_MS: Final = 60 * MINUTE_MS
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

    def last_minute(self) -> int:
        """Return when the last 1 m candle that all symbols have was opened."""
        [(at,)] = self.stored(
            "SELECT min(last) FROM (SELECT max(open_ms) AS last FROM signals_candle"
            " WHERE timeframe = '1m' GROUP BY symbol)"
        )
        return int(at)


@pytest.fixture(scope="module")
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
            [*command, "--symbols", str(N_SYMBOLS), "--days", "40"],
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


@pytest.mark.browser
def test_a_visitor_without_an_account_sees_the_market_move(product: Product, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(product.url + "/ai-trading/dashboard")

    prices = "() => [...document.querySelectorAll('[data-last]')].map((e) => e.textContent).join()"
    page.wait_for_function("() => /\\d/.test(document.querySelector('[data-last]')?.textContent)")
    before = page.evaluate(prices)
    page.wait_for_function(f"(before) => ({prices})() !== before", arg=before)

    page.wait_for_function("() => document.querySelector('[data-chart-skeleton]').hidden")
    assert "Estimated" in page.locator("[data-legend]").inner_text()
    assert page.locator("[data-badge=sim]").count() == 1
    page.locator("[data-signal] [data-confidence], [data-gates] [data-gate]").first.wait_for()
    page.locator("[data-feed-list] [data-signal-id]").first.wait_for()
    assert said == []
    page.close()


def test_the_record_is_not_empty_and_says_that_it_is_a_backtest(product: Product) -> None:
    def settled() -> list[dict[str, Any]]:
        asked = {"state": "settled", "origin": "backtest"}
        found = httpx.get(product.url + "/api/v1/signals", params=asked, timeout=20).json()
        return list(found["results"])

    # It follows the first training, while signals are already scored live.
    rows = wait_until(settled, 120.0, every_s=0.5)
    assert {row["origin"] for row in rows} == {"backtest"}
    shown = httpx.get(product.url + f"/api/v1/signals/{rows[0]['id']}/recompute", timeout=20).json()
    assert shown["matches"] is True


def test_a_killed_engine_leaves_no_candle_out_and_none_twice(product: Product) -> None:
    killed, minute = product.engine_pid(), product.last_minute()
    os.kill(killed, os_signal.SIGKILL)
    wait_until(lambda: product.engine_pid() not in (0, killed), 30.0)
    wait_until(lambda: not product.is_ready(), 30.0)
    wait_until(product.is_ready, 120.0, every_s=0.2)
    # Two minutes past the crash: one the engine missed while it was down, one it followed live.
    wait_until(lambda: product.last_minute() >= minute + 2 * MINUTE_MS, 180.0, every_s=0.5)

    until = product.last_minute()
    since = until - 2 * HOUR_MS
    symbols = [name for (name,) in product.stored("SELECT symbol FROM signals_instrument")]
    assert len(symbols) == N_SYMBOLS
    for symbol in symbols:
        told = product.exchange(
            "/fapi/v1/klines", symbol=symbol, interval="1m", startTime=since, endTime=until
        )
        kept = product.stored(
            "SELECT open_ms, open, high, low, close, volume, quote_volume, n_trades,"
            " taker_buy_volume FROM signals_candle WHERE symbol = ? AND timeframe = '1m'"
            " AND open_ms BETWEEN ? AND ? ORDER BY open_ms",
            symbol,
            since,
            until,
        )
        assert len(told) == 121
        assert kept == [
            (row[0], *(float(row[i]) for i in (1, 2, 3, 4, 5, 7, 8, 9))) for row in told
        ]
        [(count, first, last)] = product.stored(
            "SELECT count(*), min(open_ms), max(open_ms) FROM signals_candle"
            " WHERE symbol = ? AND timeframe = '1m' AND open_ms <= ?",
            symbol,
            until,
        )
        assert count == (last - first) // MINUTE_MS + 1
