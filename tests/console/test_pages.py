"""Every page of the console opens, with everything in the database and with nothing."""

import json
import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from cryptosystems.platform.admin import ConsoleAdmin
from signals.delivery import bus
from tests.console.conftest import World
from tests.frontend.market import make_status
from tests.support.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

OWN_PAGES = ("index", "machine", "switches", "exports")
MOST_QUERIES = 60


def _pages() -> list[str]:
    tables = [f"{m._meta.app_label}_{m._meta.model_name}_changelist" for m in admin.site._registry]
    return [reverse(f"admin:{name}") for name in (*OWN_PAGES, *tables)]


def test_every_page_opens_on_an_empty_database(boss_browser: Client) -> None:
    for page in _pages():
        answer = boss_browser.get(page)
        assert answer.status_code == 200, page


def test_every_page_and_every_row_opens_with_data(boss_browser: Client, world: World) -> None:
    seen = 0
    for page in _pages():
        answer = boss_browser.get(page)
        assert answer.status_code == 200, page
        for row in set(re.findall(r'href="(/admin/[^"?]+/change/)[^"]*"', answer.content.decode())):
            shown = boss_browser.get(row, follow=True)
            assert shown.status_code == 200, row
            seen += 1
    assert seen > len(admin.site._registry)


def test_an_empty_dashboard_says_so_in_words(boss_browser: Client) -> None:
    text = boss_browser.get("/admin/").content.decode()
    for sentence in (
        "None ends within 48 hours.",
        "Nothing waits.",
        "No signal was issued yet.",
        "The engine is silent",
        "No part remembers an error.",
        "not known yet",
    ):
        assert sentence in text


def test_the_dashboard_counts_what_there_is(boss_browser: Client, world: World) -> None:
    text = " ".join(boss_browser.get("/admin/").content.decode().split())
    assert "59.99 USD" in text
    assert "100.0% won" in text
    assert "a year for a conference" in text
    assert "alice@example.org" in text
    assert "invoice.paid: the provider was away" in text


def test_the_dashboard_asks_no_more_of_many_than_of_few(boss_browser: Client, world: World) -> None:
    boss_browser.get("/admin/")  # the first visit of a session also notes the visit
    with CaptureQueriesContext(connection) as few:
        boss_browser.get("/admin/")
    for k in range(30):
        person(f"user{k}")
    with CaptureQueriesContext(connection) as many:
        boss_browser.get("/admin/")
    assert len(many) == len(few)
    assert len(many) <= MOST_QUERIES


def test_a_page_of_everything_shows_everything(
    boss_browser: Client, world: World, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_standin_1"
    text = boss_browser.get(f"/admin/people/{world.alice.pk}/").content.decode()
    for shown in (
        "alice@example.org",
        "Chromium on Linux",
        "my script",
        "sub_1",
        "A-1",
        "Terms of use",
        "a year for a conference",
        "API token made",
        "no money moves",
        "Extend the trial",
        "See pages as this person",
    ):
        assert shown in text, shown


def test_every_tenant_model_of_the_console_is_read_under_its_name() -> None:
    """A table whose rows belong to someone would raise without its own door."""
    for model, table in admin.site._registry.items():
        assert isinstance(table, ConsoleAdmin), model
    assert User in admin.site._registry
    assert apps.get_model("mfa", "Authenticator") not in admin.site._registry


def test_links_lead_to_the_provider_where_there_is_one(
    boss_browser: Client, world: World, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_1"
    person_page = boss_browser.get(f"/admin/people/{world.alice.pk}/").content.decode()
    assert "https://dashboard.stripe.com/test/customers/cus_1" in person_page
    settings.STRIPE_SECRET_KEY = "sk_live_1"
    table = boss_browser.get("/admin/billing/subscription/").content.decode()
    assert "https://dashboard.stripe.com/subscriptions/sub_1" in table
    settings.STRIPE_SECRET_KEY = "sk_standin_1"
    table = boss_browser.get("/admin/billing/subscription/").content.decode()
    assert "dashboard.stripe.com" not in table


def test_the_machine_page_tells_what_the_engine_told(boss_browser: Client, world: World) -> None:
    told = make_status()
    told["feeds"] |= {"n": 12, "n_live": 11, "stale": [{"stream": "btcusdt@depth", "age_s": 17.5}]}
    told["last_error"] = {"at": "2026-11-25T00:00:00Z", "text": "the exchange hung up"}
    client = bus.connect()
    client.set(bus.STATUS, json.dumps(told))
    client.rpush("mail", "a task", "another")
    for page in ("/admin/", "/admin/machine/"):
        text = " ".join(boss_browser.get(page).content.decode().split())
        assert "11 of 12 streams are fresh" in text
        assert "the exchange hung up" in text
    assert "btcusdt@depth" in text
    assert "17.5 s" in text
    assert "<td>mail</td><td>2</td>" in text
    assert "No worker answered within a second." in text
    assert told["stages"][0]["title"] in text


def test_a_broker_that_is_away_is_said_so_and_breaks_no_page(
    boss_browser: Client, settings: Any
) -> None:
    settings.REDIS_URL = "unix:///nowhere/at/all?db=0"
    assert "The broker does not answer" in boss_browser.get("/admin/machine/").content.decode()
    assert "The broker does not answer" in boss_browser.get("/admin/").content.decode()
