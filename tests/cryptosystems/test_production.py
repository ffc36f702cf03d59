"""Production does not start on a key that is missing, or that stands in somebody's notes."""

import base64
import os
import subprocess
import sys

import pytest

_ENVIRONMENT = {
    "SECRET_KEY": "x" * 60,
    "DATABASE_URL": "postgres://localhost/x",
    "REDIS_URL": "redis://localhost/0",
}


def start(keys: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import cryptosystems.settings.production"],
        env={**os.environ, **_ENVIRONMENT, "KEY_ENCRYPTION_KEYS": keys},
        capture_output=True,
        text=True,
        check=False,
    )


def written(key: bytes) -> str:
    return "2026:" + base64.b64encode(key).decode()


def test_a_random_key_is_taken() -> None:
    assert start(written(os.urandom(32))).returncode == 0


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("", "KEY_ENCRYPTION_KEYS"),
        (written(os.urandom(16)), "KEY_ENCRYPTION_KEYS"),
        (written(b"only-for-commands-without-bin-up"), "holds an example"),
    ],
    ids=["none", "short", "example"],
)
def test_no_key_a_short_one_and_an_example_are_refused(keys: str, why: str) -> None:
    refused = start(keys)
    assert refused.returncode != 0 and why in refused.stderr
    assert keys == "" or keys.split(":")[1] not in refused.stderr
