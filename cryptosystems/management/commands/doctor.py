"""`manage.py doctor`: what is wrong with this installation, and what to do about it."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts import api as accounts
from billing import api as billing
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.management import embedded
from cryptosystems.platform import encryption
from cryptosystems.platform.models import OutgoingMail
from signals import api
from signals.ingest.feed import ADDRESSES
from signals.services.chain import verify_chain
from signals.store.registry import active_model, artifact_path
from trading import api as trading

LEAST_FREE_BYTES: Final = 1_000_000_000
MOST_OFFSET_MS: Final = 500
TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where all is well."""

    name: str
    seen: str
    remedy: str = ""


class Command(BaseCommand):
    """Looks at everything the product needs; exits with an error if something is wrong."""

    help = "Say what is wrong with this installation and what to do."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for finding in examine():
            mark = "wrong" if finding.remedy else "ok"
            self.stdout.write(f"{mark:5}  {finding.name}: {finding.seen}")
            if finding.remedy:
                wrong += 1
                self.stdout.write(f"       → {finding.remedy}")
        if wrong:
            raise CommandError(f"{wrong} thing(s) need attention.")
        self.stdout.write("Nothing is wrong.")


def examine() -> Iterator[Finding]:
    """Look at everything; a check that breaks is itself a finding."""
    checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("Python", _python),
        ("storage", _storage),
        ("database", _database),
        ("broker", _broker),
        ("exchange", _exchange),
        ("model", _model),
        ("engine", _engine),
        ("chain", _chain),
        ("mail", _mail),
        ("payments", _payments),
        ("payment events", _events),
        ("staff", _staff),
        ("audit log", _audit),
        ("keys", _keys),
        ("exchange keys", _vault),
    )
    for name, check in checks:
        try:
            yield check()
        except (CryptoSystemsError, DatabaseError, OSError) as error:
            yield Finding(name, str(error), "Correct this first; the line says what was met.")


def _python() -> Finding:
    seen = f"{sys.version_info.major}.{sys.version_info.minor}"
    wrong = "" if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed."
    return Finding("Python", seen, wrong)


def _storage() -> Finding:
    path = Path(settings.STORAGE_DIR)
    path.mkdir(parents=True, exist_ok=True)
    probe = path / ".doctor"
    probe.write_text("")
    probe.unlink()
    free = shutil.disk_usage(path).free
    remedy = ""
    if free < LEAST_FREE_BYTES:
        remedy = "Make room: history, models and the database need about 1 GB."
    return Finding("storage", f"{path}, {free / 1e9:.1f} GB free", remedy)


def _database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    remedy = "Run `manage.py migrate` (`bin/up` does it by itself)." if missing else ""
    return Finding("database", f"{connection.vendor}, {len(missing)} migration(s) missing", remedy)


def _broker() -> Finding:
    if not settings.REDIS_URL:
        binary = embedded.valkey_binary()
        return Finding("broker", f"REDIS_URL is not set; `bin/up` would start {binary.name}")
    alive = api.is_bus_alive()
    remedy = "" if alive else "Start the server REDIS_URL names, or unset it and use `bin/up`."
    return Finding("broker", "answers" if alive else "does not answer", remedy)


def _exchange() -> Finding:
    known = ADDRESSES.get(settings.MARKET)
    address = settings.MARKET_REST_URL or (known.rest if known else "")
    if not address:
        return Finding("exchange", f"{settings.MARKET}: `bin/up` starts it")
    try:
        before = time.time()
        answer = httpx.get(f"{address}/fapi/v1/time", timeout=TIMEOUT_S)
        middle_ms = (before + time.time()) / 2 * 1000
        offset = int(answer.json()["serverTime"]) - middle_ms
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return Finding(
            "exchange",
            f"{address}: {type(error).__name__}",
            "Check the network and MARKET_REST_URL; a refusing region answers 451.",
        )
    seen = f"{address}, clock {offset:+.0f} ms from ours"
    remedy = ""
    if settings.MARKET != "replay" and abs(offset) > MOST_OFFSET_MS:
        remedy = "Set this machine's clock (NTP). Candles are not harmed; signed orders would be."
    return Finding("exchange", seen, remedy)


def _model() -> Finding:
    from cryptosystems.kernel.identifiers import sha256_hex
    from cryptosystems.kernel.origin import Origin

    row = active_model(Origin(api.live_origin()))
    if row is None:
        return Finding("model", "none yet", "Let the engine train one, or run `manage.py train`.")
    if sha256_hex(artifact_path(row).read_bytes()) != row.checksum:
        return Finding("model", row.version, "The artifact was changed: run `manage.py train`.")
    return Finding("model", f"{row.version}, trained {row.trained_at:%Y-%m-%d %H:%M} UTC")


def _engine() -> Finding:
    if not settings.REDIS_URL:
        return Finding("engine", "not asked: REDIS_URL is not set")
    told = api.status()
    if told is None:
        return Finding("engine", "silent", "Start `bin/up`, or a worker of the queue `stream`.")
    feeds = told["feeds"]
    seen = f"{'ready' if told['ready'] else told['warming']['text']}, feeds {feeds['n_live']} of {feeds['n']}"
    stale = ", ".join(row["stream"] for row in feeds["stale"])
    remedy = (
        f"These streams are stale: {stale}. They are opened anew by themselves." if stale else ""
    )
    return Finding("engine", seen, remedy)


def _chain() -> Finding:
    report = verify_chain()
    remedy = ""
    if report.first_fault:
        remedy = f"{report.first_fault}. Restore the database from a backup before this link."
    return Finding("chain", f"{report.n_entries} links", remedy)


def _mail() -> Finding:
    waiting = OutgoingMail.objects.filter(sent_at=None, given_up_at=None).count()
    given_up = OutgoingMail.objects.exclude(given_up_at=None).count()
    backend = settings.DELIVERY_EMAIL_BACKEND.split(".")[-2]
    remedy = ""
    if given_up:
        remedy = "Look at the outgoing mail in the console, and check EMAIL_URL."
    return Finding("mail", f"{backend}, {waiting} waiting, {given_up} given up", remedy)


def _payments() -> Finding:
    if not settings.STRIPE_SECRET_KEY:
        return Finding("payments", "STRIPE_SECRET_KEY is not set; `bin/up` starts a stand-in")
    price = billing.examine_price(TIMEOUT_S)
    played = ", played by the local stand-in" if billing.is_standin() else ""
    return Finding("payments", f"{price} answers{played}")


def _events() -> Finding:
    states = billing.events_by_state()
    seen = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
    remedy = (
        "Look at the webhook inbox in the console; replay them." if states.get("failed") else ""
    )
    return Finding("payment events", seen, remedy)


def _staff() -> Finding:
    bare = accounts.staff_without_factor()
    remedy = "They cannot enter the console before they set one up." if bare else ""
    return Finding("staff", f"{bare} without a second factor", remedy)


def _audit() -> Finding:
    fault = accounts.verify_audit()
    remedy = "Restore the database from a backup before this row." if fault else ""
    return Finding("audit log", fault or "unbroken", remedy)


def _keys() -> Finding:
    newest = encryption.provider().current
    encryption.open_sealed(encryption.seal(b"probe", "doctor"), "doctor")
    count = len(settings.KEY_ENCRYPTION_KEYS)
    return Finding("keys", f"{count} listed, {newest} seals and opens")


def _vault() -> Finding:
    public, ring = settings.VAULT_PUBLIC_KEY, dict(settings.VAULT_PRIVATE_KEYS)
    needed = trading.vault_keys_needed()
    name, n_stored = "exchange keys", sum(needed.values())
    if public is None:
        seen = f"{n_stored} stored; VAULT_PUBLIC_KEY is not set, `bin/up` makes a pair"
        return Finding(name, seen, "Set it again: no key can be stored." if n_stored else "")
    seen = f"{n_stored} stored, {public[0]} seals"
    if ring and not settings.IS_EXECUTOR:
        remedy = "This process can open them: take VAULT_PRIVATE_KEYS from all but the executor."
    elif settings.IS_EXECUTOR and (missing := set(needed) - set(ring)):
        remedy = f"VAULT_PRIVATE_KEYS lacks {', '.join(sorted(missing))}: list what sealed them."
    elif len(needed) > 1:
        remedy = f"They need {', '.join(sorted(needed))}: run manage.py rotate_keys."
    else:
        remedy = ""
    return Finding(name, seen, remedy)
