"""Finding people, their mailbox, and what they chose."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import api
from accounts.domain import browser_label
from cryptosystems.kernel.errors import InvalidInput
from tests.support.people import add_totp, alice, charlie, person, signed_in, staff


def test_people_by_id() -> None:
    user, other = alice(), charlie()
    view = api.user_by_id(user.pk)
    assert view is not None and view.email == "alice@example.org"
    assert set(api.users_by_id([user.pk, other.pk, uuid4()])) == {user.pk, other.pk}
    assert api.user_by_id(uuid4()) is None


def test_a_sweep_meets_every_verified_person_once() -> None:
    now = timezone.now()
    for number in range(7):  # three of them in the same moment
        person(f"p{number}", verified_at=now + timedelta(seconds=number // 3))
    person("unverified", verified=False)
    met, after = [], None
    while page := api.verified_after(after, limit=2):
        met += page
        last = page[-1]
        assert last.verified_at is not None
        after = (last.verified_at, last.id)
    assert len(met) == len({view.id for view in met}) == 7


@pytest.mark.parametrize(
    "address",
    [
        "Ana.Lopez@gmail.com",
        "analopez+trial@gmail.com",
        "a.n.a.lopez+1+2@googlemail.com",
        "ANALOPEZ@GMAIL.COM",
    ],
)
def test_many_spellings_are_one_mailbox(address: str) -> None:
    one = person("one", email="analopez@gmail.com")
    other = one if address.lower() == "analopez@gmail.com" else person("other", email=address)
    assert api.mailbox_key(one.pk) == api.mailbox_key(other.pk)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("ana.lopez@example.org", "analopez@example.org", False),
        ("ana+x@example.org", "ana@example.org", True),
        ("ana@bücher.example", "ana@xn--bcher-kva.example", True),
        ("ana-x@yahoo.com", "ana@yahoo.com", True),
        ("ana-x@example.org", "ana@example.org", False),
        ("ana@example.org", "ana@example.com", False),
    ],
)
def test_mailboxes_are_told_apart_as_their_providers_do(
    first: str, second: str, same: bool
) -> None:
    one, two = person("one", email=first), person("two", email=second)
    assert (api.mailbox_key(one.pk) == api.mailbox_key(two.pk)) is same


def test_the_key_tells_nothing_and_depends_on_the_secret(settings: object) -> None:
    user = alice()
    key = api.mailbox_key(user.pk)
    assert len(key) == 64 and "alice" not in key
    settings.SECRET_KEY = "another-" + "y" * 50  # type: ignore[attr-defined]
    assert api.mailbox_key(user.pk) != key


@pytest.mark.parametrize(
    ("address", "is_disposable"),
    [
        ("x@mailinator.com", True),
        ("x@sub.mailinator.com", True),
        ("x@gmail.com", False),
        ("x@example.org", False),
    ],
)
def test_throw_away_addresses_are_known(address: str, is_disposable: bool) -> None:
    assert api.is_disposable_address(person("x", email=address).pk) is is_disposable


def test_searching_people() -> None:
    user, _other = alice(), charlie()
    assert [view.id for view in api.search_users("ALICE@")] == [user.pk]
    assert [view.id for view in api.search_users(str(user.pk))] == [user.pk]
    assert len(api.search_users("example.org")) == 2
    assert api.search_users("  ") == [] == api.search_users("nobody\0")
    assert api.search_users("%") == []


def test_counting_people() -> None:
    add_totp(alice())
    staff(), person("new", verified=False), person("gone", is_active=False)
    assert api.people_count() == {
        "total": 4,
        "verified": 3,
        "unverified": 1,
        "staff": 1,
        "inactive": 1,
        "leaving": 0,
        "with_second_factor": 1,
    }


def test_settings_are_stored_and_logged_once() -> None:
    user = alice()
    chosen = {
        "time_zone": "Asia/Kathmandu",
        "number_format": "comma",
        "theme": "light",
        "language": "en",
        "is_colour_blind_safe": "on",
    }
    client = signed_in(user)
    for _time in range(2):
        assert client.post("/account/settings", chosen).status_code == 302
    view = api.user_by_id(user.pk)
    assert view is not None
    assert (view.time_zone, view.number_format, view.theme) == ("Asia/Kathmandu", "comma", "light")
    assert view.is_colour_blind_safe
    rows = [row for row in api.audit_of(user.pk) if row.action == "settings_changed"]
    assert len(rows) == 1 and rows[0].details["time_zone"] == ["UTC", "Asia/Kathmandu"]
    assert "+0545" in client.get("/account/security").content.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
        ("number_format", "roman"),
        ("theme", "pink"),
        ("language", "xx"),
        ("email", "charlie@example.org"),
        ("is_staff", True),
    ],
)
def test_what_is_no_setting_or_no_choice_is_refused(name: str, value: object) -> None:
    user = alice()
    with pytest.raises(InvalidInput):
        api.save_settings(
            user.pk, **{name: value, **({} if name == "theme" else {"theme": "dark"})}
        )
    user.refresh_from_db()
    assert (user.theme, user.is_staff, user.time_zone) == ("system", False, "UTC")


def test_a_refused_setting_is_said_beside_its_field() -> None:
    fields = {
        "time_zone": "Mars/Olympus",
        "number_format": "point",
        "theme": "dark",
        "language": "en",
    }
    answer = signed_in(alice()).post("/account/settings", fields)
    assert answer.status_code == 400
    assert "Choose one of the list" in answer.content.decode()


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19) AppleWebKit/605 Version/19.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_in_words(user_agent: str, label: str) -> None:
    assert browser_label(user_agent) == label
