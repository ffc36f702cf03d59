"""Staff with their second factor, and a database in which everything has happened once."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts import api as accounts
from accounts.models import Consent, Device, User
from billing.models import Customer, Grant, Invoice, Plan, ProviderEvent, Subscription, Trial
from cryptosystems.console.roles import OPERATOR, SUPPORT
from cryptosystems.platform.models import Announcement, OutgoingMail
from signals.models import ModelVersion
from signals.services.publish import apply_change, publish, record_rejected
from tests.support.people import add_totp, person, signed_in
from tests.support.setups import make_draft, make_rejected, won


def staff_member(name: str, role: str = "", **fields: Any) -> User:
    """Make a member of staff with a second factor, in a role."""
    user = person(name, is_staff=True, **fields)
    add_totp(user)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def boss(db: None) -> User:
    """A superuser."""
    return staff_member("boss", is_superuser=True)


@pytest.fixture
def boss_browser(boss: User) -> Client:
    """The superuser's browser."""
    return signed_in(boss)


@pytest.fixture
def supporter(db: None) -> User:
    """Somebody of support."""
    return staff_member("support", SUPPORT)


@pytest.fixture
def operator(db: None) -> User:
    """Somebody who runs the machine."""
    return staff_member("operator", OPERATOR)


@dataclass(frozen=True)
class World:
    """Alice, and a row of everything."""

    alice: User
    token: str
    token_id: Any
    grant: Grant
    event: ProviderEvent
    model: ModelVersion


@pytest.fixture
def world(db: None) -> World:
    """Alice with a row of every kind."""
    alice = person("alice")
    now = timezone.now()
    view, token = accounts.create_token(alice.pk, name="my script", scopes=["signals:read"])
    Device.objects.add_for(alice.pk, hint="d" * 64, label="Chromium on Linux")
    Consent.objects.add_for(alice.pk, kind="terms", version="1")
    Trial.objects.add_for(alice.pk, started_at=now, ends_at=now + timedelta(hours=40))
    Customer.objects.add_for(alice.pk, provider_id="cus_1")
    Subscription.objects.add_for(
        alice.pk,
        provider_id="sub_1",
        provider_price_id="price_1",
        status="active",
        amount_minor=5999,
        currency="usd",
        started_at=now,
        fetched_at=now,
    )
    Invoice.objects.add_for(
        alice.pk,
        provider_id="in_1",
        number="A-1",
        status="paid",
        issued_at=now,
        total_minor=5999,
        currency="usd",
    )
    Plan.objects.get_or_create(
        slug="other", defaults={"name": "Other", "amount_minor": 1, "provider_price_id": "price_9"}
    )
    grant = Grant.objects.add_for(
        alice.pk,
        kind="full_access",
        reason="a year for a conference",
        ends_at=now + timedelta(days=365),
        given_by=person("giver", is_staff=True).pk,
        needs_second_person=True,
    )
    event = ProviderEvent.objects.create(
        provider_id="evt_1",
        type="invoice.paid",
        created_at=now,
        state="failed",
        note="the provider was away",
        payload={"object": "invoice", "client_secret": "pi_1_secret_CANARY", "id": "in_1"},
    )
    OutgoingMail.objects.create(to="alice@example.org", subject="Code", body="CANARY 123456")
    Announcement.objects.create(text="Maintenance on Sunday", ends_at=now + timedelta(days=1))
    model = ModelVersion.objects.create(
        version="simulated-1",
        origin="simulated",
        artifact="simulated-1.npz",
        checksum="0" * 64,
        catalogue_hash="0" * 64,
        trained_at=now,
        data_from=now,
        data_until=now,
        report={"symbols": 3},
    )
    publish(make_draft())
    apply_change(won(make_draft().id))
    record_rejected(make_rejected())
    return World(alice, token, view.id, grant, event, model)
