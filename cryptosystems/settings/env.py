"""Reads the environment once, checks all of it, and reports every problem together.

Each setting is declared here with its type, default and meaning; `docs/reference/settings.md`
is made from these declarations. The value of a secret is never part of a message.
"""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

MARKETS: Final = ("simulated", "replay", "binance", "demo")


class WrongSettings(SystemExit):
    """The environment cannot be used; the message lists every problem and its remedy."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    name: str
    default: str
    expects: str
    meaning: str
    parse: Callable[[str], Any]
    is_secret: bool = False
    room: str = "platform"


def _text(value: str) -> str:
    return value


def _short(most: int) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not 1 <= len(value) <= most:
            raise ValueError
        return value

    return parse


def _flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return known[value.lower()]


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        number = int(value) if value.isascii() and value.strip("-").isdigit() else None
        if number is None or not minimum <= number <= maximum:
            raise ValueError
        return number

    return parse


def _number(minimum: float, maximum: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        number = float(value)
        if not minimum <= number <= maximum:
            raise ValueError
        return number

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError
        return value

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value and urlsplit(value).scheme not in schemes:
            raise ValueError
        return value

    return parse


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def key_ring(value: str) -> tuple[tuple[str, bytes], ...]:
    """Return (id, key) pairs, the newest first."""
    ring = []
    for part in _names(value):
        name, _, text = part.partition(":")
        key = base64.b64decode(text, validate=True)
        if not name or len(key) != 32:
            raise ValueError
        ring.append((name, key))
    if len({name for name, _ in ring}) != len(ring):
        raise ValueError
    return tuple(ring)


def _one_key(value: str) -> tuple[str, bytes] | None:
    ring = key_ring(value)
    if len(ring) > 1:
        raise ValueError
    return ring[0] if ring else None


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name) for name in _names(value))


def _addresses(value: str) -> tuple[str, ...]:
    return tuple(str(ip_address(name)) for name in _names(value))


def _symbols(value: str) -> tuple[str, ...] | int:
    if value.isascii() and value.isdigit():
        count = int(value)
        if not 1 <= count <= 1000:
            raise ValueError
        return count
    names = _names(value)
    if not names or not all(name == name.upper() for name in names):
        raise ValueError
    return names


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("SECRET_KEY", "", "50 or more characters", "signs sessions and tokens", _text, True),
    Setting(
        "ALLOWED_HOSTS",
        "localhost,127.0.0.1,[::1]",
        "host names, by comma",
        "hosts the site answers to",
        _names,
    ),
    Setting(
        "TRUSTED_ORIGINS",
        "",
        "https:// origins, by comma",
        "origins allowed to post forms, behind a proxy",
        _names,
    ),
    Setting(
        "DATABASE_URL",
        "",
        "postgres://… or sqlite:///…",
        "database; empty: SQLite below STORAGE_DIR",
        _url("postgres", "postgresql", "sqlite"),
        True,
    ),
    Setting(
        "REDIS_URL",
        "",
        "redis://…, rediss://… or unix://…?db=0",
        "broker, cache and fan-out; `bin/up` starts a bundled server and sets it",
        _url("redis", "rediss", "unix"),
        True,
    ),
    Setting(
        "STORAGE_DIR", "var", "a directory", "long history, models and the embedded database", _text
    ),
    Setting("MODEL_DIR", "", "a directory", "model artifacts; empty: STORAGE_DIR/models", _text),
    Setting(
        "LOG_LEVEL",
        "INFO",
        "DEBUG, INFO, WARNING or ERROR",
        "how much is logged",
        _one_of("DEBUG", "INFO", "WARNING", "ERROR"),
    ),
    Setting(
        "EXECUTOR_TEST_HOOKS",
        "0",
        "0 or 1",
        "lets tests kill the executor at a named point (CRASH_AT) or take a guard away "
        "(GUARDS_OFF); never on where money moves",
        _flag,
        room="trading",
    ),
    Setting(
        "RELEASE",
        "dev",
        "a name of up to 40 characters",
        "names this release in journals; executors of two releases do not both enter",
        _short(40),
    ),
    Setting(
        "METRICS_TOKEN",
        "",
        "any text",
        "lets a scraper read /metrics from another machine",
        _text,
        True,
    ),
    Setting(
        "SITE_URL",
        "http://127.0.0.1:8000",
        "http(s)://…",
        "the site's own address, for links in mails and at the payment provider",
        _url("http", "https"),
    ),
    Setting(
        "TRUSTED_PROXIES",
        "0",
        "a count from 0 to 5",
        "how many proxies of ours stand in front; only their X-Forwarded-For is believed",
        _whole(0, 5),
    ),
    Setting(
        "CONSOLE_NETWORKS",
        "",
        "networks as 203.0.113.0/24, by comma",
        "from where the staff console can be reached; empty: from everywhere",
        _networks,
    ),
    Setting(
        "KEY_ENCRYPTION_KEYS",
        "",
        "id:base64 of 32 bytes, by comma, newest first",
        "encrypt second factors; older ones stay listed until nothing needs them",
        key_ring,
        True,
    ),
    Setting(
        "EMAIL_URL",
        "",
        "submission://… (587, STARTTLS), smtp://…?ssl=True or file:///…",
        "how mail leaves; empty: files below STORAGE_DIR/mail",
        _url("submission", "smtp", "file"),
        True,
    ),
    Setting(
        "EMAIL_FROM",
        "CryptoSystems <hello@localhost>",
        "a name and an address",
        "sender of all mail",
        _text,
    ),
    Setting(
        "STRIPE_SECRET_KEY",
        "",
        "sk_live_…, sk_test_… or rk_…",
        "payments by Stripe; empty: `bin/up` starts a local stand-in, and no money moves",
        _text,
        True,
        room="billing",
    ),
    Setting(
        "STRIPE_WEBHOOK_SECRET",
        "",
        "whsec_…, by comma while it is rolled",
        "checks that events come from Stripe",
        _names,
        True,
        room="billing",
    ),
    Setting(
        "STRIPE_PRICE_ID",
        "",
        "price_…",
        "the one price object: 5999 USD a month",
        _text,
        room="billing",
    ),
    Setting(
        "STRIPE_API_BASE",
        "",
        "http(s)://…",
        "address of Stripe's API; empty: Stripe itself",
        _url("http", "https"),
        room="billing",
    ),
    Setting(
        "STRIPE_TAX",
        "no",
        "yes or no",
        "let Stripe compute tax from the customer's address and tax id",
        _flag,
        room="billing",
    ),
    Setting(
        "MARKET",
        "simulated",
        "simulated, replay, binance or demo",
        "which market the engine listens to",
        _one_of(*MARKETS),
        room="signals",
    ),
    Setting(
        "MARKET_REST_URL",
        "",
        "http(s)://…",
        "REST address of any server that speaks Binance's protocol; empty: the market's own",
        _url("http", "https"),
        room="signals",
    ),
    Setting(
        "MARKET_WS_URL",
        "",
        "ws(s)://…",
        "socket address; empty: the market's own",
        _url("ws", "wss"),
        room="signals",
    ),
    Setting(
        "SYMBOLS",
        "40",
        "a count from 1 to 1000, or symbols by comma",
        "the universe: so many by 24 h volume, or exactly these",
        _symbols,
        room="signals",
    ),
    Setting(
        "DEEP_SYMBOLS",
        "8",
        "a count from 0 to 200",
        "symbols whose whole order book is kept from diffs",
        _whole(0, 200),
        room="signals",
    ),
    Setting(
        "MARKET_SPEED",
        "1",
        "a number from 0.1 to 1000",
        "how many times faster than the clock the market runs (replay)",
        _number(0.1, 1000),
        room="signals",
    ),
    Setting(
        "HISTORY_DAYS",
        "60",
        "a count from 1 to 1500",
        "days of candles loaded at the first start",
        _whole(1, 1500),
        room="signals",
    ),
    Setting(
        "HISTORY_TIMEFRAME",
        "1m",
        "1m, 5m or 15m",
        "candle length of the loaded history; the longer ones are built from it",
        _one_of("1m", "5m", "15m"),
        room="signals",
    ),
    Setting(
        "SOCKETS_PER_ADDRESS",
        "20",
        "a count from 1 to 100000",
        "sockets that visitors may hold open from one address, per web process",
        _whole(1, 100_000),
        room="signals",
    ),
    Setting(
        "VAULT_PUBLIC_KEY",
        "",
        "id:base64 of 32 bytes (X25519)",
        "exchange keys are sealed to it, by every process; `manage.py vault_keys` makes a pair",
        _one_key,
        room="trading",
    ),
    Setting(
        "VAULT_PRIVATE_KEYS",
        "",
        "id:base64 of 32 bytes (X25519), by comma, newest first",
        "opens exchange keys: set it for the executor and for nothing else",
        key_ring,
        True,
        room="trading",
    ),
    Setting(
        "EXECUTOR",
        "no",
        "yes or no",
        "says that this process is the executor, so that its private keys are no mistake",
        _flag,
        room="trading",
    ),
    Setting(
        "EGRESS_ADDRESSES",
        "127.0.0.1",
        "IP addresses, by comma",
        "from where the executor reaches the exchange; users bind their keys to them",
        _addresses,
        room="trading",
    ),
    Setting("ENGINE_SHARD", "main", "a name", "the lease this engine takes", _text, room="signals"),
)


def read(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return every declared setting, parsed.

    Raises
    ------
    WrongSettings
        If any value cannot be used; the message names all of them.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in SETTINGS:
        text = source.get(setting.name, setting.default)
        try:
            values[setting.name] = setting.parse(text)
        except (ValueError, KeyError):
            came = "a value that does not fit" if setting.is_secret else repr(text)
            problems.append(f"  {setting.name}: expected {setting.expects}, got {came}")
    if problems:
        raise WrongSettings(
            "Cannot start: these settings are wrong. Correct them in the environment "
            "(docs/reference/settings.md explains each).\n" + "\n".join(problems)
        )
    return values


def storage_path(values: Mapping[str, Any], base: Path) -> Path:
    """Return STORAGE_DIR as an absolute path; a relative one lies below the project."""
    return (base / str(values["STORAGE_DIR"])).resolve()
