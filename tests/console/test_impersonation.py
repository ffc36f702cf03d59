"""Seeing pages as somebody: everything can be looked at, nothing can be done."""

import re
import time
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from accounts.api import is_session_alive
from accounts.models import AuditEntry, User
from cryptosystems.console import impersonation
from tests.console.conftest import World, staff_member
from tests.support.people import person, signed_in
from tests.tenancy.routes import all_routes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

UNSAFE = ("post", "put", "patch", "delete")


@pytest.fixture
def looking(supporter: User, world: World) -> Client:
    """The browser of somebody of support who sees pages as Alice."""
    browser = signed_in(supporter)
    _begin(browser, world.alice)
    return browser


def _begin(browser: Client, user: User, reason: str = "cannot find her invoice") -> Any:
    return browser.post(f"/admin/people/{user.pk}/act/impersonate/", {"reason": reason})


def _addresses() -> list[str]:
    """Every address of the product, with plausible values in its gaps."""
    fill = {
        "uuid": "00000000-0000-4000-8000-000000000000",
        "int": "1",
        "slug": "word",
        "str": "word",
        "path": "word",
    }
    out = []
    for route in all_routes():
        pattern = re.sub(
            r"<(?:(\w+):)?\w+>", lambda m: fill.get(m[1] or "str", "word"), route.pattern
        )
        pattern = re.sub(r"\(\?P<\w+>[^)]*\)", "word", pattern).replace("^", "").replace("\\Z", "")
        out.append("/" + pattern.replace("\\.", ".").rstrip("$"))
    return out


def test_pages_are_hers_and_say_who_looks(looking: Client, supporter: User, world: World) -> None:
    answer = looking.get("/")
    text = answer.content.decode()
    assert answer.wsgi_request.user == world.alice
    assert "You see this as alice@example.org. Read only, 30 minutes left." in text
    assert answer["Cache-Control"] == "no-store, private"
    assert looking.session["_auth_user_id"] == str(supporter.pk), "the session stays the staff's"


def test_nothing_at_all_can_be_changed(looking: Client, world: World) -> None:
    addresses = [address for address in _addresses() if address != impersonation.END_PATH]
    assert len(addresses) > 60
    # The refusal is a page with a frame, and a frame gives staff their own trial.
    told = AuditEntry.objects.exclude(action="trial_started")
    before = told.count()
    for address in addresses:
        for method in UNSAFE:
            answer = getattr(looking, method)(address)
            assert answer.status_code == 403, (method, address)
    assert told.count() == before
    assert impersonation.KEY in looking.session


def test_a_refused_call_of_the_api_says_why_in_the_apis_own_shape(looking: Client) -> None:
    answer = looking.post("/api/v1/account/tokens", {}, content_type="application/json")
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "read_only"


def test_what_only_the_owner_may_see_stays_shut(looking: Client) -> None:
    for page in (
        "/accounts/2fa/",
        "/accounts/2fa/recovery-codes/",
        "/accounts/2fa/totp/activate/",
        "/accounts/password/change/",
        "/accounts/email/",
        "/account/security",
        "/account/data",
        "/account/api-tokens",
        "/api/v1/signals/export",
        "/admin/",
        "/admin/accounts/user/",
    ):
        assert looking.get(page).status_code == 403, page


def test_it_ends_by_the_button_and_both_ends_are_in_the_log(
    looking: Client, supporter: User, world: World
) -> None:
    assert looking.get(impersonation.END_PATH).status_code == 405
    answer = looking.post(impersonation.END_PATH)
    assert answer["Location"] == f"/admin/people/{world.alice.pk}/"
    assert looking.get("/").wsgi_request.user == supporter
    assert looking.post(impersonation.END_PATH).status_code == 404
    started = AuditEntry.objects.get(action="impersonation_started")
    ended = AuditEntry.objects.get(action="impersonation_ended")
    assert started.details["reason"] == "cannot find her invoice"
    for line in (started, ended):
        assert (line.actor_id, line.subject_id) == (supporter.pk, world.alice.pk)
        assert line.actor_kind == "staff"


def test_after_half_an_hour_it_is_over_and_her_form_does_not_act_on_staff(
    looking: Client, supporter: User, world: World
) -> None:
    later = timezone.now() + timedelta(seconds=impersonation.LONGEST_S)
    with mock.patch("cryptosystems.console.impersonation.timezone.now", return_value=later):
        assert looking.post("/accounts/logout/").status_code == 403
    assert AuditEntry.objects.get(action="impersonation_ended").details == {"how": "expired"}
    assert looking.get("/").wsgi_request.user == supporter


def test_it_ends_with_the_right_to_it(looking: Client, supporter: User, world: World) -> None:
    supporter.groups.clear()
    answer = looking.get("/")
    assert answer.status_code == 302
    assert AuditEntry.objects.get(action="impersonation_ended").details == {"how": "right_lost"}


def test_it_ends_when_the_person_becomes_staff(looking: Client, world: World) -> None:
    User.objects.filter(pk=world.alice.pk).update(is_staff=True)
    assert looking.get("/").status_code == 302
    assert AuditEntry.objects.get(action="impersonation_ended").details == {"how": "person_gone"}


def test_staff_and_superusers_cannot_be_seen_as(boss: User, boss_browser: Client) -> None:
    for user in (staff_member("other"), staff_member("root", is_superuser=True), boss):
        _begin(boss_browser, user)
        assert impersonation.KEY not in boss_browser.session
    ghost = person("ghost", is_active=False)
    _begin(boss_browser, ghost)
    assert impersonation.KEY not in boss_browser.session


def test_without_a_reason_or_the_right_it_does_not_begin(
    supporter: User, operator: User, world: World
) -> None:
    browser = signed_in(supporter)
    _begin(browser, world.alice, "")
    assert impersonation.KEY not in browser.session
    assert _begin(signed_in(operator), world.alice).status_code == 403


def test_a_session_key_that_somebody_planted_opens_nothing(world: World) -> None:
    """Only staff with the right look through it, whatever a session says."""
    charlie = person("charlie")
    browser = signed_in(charlie)
    session = browser.session
    until = timezone.now().timestamp() + 600
    session[impersonation.KEY] = {"user_id": str(world.alice.pk), "until": until}
    session.save()
    answer = browser.get("/")
    assert answer.wsgi_request.user == charlie


async def test_a_socket_is_hers_and_read_only() -> None:
    heard: list[dict[str, Any]] = []

    async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
        heard.append(scope)

    staff, alice = object(), object()
    door = impersonation.SocketImpersonation(inner)
    with mock.patch.object(impersonation, "_socket_user", return_value=(True, alice)):
        await door({"type": "websocket", "user": staff}, None, None)
    assert heard[0]["user"] is alice
    assert heard[0]["read_only"]


def test_a_sockets_user_is_found_in_its_session(
    looking: Client, supporter: User, world: World
) -> None:
    scope = {"session": looking.session, "user": supporter}
    assert impersonation._socket_user(scope) == (True, world.alice)
    supporter.groups.clear()
    again = {"session": looking.session, "user": User.objects.get(pk=supporter.pk)}
    read_only, nobody = impersonation._socket_user(again)
    assert read_only
    assert not nobody.is_authenticated
    plain = signed_in(person("charlie"))
    assert impersonation._socket_user({"session": plain.session, "user": world.alice}) == (
        False,
        None,
    )


def test_a_socket_of_hers_ends_with_the_look(
    looking: Client, supporter: User, world: World
) -> None:
    """An open socket is asked each minute whether its session still stands."""
    key = looking.session.session_key
    assert is_session_alive(key, world.alice.pk)
    assert not is_session_alive(key, person("charlie").pk)
    later = time.time() + impersonation.LONGEST_S
    with mock.patch("accounts.services.sessions.time.time", return_value=later):
        assert not is_session_alive(key, world.alice.pk)
    looking.post(impersonation.END_PATH)
    assert not is_session_alive(key, world.alice.pk)
    assert is_session_alive(key, supporter.pk)


def test_the_walk_sees_every_address() -> None:
    assert get_resolver().resolve("/admin/") is not None
    assert "/admin/switches/word/word/" in _addresses()
