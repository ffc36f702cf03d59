"""The frame of every page: who is signed in, where they stand, what staff announce."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import api as accounts
from billing.contracts import Entitlements, State
from billing.models import Trial
from cryptosystems.platform import announcements
from cryptosystems.platform.models import Announcement
from frontend.standing import standing, trial_words
from frontend.templatetags.personal import money
from tests.support.people import alice, charlie, signed_in

pytestmark = pytest.mark.django_db

CASES = json.loads((Path(__file__).parent / "worth_cases.json").read_text(encoding="utf-8"))
NOW = timezone.now()


@pytest.fixture(autouse=True)
def alone(settings: Any, tmp_path: Any) -> None:
    """No engine, no broker, nothing kept from another test."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"
    announcements.forget()


@pytest.mark.parametrize("case", CASES["trial"], ids=lambda case: case["words"])
def test_what_is_left_of_a_trial_in_words(case: dict[str, Any]) -> None:
    assert trial_words(timedelta(milliseconds=case["ms"])) == case["words"]


def test_a_visitor_is_offered_the_trial_and_told_that_this_is_the_demo(client: Client) -> None:
    html = client.get("/").content.decode()
    assert 'data-badge="plain"' in html and ">Demo<" in html
    assert 'href="/accounts/login/"' in html
    assert "Start 7-day trial" in html
    assert "data-account-menu" not in html and "js/account.js" not in html


def test_somebody_on_trial_reads_how_long_it_lasts_on_every_page() -> None:
    user = alice()
    start = timezone.now() - timedelta(days=2, hours=1)
    Trial.objects.add_for(user.pk, started_at=start, ends_at=start + timedelta(days=7))
    browser = signed_in(user)
    for address in ("/", "/ai-trading/dashboard", "/status", "/account/", "/account/security"):
        html = browser.get(address).content.decode()
        assert "Trial, 5 days left" in html, address
        assert "alice@example.org" in html, address
        assert "Start 7-day trial</span>" not in html, address
        assert '<form method="post" action="/accounts/logout/">' in html, address
        assert 'data-state="trial"' in html, address


def test_the_last_day_of_a_trial_is_a_warning() -> None:
    user = alice()
    end = timezone.now() + timedelta(hours=20, minutes=30)
    Trial.objects.add_for(user.pk, started_at=end - timedelta(days=7), ends_at=end)
    html = signed_in(user).get("/account/").content.decode()
    assert '<a class="tag tag-warn" href="/account/billing" data-standing>Trial, 21 h left' in html


@pytest.mark.parametrize(
    ("state", "words", "has_banner"),
    [
        (State.GRACE, "Payment failed", True),
        (State.CLOSE_ONLY, "Payment owed", True),
        (State.ENDED, "Demo", False),
        (State.DEMO, "Demo", False),
        (State.STAFF, "Staff", False),
        (State.ACTIVE, "", False),
    ],
)
def test_a_banner_stands_only_while_a_payment_is_owed(
    state: State, words: str, has_banner: bool
) -> None:
    rights = Entitlements(state, frozenset(), None, "code", "Pay the open invoice.")
    found = standing(rights, NOW)
    assert found.words == words
    assert bool(found.banner) == has_banner


def test_the_profile_sets_theme_colours_numbers_and_zone() -> None:
    user = alice(time_zone="Europe/Berlin", number_format="comma", theme="light")
    accounts.save_settings(user.pk, is_colour_blind_safe=True)
    html = signed_in(user).get("/account/").content.decode()
    assert 'data-profile-theme="light"' in html
    assert 'data-profile-cvd="1"' in html
    assert 'data-number-format="comma"' in html
    assert 'data-time-zone="Europe/Berlin"' in html


def test_dates_are_told_in_the_persons_zone_with_utc_beside_them() -> None:
    user = alice(time_zone="Asia/Tokyo")
    end = (timezone.now() + timedelta(days=3)).replace(hour=20, minute=5)
    Trial.objects.add_for(user.pk, started_at=end - timedelta(days=7), ends_at=end)
    html = signed_in(user).get("/account/billing").content.decode()
    there = end + timedelta(hours=9)
    assert f"{there.day} " in html and "05:05 JST</time>" in html
    assert "20:05 UTC" in html


@pytest.mark.parametrize(
    ("written", "words"),
    [("point", "−$1,234.50"), ("comma", "−$1.234,50"), ("space", "−$1\u2009234,50")],
)
def test_money_is_written_as_its_reader_writes_numbers(written: str, words: str) -> None:
    person = accounts.user_by_id(alice(number_format=written).pk)
    assert money(Decimal("-1234.5"), "usd", person) == words
    assert money(Decimal("9.9"), "chf", None) == "9.90 CHF"


def test_an_announcement_stands_on_every_page_while_it_runs() -> None:
    now = timezone.now()
    hour = timedelta(hours=1)
    Announcement.objects.create(text="Work at noon <b>", level="warn", ends_at=now + hour)
    Announcement.objects.create(text="Was", starts_at=now - 2 * hour, ends_at=now - hour)
    Announcement.objects.create(text="Will be", starts_at=now + hour, ends_at=now + 2 * hour)
    for browser in (Client(), signed_in(charlie())):
        for address in ("/", "/ai-trading/dashboard", "/accounts/login/"):
            html = browser.get(address, follow=True).content.decode()
            assert "Work at noon &lt;b&gt;" in html
            assert "Will be" not in html and ">Was<" not in html


def test_announcements_are_read_at_most_every_few_seconds(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(1):
        announcements.current(NOW)
        announcements.current(NOW)
