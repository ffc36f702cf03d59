"""Where one is signed in, how long it lasts, and ending it."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts import api, middleware
from tests.support.people import alice, charlie, signed_in, staff

HOUR = 3_600
DAY = 24 * HOUR


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1_764_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(middleware, "time", hands)
    return hands


def is_in(client: Client) -> bool:
    return client.get("/account/security").status_code == 200


def test_a_person_sees_their_sessions_and_ends_one() -> None:
    user = alice()
    here, there = signed_in(user), signed_in(user)
    views = api.sessions_of(user.pk, here.session.session_key)
    assert [view.is_current for view in views] == [True, False]
    page = here.get("/account/security").content.decode()
    assert "this one" in page and "Sign out all others" in page
    answer = here.post(f"/account/security/sessions/{views[1].id}/end")
    assert answer.status_code == 302
    assert is_in(here) and not is_in(there)


def test_ending_all_others_keeps_this_one() -> None:
    user = alice()
    here, others = signed_in(user), [signed_in(user) for _ in range(2)]
    here.post("/account/security/sessions/end")
    assert is_in(here) and not any(is_in(other) for other in others)
    [ended] = [row for row in api.audit_of(user.pk) if row.action == "sessions_ended"]
    assert ended.details == {"count": 2}


def test_nobody_ends_anothers_session() -> None:
    owner, other = alice(), charlie()
    there = signed_in(owner)
    row = UserSession.objects.get(user=owner)
    assert signed_in(other).post(f"/account/security/sessions/{row.pk}/end").status_code == 404
    assert is_in(there)


def test_a_session_ends_after_seven_days_without_a_visit(clock: Hands) -> None:
    client = signed_in(alice())
    assert is_in(client)
    clock.now += 6 * DAY
    assert is_in(client)
    clock.now += 7 * DAY + 1
    answer = client.get("/account/security")
    assert answer.status_code == 302
    assert answer["Clear-Site-Data"] == '"cache"'
    assert not UserSession.objects.exists()


def test_a_session_ends_after_thirty_days_in_any_case(clock: Hands) -> None:
    client = signed_in(alice())
    for _visit in range(10):
        assert is_in(client)
        clock.now += 3 * DAY
    assert is_in(client)
    clock.now += 1
    assert not is_in(client)


def test_staff_sessions_are_short(clock: Hands) -> None:
    client = signed_in(staff())
    for _visit in range(16):
        assert is_in(client)
        clock.now += 29 * 60
    assert is_in(client)
    clock.now += 31 * 60
    assert not is_in(client)
    again = signed_in(alice(is_staff=True))
    for _visit in range(18):
        again.get("/account/security")
        clock.now += 28 * 60
    assert not is_in(again)


def test_a_visit_is_written_once_an_hour_only(
    clock: Hands, django_assert_num_queries: object
) -> None:
    client = signed_in(alice())
    is_in(client)
    stored = client.session["life"]
    clock.now += HOUR - 10
    is_in(client)
    assert client.session["life"] == stored
    clock.now += 20
    is_in(client)
    assert client.session["life"] == [stored[0], clock.now]
