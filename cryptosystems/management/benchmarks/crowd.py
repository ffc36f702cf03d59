"""One signal for a crowd of accounts: what the executor needs for it, and whether the rules hold.

Exchange, executor and Valkey are processes of their own, with a database in a temporary directory.
The executor's figures are its own CPU; the exchange's stand beside them.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.management import embedded
from cryptosystems.management.benchmarks.children import (
    PACKAGE,
    ROOT,
    ChildFailed,
    child,
    read_line,
    stop,
)
from cryptosystems.management.benchmarks.measure import machine
from cryptosystems.management.benchmarks.pipeline import answers, cpu_of, environment, server

USERS: Final = 1_000
WEIGHT: Final = 2_400
"""What one address may use a minute at Binance."""
VENUES: Final = ("simulated", "paper")
BOUNDLESS: Final = 1_000_000_000
_START_S: Final = 20.0
_MAKE_S: Final = 0.25
"""To make one person, and let the lane read the account."""
_RUN_S: Final = 0.1
"""Of one person, until all is over; a signal is valid for two minutes."""
_VALID_S: Final = 150.0


@contextmanager
def exchange(run_dir: Path, env: dict[str, str]) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run the simulated exchange with prices that stand; give (process, its address)."""
    ready = run_dir / "exchange"
    process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [
            *(sys.executable, "-m", "trading.simulator", "--world", "scripted"),
            *("--symbols", "3", "--port", "0", "--days", "0.1", "--ready-file", str(ready)),
            *("--weight-limit", str(BOUNDLESS)),
        ],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        until = monotonic() + _START_S
        while not ready.exists():
            if process.poll() is not None:
                raise ChildFailed(f"the exchange ended with code {process.returncode}")
            if monotonic() > until:
                raise ChildFailed(f"the exchange was not ready within {_START_S:.0f} s")
            sleep(0.02)
        yield process, ready.read_text()
    finally:
        process.terminate()
        stop(process)


@contextmanager
def stage() -> Iterator[tuple[dict[str, str], "subprocess.Popen[bytes]"]]:
    """Run Valkey and the exchange; give the executor's environment and the exchange."""
    with ExitStack() as stack:
        run_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cs-bench-")))
        env = environment(run_dir)
        argv = embedded.valkey_argv(run_dir, run_dir / "valkey")
        at = str(run_dir / "valkey.sock")
        stack.enter_context(server(argv, env, "valkey", answers(socket.AF_UNIX, at)))
        process, address = stack.enter_context(exchange(run_dir, env))
        keys = embedded.vault_private_keys()
        yield (
            {
                **env,
                "MARKET_REST_URL": address,
                "VAULT_PRIVATE_KEYS": keys,
                "VAULT_PUBLIC_KEY": embedded.vault_public_key(keys),
                "EXECUTOR": "yes",
            },
            process,
        )


def crowd(
    venue: str, users: int, weight: int, *, slow: int = 0, signals: int = 1
) -> dict[str, Any]:
    """Run exchange and executor with a crowd at one venue; return what the executor measured.

    Raises
    ------
    ChildFailed
        If a process ends early.
    """
    within_s = _VALID_S + users * _RUN_S
    with ExitStack() as stack:
        env, at_exchange = stack.enter_context(stage())
        executor, _ = stack.enter_context(
            child(
                f"{PACKAGE}.crowd_executor",
                *("--users", str(users), "--venue", venue, "--weight", str(weight)),
                *("--within", str(within_s), "--slow", str(slow)),
                env=env,
                start_s=_START_S + within_s + users * _MAKE_S,
            )
        )
        before = cpu_of(at_exchange.pid)
        assert executor.stdin is not None
        executor.stdin.write(b"go\n")
        lasting_s = signals * within_s + _START_S
        found: dict[str, Any] = json.loads(read_line(executor, "the executor", lasting_s))
        found["exchange_cpu_s"] = round(cpu_of(at_exchange.pid) - before, 2)
    return found


def one_venue(venue: str, users: int, weight: int) -> dict[str, Any]:
    """Let a crowd at one venue take one signal; return what was measured."""
    found = crowd(venue, users, weight)
    found["exchange_cpu_ms_per_user"] = round(1_000 * found["exchange_cpu_s"] / users, 2)
    return {"venue": venue, "broken": broken(found), **found}


def broken(found: dict[str, Any]) -> list[str]:
    """Return which rules did not hold, in words; empty: all did."""
    held, said = found.get("truth"), []
    if found["stop_before_entry"] != found["entries_sent"]:
        said.append("an entry left before its stop was confirmed")
    if found["open_with_stop"] != found["open"]:
        said.append("a position has no confirmed stop")
    if found["stops_that_waited"]:
        said.append("a stop waited for request weight")
    if found["weight_used_most"] > found["weight_limit"]:
        said.append("more request weight was used than the address has")
    if held is not None:
        if held["most_entries_of_one"] > 1:
            said.append("an account has two entries")
        if held["positions_without_stop"]:
            said.append("the exchange holds a position without a stop")
        if held["entries"] != found["entries_sent"] or held["positions"] != found["open"]:
            said.append("our rows differ from the exchange's")
    return said


def run(*, users: int = USERS, weight: int = WEIGHT) -> dict[str, Any]:
    """Let a crowd at the exchange and one on paper take one signal each.

    Raises
    ------
    ChildFailed
        If a process ends early.
    InvalidInput
        If a rule did not hold: then there are no figures.
    """
    venues = [one_venue(venue, users, weight) for venue in VENUES]
    for found in venues:
        if found["broken"]:
            raise InvalidInput(f"{found['venue']}: {'; '.join(found['broken'])}")
    return {"bench": "crowd", **machine(), "users": users, "weight": weight, "venues": venues}


def report(found: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people."""
    lines = [f"{found['users']} accounts, one signal, {found['weight']} weight a minute"]
    for one in found["venues"]:
        lines += _venue_lines(one)
    return lines


def _venue_lines(one: dict[str, Any]) -> list[str]:
    def times(title: str, values: dict[str, Any]) -> str:
        if not values["n"]:
            return f"  {title:28} none"
        return (
            f"  {title:28} p50 {values['p50'] / 1000:7.2f}  p99 {values['p99'] / 1000:7.2f}  "
            f"last {values['max'] / 1000:7.2f} s   ({values['n']})"
        )

    states = ", ".join(f"{n} {state}" for state, n in sorted(one["states"].items()))
    return [
        f"{one['venue']}: {states}",
        f"  entries sent {one['entries_sent']}, stop confirmed before {one['stop_before_entry']}; "
        f"open {one['open']}, with a confirmed stop {one['open_with_stop']}",
        times("signal to entry", one["signal_to_entry_ms"]),
        times("signal to stop of position", one["signal_to_stop_ms"]),
        f"  claim and submit {one['claim_and_submit_ms']:.2f} ms of CPU an order; a user, all in "
        f"all: executor {one['executor_cpu_ms_per_user']:.0f} ms, "
        f"exchange {one['exchange_cpu_ms_per_user']:.0f} ms",
        f"  weight {one['weight_used']} (most in a minute {one['weight_used_most']}), "
        f"orders {one['orders']}, rows written {one['rows_written']}",
    ]
