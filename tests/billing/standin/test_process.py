"""The stand-in as `up` starts it: a process with a lasting address, lasting secrets and a file."""

import base64
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import stripe

from cryptosystems.management import embedded, surroundings
from cryptosystems.management.commands.up import Product
from cryptosystems.management.surroundings import Plan
from tests.support.waiting import wait_until

SETTINGS = (
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_PRICE_ID",
    "STRIPE_API_BASE",
    "SITE_URL",
    "KEY_ENCRYPTION_KEYS",
    "SECRET_KEY",
)


def _plan(storage: Path, host: str = "127.0.0.1") -> Plan:
    return Plan(host, 8123, "simulated", None, "3", 1.0, 1, "demo", storage)


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_the_process_answers_at_the_address_that_was_chosen_for_it(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    env = surroundings.environment(plan, tmp_path)
    argv = surroundings.standin_argv(plan, env)
    assert not any(env["STRIPE_SECRET_KEY"] in part for part in argv)
    ready = tmp_path / "ready"
    process = subprocess.Popen([*argv, "--ready-file", str(ready)], env=env, text=True)
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, timeout_s=20)
        assert process.poll() is None
        assert ready.read_text() == env["STRIPE_API_BASE"]
        client = stripe.StripeClient(
            env["STRIPE_SECRET_KEY"], base_addresses={"api": env["STRIPE_API_BASE"]}
        )
        price = client.v1.prices.retrieve(env["STRIPE_PRICE_ID"])
        assert (price.unit_amount, price.currency) == (5999, "usd")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    kept = tmp_path / "stripe" / "state.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_up_starts_it_and_it_comes_back(tmp_path: Path) -> None:
    product = Product(_plan(tmp_path), tmp_path, lambda text: None)
    try:
        await product._start_stripe()
        address = product.env["STRIPE_API_BASE"]
        assert await product._stripe_answers()
    finally:
        await product.supervisor.stop()
    assert not await product._stripe_answers()
    again = Product(_plan(tmp_path), tmp_path, lambda text: None)
    assert again.env["STRIPE_API_BASE"] == address


def test_a_damaged_file_is_named_and_put_aside(tmp_path: Path) -> None:
    kept = tmp_path / "state.json"
    kept.write_text('{"format": 1, "objects": {')
    argv = [sys.executable, "manage.py", "stripe_standin", "--port", "0", "--storage", str(kept)]
    done = subprocess.run(argv, env=dict(os.environ), capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "state.json.damaged" in done.stderr and "Start again" in done.stderr
    assert (tmp_path / "state.json.damaged").read_text() == '{"format": 1, "objects": {'
    assert not kept.exists()


def test_surroundings_last_and_what_is_set_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = surroundings.environment(_plan(tmp_path), tmp_path)
    again = surroundings.environment(_plan(tmp_path), tmp_path)
    assert {name: first[name] for name in SETTINGS} == {name: again[name] for name in SETTINGS}
    assert first["SITE_URL"] == "http://127.0.0.1:8123"
    name, _, key = first["KEY_ENCRYPTION_KEYS"].partition(":")
    assert name == "local" and len(base64.b64decode(key, validate=True)) == 32
    assert stat.S_IMODE((tmp_path / "secrets" / "stripe_key").stat().st_mode) == 0o600

    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_of_somebody")
    monkeypatch.setenv("SITE_URL", "https://example.org")
    real = surroundings.environment(_plan(tmp_path), tmp_path)
    assert not surroundings.has_standin(real)
    assert "STRIPE_API_BASE" not in real and real["SITE_URL"] == "https://example.org"


def test_a_site_served_everywhere_is_reached_on_loopback(tmp_path: Path) -> None:
    assert _plan(tmp_path, "0.0.0.0").own_address == "http://127.0.0.1:8123"
    assert _plan(tmp_path, "::1").own_address == "http://[::1]:8123"


def test_a_port_that_somebody_took_is_given_up(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "port"
    port = embedded.lasting_port(path)
    assert embedded.lasting_port(path) == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert embedded.lasting_port(path) != port
    path.write_text("nonsense")
    assert embedded.lasting_port(path) > 0
