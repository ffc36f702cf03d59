"""What production must have, beyond Django's own deployment checks.

`manage.py check --deploy` runs them; each names the setting and what to do. They look at settings
alone, so that they can run before the database is there.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.conf import settings
from django.core import checks

_FEW_SYMBOLS: Final = 8
_TLS_MODES: Final = ("require", "verify-ca", "verify-full")
_SIMULATED: Final = ("simulated", "replay")


@checks.register(checks.Tags.security, deploy=True)
def check_deployment(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Return a warning for each thing that must not be so in production."""
    return findings(settings)


def findings(values: Any) -> list[checks.CheckMessage]:
    """Return what is wrong with these settings."""
    return [
        checks.Warning(told, hint=hint, id=f"cryptosystems.W{number:03d}")
        for looked in (_site, _secrets, _stores, _mail, _payments, _market, _vault)
        for number, told, hint in looked(values)
    ]


Finding = tuple[int, str, str]


def _site(settings: Any) -> Iterator[Finding]:
    if any(host.startswith((".", "*")) for host in settings.ALLOWED_HOSTS):
        yield 1, "ALLOWED_HOSTS has a wildcard.", "Name each host; origin checks rest on it."
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https":
        yield 2, "SITE_URL is not https.", "Set SITE_URL to the public https address."
    elif site.hostname not in settings.ALLOWED_HOSTS:
        yield 3, "SITE_URL names a host that is not in ALLOWED_HOSTS.", "Make the two agree."
    if not settings.TRUSTED_PROXIES:
        yield (
            4,
            "TRUSTED_PROXIES is 0.",
            "TLS ends at a proxy: say how many stand in front, or every client has its address.",
        )


def _secrets(settings: Any) -> Iterator[Finding]:
    keys = [settings.SECRET_KEY, settings.STRIPE_SECRET_KEY, settings.METRICS_TOKEN]
    keys += list(settings.STRIPE_WEBHOOK_SECRETS)
    given = [key for key in keys if key]
    if len(set(given)) != len(given):
        yield 5, "One secret is used for two things.", "Make a secret of its own for each."
    ring = settings.KEY_ENCRYPTION_KEYS
    if not ring:
        yield (
            6,
            "KEY_ENCRYPTION_KEYS is not set.",
            "Set it to id:base64 of 32 random bytes; second factors cannot be stored without.",
        )
    for name, key in ring:
        if len(set(key)) < _FEW_SYMBOLS or name in ("local", "test", "example"):
            yield 7, f"The key-encryption key {name!r} is an example.", "Make 32 random bytes."


def _stores(settings: Any) -> Iterator[Finding]:
    redis = urlsplit(settings.REDIS_URL)
    if redis.scheme != "unix" and (redis.scheme != "rediss" or not redis.password):
        yield 8, "Redis is reached without password or TLS.", "Use rediss://:password@host…"
    database = settings.DATABASES["default"]
    if "postgresql" not in database["ENGINE"]:
        yield 9, "The database is not PostgreSQL.", "Set DATABASE_URL to postgres://…"
    elif not str(database.get("HOST", "")).startswith("/"):
        mode = database.get("OPTIONS", {}).get("sslmode")
        if mode not in _TLS_MODES or not database.get("PASSWORD"):
            yield (
                10,
                "PostgreSQL is reached without password or TLS.",
                "Add a password and ?sslmode=require to DATABASE_URL.",
            )


def _mail(settings: Any) -> Iterator[Finding]:
    if not settings.DELIVERY_EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        yield 11, "Mail is not sent.", "Set EMAIL_URL to submission://user:password@host."
    elif not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL):
        yield 12, "Mail is sent without TLS.", "Use submission://… or smtp://…:465?ssl=True."
    if "@localhost" in settings.DEFAULT_FROM_EMAIL:
        yield 13, "EMAIL_FROM is an example.", "Set a sender of your own domain."


def _payments(settings: Any) -> Iterator[Finding]:
    key = settings.STRIPE_SECRET_KEY
    if not key or key.startswith("sk_standin"):
        yield 14, "No payment provider is set.", "Set STRIPE_SECRET_KEY."
    if not settings.STRIPE_WEBHOOK_SECRETS or not settings.STRIPE_PRICE_ID:
        yield (
            15,
            "STRIPE_WEBHOOK_SECRET or STRIPE_PRICE_ID is missing.",
            "Set both; without them payments are taken and access is not opened.",
        )
    base = settings.STRIPE_API_BASE
    if base and urlsplit(base).scheme != "https":
        yield 16, "STRIPE_API_BASE is not https.", "Leave it empty to reach Stripe itself."


def _market(settings: Any) -> Iterator[Finding]:
    if settings.MARKET in _SIMULATED:
        yield 17, f"MARKET is {settings.MARKET}.", "Set MARKET=binance; the simulated one is off."
    rest = settings.MARKET_REST_URL
    if rest and urlsplit(rest).scheme != "https":
        yield 18, "MARKET_REST_URL is not https.", "Leave it empty to reach the market itself."


def _opens(settings: Any, key_id: str, public: bytes) -> bool:
    private = dict(settings.VAULT_PRIVATE_KEYS).get(key_id)
    if private is None:
        return False
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == public


def _vault(settings: Any) -> Iterator[Finding]:
    public = settings.VAULT_PUBLIC_KEY
    if public is None:
        yield (
            19,
            "VAULT_PUBLIC_KEY is not set.",
            "Make a pair with manage.py vault_keys; without it no exchange key can be stored.",
        )
    elif public[0] in ("local", "test", "example"):
        yield 20, f"The vault key {public[0]!r} is an example.", "Run manage.py vault_keys."
    if settings.VAULT_PRIVATE_KEYS and not settings.IS_EXECUTOR:
        yield (
            21,
            "VAULT_PRIVATE_KEYS is set for a process that is not the executor.",
            "Give it to the executor alone (with EXECUTOR=yes), and take it from this one.",
        )
    if settings.IS_EXECUTOR and not settings.VAULT_PRIVATE_KEYS:
        yield (
            22,
            "EXECUTOR is yes and VAULT_PRIVATE_KEYS is not set.",
            "Without it the executor opens no exchange key, and no stop of anybody is looked after.",
        )
    elif settings.IS_EXECUTOR and public is not None and not _opens(settings, *public):
        yield (
            24,
            "VAULT_PRIVATE_KEYS does not open what VAULT_PUBLIC_KEY seals.",
            "List the private key of the same id and pair in front of the others.",
        )
    if any(not ip_address(address).is_global for address in settings.EGRESS_ADDRESSES):
        yield (
            23,
            "EGRESS_ADDRESSES holds an address that no exchange sees.",
            "Set it to the executor's public addresses: people bind their keys to them.",
        )
