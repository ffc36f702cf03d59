"""The simulated exchange as a process of its own, with the scripted market and a clock by hand.

with exchange_process() as venue:
    who = venue.account()
    venue.price("BTCUSDT", 61_000)
    venue.advance(1_000)
    venue.fault("private", "drop", match="/order", method="POST", args={"executed": True})
"""

import hashlib
import hmac
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from tests.support.waiting import wait_until

START_MS: Final = 1_764_010_800_000
"""2025-11-24 19:00 UTC; funding is settled at 20:00 (4 h symbols) and at midnight."""
ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE_S: Final = 20.0


class CallRefused(Exception):
    """The exchange's answer was not 200."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.code = body.get("code") if isinstance(body, dict) else None
        self.body = body


@dataclass(slots=True)
class Who:
    """An account of the simulated exchange, and its HMAC key."""

    venue: "Venue"
    uid: str
    api_key: str
    secret: str = field(repr=False)

    def call(self, method: str, path: str, **params: Any) -> Any:
        """Make a signed call, as this account's own client would."""
        query = urlencode({**params, "timestamp": self.venue.now_ms(), "recvWindow": 5_000})
        signature = hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{path}?{query}&signature={signature}"
        answer = self.venue.http.request(method, url, headers={"X-MBX-APIKEY": self.api_key})
        if answer.status_code != 200:
            raise CallRefused(answer.status_code, answer.json())
        return answer.json()

    def by_hand(self, method: str, path: str, **params: Any) -> Any:
        """Do as the owner does by hand: the same calls, past every fault of the wire."""
        order = {"method": method, "path": path, "params": params}
        return self.venue.sim("POST", f"accounts/{self.uid}/call", order)

    def truth(self) -> dict[str, Any]:
        """Return what is really there, whatever faults hide: positions, orders, algos, trades."""
        told: dict[str, Any] = self.venue.sim("GET", f"accounts/{self.uid}")
        return told

    def position(self, symbol: str) -> str:
        """Return the signed quantity of a position as text; "0" where there is none."""
        held = [p for p in self.truth()["positions"] if p["symbol"] == symbol]
        return str(held[0]["positionAmt"]) if held else "0"

    def change(self, **order: Any) -> dict[str, Any]:
        """Change the account from outside: deposit, can_trade, adl, delist, close_streams …"""
        told: dict[str, Any] = self.venue.sim("POST", f"accounts/{self.uid}", order)
        return told

    def add_key(self, **order: Any) -> dict[str, Any]:
        """Make another key: kind, public_key, rights, addresses, expires_ms, label."""
        told: dict[str, Any] = self.venue.sim("POST", f"accounts/{self.uid}/keys", order)
        return told

    def alter_key(self, **order: Any) -> None:
        """Change this key: rights, addresses, expires_ms."""
        self.venue.sim("POST", f"accounts/{self.uid}/keys/{self.api_key}", order)

    def revoke(self) -> None:
        """Delete this key at the exchange."""
        self.venue.sim("DELETE", f"accounts/{self.uid}/keys/{self.api_key}")


@dataclass(slots=True)
class Venue:
    """A running exchange."""

    base_url: str
    http: httpx.Client
    process: "subprocess.Popen[bytes]"

    @property
    def ws_url(self) -> str:
        return self.base_url.replace("http", "ws", 1)

    def sim(self, method: str, what: str, order: dict[str, Any] | None = None) -> Any:
        """Give an order to the simulation."""
        answer = self.http.request(method, f"/sim/{what}", json=order)
        if answer.status_code != 200:
            raise CallRefused(answer.status_code, answer.json())
        return answer.json()

    def now_ms(self) -> int:
        return int(self.http.get("/sim/info").json()["now_ms"])

    def advance(self, ms: int, step_ms: int | None = None) -> None:
        """Move the clock, a beat of 500 ms (or `step_ms`) at a time."""
        self.sim("POST", "advance", {"ms": ms, "step_ms": step_ms})

    def price(
        self, symbol: str, price: float, *, mark: float | None = None, seconds: float = 0
    ) -> None:
        """Set a price, at once or along so many seconds; the mark price follows unless given."""
        order = {"symbol": symbol, "price": price, "seconds": seconds}
        self.sim("POST", "price", order if mark is None else {**order, "mark": mark})

    def book(self, symbol: str, **shape: Any) -> None:
        """Set a book: `quantity` at each tick, or `bids` and `asks` as (price, quantity)."""
        self.sim("POST", "book", {"symbol": symbol, **shape})

    def funding(self, symbol: str, rate: float) -> None:
        self.sim("POST", "funding", {"symbol": symbol, "rate": rate})

    def fault(self, channel: str, action: str, **more: Any) -> None:
        """Put a fault in force; channels are private, user, matching, rest and ws."""
        self.sim("POST", "faults", {"channel": channel, "action": action, **more})

    def struck(self) -> int:
        """Return how often the faults of the private side have struck."""
        return sum(fault["struck"] for fault in self.sim("GET", "faults"))

    def heal(self) -> None:
        """Take every fault back."""
        self.sim("DELETE", "faults")

    def clock_offset(self, ms: int) -> None:
        """Let the exchange's own clock be off by so much."""
        self.sim("POST", "clock", {"offset_ms": ms})

    def listing(self, symbol: str, status: str) -> None:
        self.sim("POST", "listing", {"symbol": symbol, "status": status})

    def account(self, *, wallet: float = 10_000, label: str = "", **key: Any) -> Who:
        """Open an account with a wallet and one HMAC key; `rights`, `addresses` … are the key's."""
        order = {"wallet": wallet, "label": label, "key": key}
        told = self.sim("POST", "accounts", order)
        return Who(self, told["uid"], told["key"]["api_key"], told["key"]["secret"])


@contextmanager
def exchange_process(
    *,
    symbols: int = 3,
    start_ms: int = START_MS,
    manual_clock: bool = True,
    data_dir: Path | None = None,
    weight_limit: int = 20_000,
    options: tuple[str, ...] = (),
) -> Iterator[Venue]:
    """Run the exchange with the scripted market; it ends with the block.

    Weights are counted by the clock moved by hand; 2,400 a minute is what Binance allows.
    """
    with tempfile.TemporaryDirectory(prefix="venue-") as directory:
        ready, log = Path(directory) / "ready", Path(directory) / "log"
        command = [
            *(sys.executable, "-m", "trading.simulator", "--world", "scripted"),
            *("--symbols", str(symbols), "--port", "0", "--ready-file", str(ready)),
            *("--days", "0.1", "--weight-limit", str(weight_limit)),
            *(("--manual-clock", "--start-ms", str(start_ms)) if manual_clock else ()),
            *(("--data-dir", str(data_dir)) if data_dir else ()),
            *options,
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=os.environ, cwd=ROOT
            )
        try:

            def is_ready() -> bool:
                assert process.poll() is None, log.read_text()
                return ready.exists()

            wait_until(is_ready, _PATIENCE_S)
            with httpx.Client(base_url=ready.read_text(), timeout=10.0) as http:
                yield Venue(ready.read_text(), http, process)
        finally:
            process.terminate()
            process.wait(10)
