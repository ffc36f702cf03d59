"""What runs by the clock exists, is thin, and does no harm where there is nothing to do."""

import ast
import inspect
import json
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as held
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from billing import api, tasks
from billing.contracts import State
from billing.models import ProviderEvent
from billing.services import inbox, sync
from billing.services.customers import adopt
from tests.billing.test_webhooks import event, signed
from tests.support.payments import Payments
from tests.support.people import person

BEATS = {
    name: entry["task"].rpartition(".")[2]
    for name, entry in held.CELERY_BEAT_SCHEDULE.items()
    if entry["task"].startswith("billing.")
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", BEATS)
def test_a_beat_runs_twice_and_does_no_harm(payments: Payments, name: str) -> None:
    task = getattr(tasks, BEATS[name])
    assert task.name in current_app.tasks

    task()
    task()

    assert not ProviderEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", BEATS)
def test_a_beat_survives_where_payments_are_not_set_up(settings: Any, name: str) -> None:
    settings.STRIPE_SECRET_KEY = ""

    getattr(tasks, BEATS[name])()


def test_bodies_of_tasks_are_thin() -> None:
    functions = [
        n for n in ast.parse(inspect.getsource(tasks)).body if isinstance(n, ast.FunctionDef)
    ]
    assert len(functions) == len(BEATS) + 1

    lengths = {each.name: (each.end_lineno or 0) - each.lineno for each in functions}

    assert max(lengths.values()) <= 10, lengths


@pytest.mark.django_db(transaction=True)
def test_where_the_broker_is_away_the_sweeper_finds_the_event(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id)
    adopt(alice.id, theirs.id)

    def away(*_args: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.work_event, "delay", away)
    body = json.dumps(event(data={"object": {"id": theirs.id, "object": "customer"}}))

    answer = Client().post(
        "/billing/webhook",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": signed(body)},
    )

    assert answer.status_code == 200
    assert ProviderEvent.objects.get().state == "waiting"
    tasks.sweep_events()
    assert ProviderEvent.objects.get().state == "done"


@pytest.mark.django_db
def test_an_event_in_a_shape_nobody_knows_does_not_stop_the_others(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person("alice"), person("bob")]
    for each in people:
        adopt(each.id, payments.add_customer(each.id).id)
    strange = next(iter(payments.people))
    for told in payments.events:
        inbox.store(told, lambda pk: None)
    read = payments.snapshot

    def breaks(customer_id: str) -> Any:
        if customer_id == strange:
            raise KeyError("items")
        return read(customer_id)

    monkeypatch.setattr(payments, "snapshot", breaks)

    assert inbox.sweep() == 1
    assert sorted(ProviderEvent.objects.values_list("state", "note")) == [
        ("done", ""),
        ("waiting", "KeyError"),
    ]


@pytest.mark.django_db
def test_asking_at_a_door_costs_a_handful_of_queries(payments: Payments) -> None:
    alice = person("alice")
    theirs = payments.add_customer(alice.id)
    adopt(alice.id, theirs.id)
    payments.subscribe(theirs.id)
    sync.sync_user(alice.id)
    api.entitlements_for(alice.id)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert api.entitlements_for(alice.id).state is State.ACTIVE

    assert len(asked) <= 5
