"""What the processes of `up` are told by their environment, with embedded defaults."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptosystems.management import embedded
from cryptosystems.management.storage import recording_timeframe

PRIVATE: Final = "VAULT_PRIVATE_KEYS"
"""Opens exchange keys: the executor has it, no other process does."""
LOCAL_MARKETS: Final = ("simulated", "replay")
"""Markets that the exchange of `up` itself plays."""
STANDIN_KEY: Final = "sk_standin_"
_EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not listened to


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for, resolved."""

    host: str
    port: int
    market: str
    replay: Path | None
    symbols: str
    speed: float
    days: int
    effects: str
    storage: Path

    @property
    def own_address(self) -> str:
        """How a process on this machine reaches the web process."""
        host = "127.0.0.1" if self.host in _EVERYWHERE else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def environment(plan: Plan, run_dir: Path) -> dict[str, str]:
    """Return the environment of all processes: what is set stays, the rest gets its default."""
    env = dict(os.environ)
    env.setdefault("REDIS_URL", f"unix://{run_dir / 'valkey.sock'}?db=0")
    _add_secrets(env, plan.storage / "secrets")
    if not env.get("SITE_URL"):
        env["SITE_URL"] = plan.own_address
    if not env.get("STRIPE_SECRET_KEY"):
        _add_standin(env, plan.storage)
    env.update(
        PYTHONUNBUFFERED="1",
        # One thread a process: spinning thread pools on shared cores cost more than they give.
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        STORAGE_DIR=str(plan.storage),
        MARKET=plan.market,
        SYMBOLS=plan.symbols,
        HISTORY_DAYS=str(plan.days),
    )
    if plan.market in LOCAL_MARKETS:
        # Chosen here, so that every process knows it from its start: pages link to the exchange.
        port = embedded.lasting_port(plan.storage / "exchange" / "port")
        env["MARKET_REST_URL"] = f"http://127.0.0.1:{port}"
        env["MARKET_WS_URL"] = f"ws://127.0.0.1:{port}"
    if plan.market == "replay" and plan.replay is not None:
        env["MARKET_SPEED"] = str(plan.speed)
        env["HISTORY_DAYS"] = "1500"
        env["HISTORY_TIMEFRAME"] = recording_timeframe(plan.replay)
    return env


def _add_secrets(env: dict[str, str], directory: Path) -> None:
    if not env.get("SECRET_KEY"):
        env["SECRET_KEY"] = embedded.lasting_secret(directory / "secret_key")
    if not env.get("KEY_ENCRYPTION_KEYS"):
        path = directory / "key_encryption_keys"
        env["KEY_ENCRYPTION_KEYS"] = embedded.lasting_secret(path, embedded.key_ring)
    if not env.get("VAULT_PUBLIC_KEY"):
        path = directory / "vault_private_keys"
        held = embedded.lasting_secret(path, embedded.vault_private_keys)
        env["VAULT_PUBLIC_KEY"] = embedded.vault_public_key(held)
    env.pop(PRIVATE, None)


def executor_environment(env: Mapping[str, str], storage: Path) -> dict[str, str]:
    """Return the environment of the executor: the only one that opens exchange keys."""
    held = os.environ.get(PRIVATE) or embedded.lasting_secret(
        storage / "secrets" / "vault_private_keys", embedded.vault_private_keys
    )
    return {**env, PRIVATE: held, "EXECUTOR": "yes"}


def _add_standin(env: dict[str, str], storage: Path) -> None:
    """Let payments be played by the stand-in of Stripe."""
    secrets = storage / "secrets"
    port = embedded.lasting_port(storage / "stripe" / "port")
    env["STRIPE_SECRET_KEY"] = STANDIN_KEY + embedded.lasting_secret(secrets / "stripe_key")
    env["STRIPE_WEBHOOK_SECRET"] = "whsec_" + embedded.lasting_secret(secrets / "stripe_webhook")
    env["STRIPE_PRICE_ID"] = "price_standin_monthly"
    env["STRIPE_API_BASE"] = f"http://127.0.0.1:{port}"


def has_standin(env: Mapping[str, str]) -> bool:
    """Say whether payments are played by the stand-in."""
    return env["STRIPE_SECRET_KEY"].startswith(STANDIN_KEY)


def standin_argv(plan: Plan, env: Mapping[str, str]) -> list[str]:
    """Return how the stand-in is started; its secrets come by the environment."""
    return [
        *(sys.executable, "manage.py", "stripe_standin"),
        *("--port", str(urlsplit(env["STRIPE_API_BASE"]).port)),
        *("--storage", str(plan.storage / "stripe" / "state.json")),
        *("--webhook-url", f"{plan.own_address}/billing/webhook"),
    ]
