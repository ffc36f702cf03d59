"""Production is checked before it serves: each planted fault is found, and a good set is clean."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.conf import settings

from cryptosystems.checks import findings

KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "DJANGO_SETTINGS_MODULE": "cryptosystems.settings.production",
    "SECRET_KEY": "k7Jt0mFqZ3vX9bLw2HnR5cYdP8sGaE1uVoT4iKxQ6yMzBjWf-_NhCrDlSpUgAe",
    "DATABASE_URL": "postgres://app:a-password@db.internal/app?sslmode=require",
    "REDIS_URL": "rediss://:a-password@redis.internal:6380/0",
    "ALLOWED_HOSTS": "app.example.com",
    "SITE_URL": "https://app.example.com",
    "TRUSTED_ORIGINS": "https://app.example.com",
    "TRUSTED_PROXIES": "1",
    "KEY_ENCRYPTION_KEYS": f"2026a:{KEY}",
    "EMAIL_URL": "submission://user:a-password@mail.example.com",
    "EMAIL_FROM": "CryptoSystems <hello@example.com>",
    "STRIPE_SECRET_KEY": "sk_live_abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc",
    "STRIPE_PRICE_ID": "price_abc",
    "MARKET": "binance",
    "VAULT_PUBLIC_KEY": f"2026-11:{KEY}",
    "EGRESS_ADDRESSES": "93.184.216.34",
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"
POSTGRES = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": "db.internal",
    "PASSWORD": "a-password",
    "OPTIONS": {"sslmode": "require"},
}
PRIVATE = (("2026-11", bytes(range(32, 64))),)
PUBLIC = X25519PrivateKey.from_private_bytes(PRIVATE[0][1]).public_key().public_bytes_raw()
SOUND: dict[str, Any] = {
    "SECRET_KEY": "one",
    "STRIPE_SECRET_KEY": "sk_live_two",
    "STRIPE_WEBHOOK_SECRETS": ("three",),
    "STRIPE_PRICE_ID": "price_abc",
    "STRIPE_API_BASE": "",
    "METRICS_TOKEN": "",
    "ALLOWED_HOSTS": ["app.example.com"],
    "SITE_URL": "https://app.example.com",
    "TRUSTED_PROXIES": 1,
    "KEY_ENCRYPTION_KEYS": (("2026a", bytes(range(32))),),
    "REDIS_URL": GOOD["REDIS_URL"],
    "DATABASES": {"default": POSTGRES},
    "DELIVERY_EMAIL_BACKEND": SMTP,
    "EMAIL_USE_TLS": True,
    "EMAIL_USE_SSL": False,
    "DEFAULT_FROM_EMAIL": GOOD["EMAIL_FROM"],
    "MARKET": "binance",
    "MARKET_REST_URL": "",
    "VAULT_PUBLIC_KEY": ("2026-11", PUBLIC),
    "VAULT_PRIVATE_KEYS": (),
    "IS_EXECUTOR": False,
    "EGRESS_ADDRESSES": ("93.184.216.34",),
}
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("W001", {"ALLOWED_HOSTS": ["app.example.com", "*"]}),
    ("W002", {"SITE_URL": "http://app.example.com"}),
    ("W003", {"SITE_URL": "https://other.example.com"}),
    ("W004", {"TRUSTED_PROXIES": 0}),
    ("W005", {"STRIPE_WEBHOOK_SECRETS": ("one",)}),
    ("W006", {"KEY_ENCRYPTION_KEYS": ()}),
    ("W007", {"KEY_ENCRYPTION_KEYS": (("2026a", bytes(32)),)}),
    ("W008", {"REDIS_URL": "redis://redis.internal:6379/0"}),
    ("W009", {"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}),
    ("W010", {"DATABASES": {"default": {**POSTGRES, "OPTIONS": {}}}}),
    ("W011", {"DELIVERY_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}),
    ("W012", {"EMAIL_USE_TLS": False}),
    ("W013", {"DEFAULT_FROM_EMAIL": "CryptoSystems <hello@localhost>"}),
    ("W014", {"STRIPE_SECRET_KEY": "sk_standin_abc"}),
    ("W015", {"STRIPE_PRICE_ID": ""}),
    ("W016", {"STRIPE_API_BASE": "http://127.0.0.1:9"}),
    ("W017", {"MARKET": "simulated"}),
    ("W018", {"MARKET_REST_URL": "http://127.0.0.1:9"}),
    ("W019", {"VAULT_PUBLIC_KEY": None}),
    ("W020", {"VAULT_PUBLIC_KEY": ("local", bytes(range(32)))}),
    ("W021", {"VAULT_PRIVATE_KEYS": PRIVATE}),
    ("W022", {"IS_EXECUTOR": True}),
    ("W024", {"IS_EXECUTOR": True, "VAULT_PRIVATE_KEYS": (("2026-05", PRIVATE[0][1]),)}),
    ("W024", {"IS_EXECUTOR": True, "VAULT_PRIVATE_KEYS": (("2026-11", bytes(range(32))),)}),
    ("W023", {"EGRESS_ADDRESSES": ("127.0.0.1",)}),
]


def check(changes: dict[str, str], storage: Path) -> subprocess.CompletedProcess[str]:
    """Run the check as an operator does, in an environment of its own."""
    env = {"PATH": os.environ["PATH"], "STORAGE_DIR": str(storage), **GOOD, **changes}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_good_set_of_settings_is_clean(tmp_path: Path) -> None:
    done = check({}, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("code", "changes"), FAULTS, ids=[f"{code}-{n}" for n, (code, _) in enumerate(FAULTS)]
)
def test_each_planted_fault_is_found(code: str, changes: dict[str, Any]) -> None:
    told = SimpleNamespace(**{**SOUND, **changes})
    assert {message.id for message in findings(told)} == {f"cryptosystems.{code}"}


def test_the_executor_holds_its_private_key_and_that_is_no_fault() -> None:
    told = SimpleNamespace(**{**SOUND, "IS_EXECUTOR": True, "VAULT_PRIVATE_KEYS": PRIVATE})
    assert findings(told) == []


def test_no_value_of_a_secret_is_told(tmp_path: Path) -> None:
    done = check({"KEY_ENCRYPTION_KEYS": "2026a:not-base64", "TRUSTED_PROXIES": "many"}, tmp_path)
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "KEY_ENCRYPTION_KEYS" in told and "TRUSTED_PROXIES" in told
    assert "not-base64" not in told and "a-password" not in told
