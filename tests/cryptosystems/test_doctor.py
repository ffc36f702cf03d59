"""The doctor names what is wrong and what to do, and exits with an error only then."""

import socket
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import api as accounts
from accounts.models import AuditEntry
from billing.models import ProviderEvent
from billing.providers import replaced
from cryptosystems.kernel.errors import RetryLater
from cryptosystems.platform.models import OutgoingMail
from signals.models import Signal
from signals.services.publish import publish
from tests.support.payments import PRICE, Payments
from tests.support.people import person, staff
from tests.support.setups import make_draft
from tests.trading.keys.test_vault import pair
from trading.services import keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, settings: Any) -> None:
    settings.STORAGE_DIR = tmp_path
    settings.REDIS_URL = ""


def examine() -> str:
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


def test_a_new_installation_lacks_only_its_model() -> None:
    told = examine()
    assert "ok     database: " in told
    assert "ok     chain: 0 links" in told
    assert "wrong  model: none yet" in told
    assert "1 thing(s) need attention" in told


def test_a_broker_that_is_away_is_named_with_the_remedy(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock?db=0"
    told = examine()
    assert "wrong  broker: does not answer" in told
    assert "→ Start the server REDIS_URL names" in told


def test_an_exchange_that_does_not_answer_is_named(settings: Any) -> None:
    settings.MARKET_REST_URL = "http://127.0.0.1:9"
    assert "wrong  exchange: http://127.0.0.1:9: ConnectError" in examine()


def test_a_broken_chain_is_named() -> None:
    publish(make_draft())
    Signal.objects.update(confidence=0.99)
    assert "wrong  chain: 0 links" in examine()


def test_mail_that_was_given_up_and_events_that_failed_are_named() -> None:
    assert "ok     mail: locmem, 0 waiting, 0 given up" in examine()
    OutgoingMail.objects.create(to="a@example.org", subject="Hi", given_up_at=timezone.now())
    ProviderEvent.objects.create(
        provider_id="evt_1", type="x", created_at=timezone.now(), payload={}, state="failed"
    )
    told = examine()
    assert "wrong  mail: locmem, 0 waiting, 1 given up" in told
    assert "wrong  payment events" in told and "1 failed" in told


def test_staff_without_a_second_factor_and_a_changed_audit_log_are_named() -> None:
    staff()
    accounts.audit("staff_made", subject_id=None)
    AuditEntry.objects.update(action="nothing_happened")
    told = examine()
    assert "wrong  staff: 1 without a second factor" in told
    assert "wrong  audit log: row 1 (nothing_happened) was changed" in told


def test_a_payment_provider_that_is_silent_or_sells_something_else_is_named(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_PRICE_ID = "sk_standin_tests", PRICE
    payments = Payments()
    with replaced(payments):
        assert f"ok     payments: {PRICE} answers, played by the local stand-in" in examine()
        payments.prices[PRICE] = replace(payments.prices[PRICE], amount_minor=1)
        assert "wrong  payments: STRIPE_PRICE_ID must be" in examine()
        payments.trouble = RetryLater("no answer")
        assert "wrong  payments: no answer" in examine()


def test_a_provider_that_takes_the_call_and_says_nothing_is_left_after_five_seconds(
    settings: Any,
) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_PRICE_ID = "sk_standin_tests", PRICE
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{mute.getsockname()[1]}"
        before = time.monotonic()
        told = examine()
    assert "wrong  payments: Payments do not answer right now" in told
    assert time.monotonic() - before < 10, "the client's own patience is far longer"


def test_a_missing_key_for_secrets_is_named(settings: Any) -> None:
    assert "ok     keys: 1 listed, test seals and opens" in examine()
    settings.KEY_ENCRYPTION_KEYS = ()
    assert "wrong  keys: No key-encryption key is set" in examine()


def test_a_vault_key_that_is_missing_or_in_the_wrong_process_is_named(settings: Any) -> None:
    public, private = pair("2026-11")
    settings.VAULT_PUBLIC_KEY, settings.VAULT_PRIVATE_KEYS = public, ()
    account = keys.begin_key(
        person("alice").pk, kind="ed25519", venue="simulated", label="Main account"
    )
    assert "ok     exchange keys: 1 stored, 2026-11 seals" in examine()
    settings.VAULT_PRIVATE_KEYS = (private,)
    assert "take VAULT_PRIVATE_KEYS from all but the executor" in examine()
    settings.IS_EXECUTOR = True
    assert "ok     exchange keys" in examine()
    settings.VAULT_PRIVATE_KEYS = (pair("2027-02")[1],)
    assert "VAULT_PRIVATE_KEYS lacks 2026-11" in examine()
    settings.VAULT_PUBLIC_KEY = None
    told = examine()
    assert "wrong  exchange keys: 1 stored; VAULT_PUBLIC_KEY is not set" in told
    assert str(account.pk) not in told
