"""Every address of the API, found by walking the routes: who may, who may not, and what it says."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import api as accounts
from accounts.models import User
from cryptosystems.platform.scopes import Access
from signals.delivery import bus
from tests.api.cast import PASSWORD, end_trial, person, signed_in, token_of, with_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
NOT_OF_THE_API = {"unknown_address"}
NOT_DESCRIBED = {"api/v1/schema", "api/docs"}
NEEDS_A_PLAN = {"api/v1/signals/export"}
"""Closed to a browser too where neither trial nor plan runs."""


def _walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith(("api/", "^api")):
            yield route, pattern.callback


def routes() -> dict[str, Any]:
    """Return every route below /api/ with its view."""
    return {
        route: view
        for route, view in _walk(get_resolver().url_patterns)
        if getattr(view, "__name__", "") not in NOT_OF_THE_API
    }


def address_of(route: str) -> str:
    address = "/" + route.replace("<str:symbol>", "BTCUSDT")
    return re.sub(r"<uuid:\w+>", lambda _: str(uuid4()), address)


ROUTES = sorted(routes())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that does not answer is given up at once."""
    monkeypatch.setattr(bus, "ANSWER_S", 0.05)


def _access(route: str) -> Access:
    return routes()[route].cls.access  # type: ignore[no-any-return]


def _methods(route: str) -> set[str]:
    return {name.upper() for name in routes()[route].cls.http_method_names} - {"OPTIONS"}


def test_the_walk_finds_the_api() -> None:
    assert len(ROUTES) >= 20
    assert "api/v1/account/tokens/<uuid:token_id>" in ROUTES


@pytest.mark.parametrize("route", ROUTES)
def test_every_view_declares_who_may_call_it(route: str) -> None:
    assert isinstance(_access(route), Access)


def test_a_view_that_declares_nothing_is_closed(rf: Any) -> None:
    from rest_framework.decorators import api_view
    from rest_framework.response import Response

    @api_view(["GET"])
    def forgotten(request: Any) -> Any:
        return Response({})

    assert forgotten(rf.get("/api/v1/forgotten")).status_code == 403


@pytest.mark.parametrize("route", ROUTES)
def test_who_may_read(route: str) -> None:
    alice, lapsed, staff = person("alice"), person("lapsed"), person("staff", is_staff=True)
    end_trial(lapsed)
    wrong_scope = "account:read" if _access(route).scope == "signals:read" else "signals:read"
    callers = {
        "visitor": Client(),
        "alice": signed_in(alice),
        "lapsed": signed_in(lapsed),
        "staff": signed_in(staff),
        "token": with_token(token_of(alice)),
        "token of lapsed": with_token(token_of(lapsed)),
        "wrong scope": with_token(token_of(alice, wrong_scope)),
        "bad token": with_token("cs_" + "b" * 43),
    }
    if "GET" not in _methods(route) and not hasattr(routes()[route].cls, "get"):
        assert {c.get(address_of(route)).status_code for c in callers.values()} <= {401, 405}
        return
    told = {who: caller.get(address_of(route)).status_code for who, caller in callers.items()}
    refused = {who for who, status in told.items() if status in (401, 403)}
    expected = {"token of lapsed", "wrong scope", "bad token"}
    expected |= {"lapsed"} if route in NEEDS_A_PLAN else set()
    assert refused == expected | (set() if _access(route).is_public else {"visitor"}), told
    assert told["bad token"] == 401 and told["wrong scope"] == 403
    assert set(told.values()) <= {200, 401, 403, 404, 503}, told


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("route", ROUTES)
def test_nothing_changes_without_a_session_and_its_csrf_token(route: str, method: str) -> None:
    alice = person("alice")
    strict = signed_in(alice, enforce_csrf_checks=True)
    before = User.objects.filter(pk=alice.pk).values().get()
    browser_origin = {"Origin": "http://evil.example"}
    body: dict[str, Any] = {"data": b'{"theme":"dark"}', "content_type": "application/json"}
    for caller in (Client(), with_token(token_of(alice)), strict):
        answer = caller.generic(method, address_of(route), **body)
        assert answer.status_code in (401, 403, 404, 405), (method, route, answer.status_code)
        assert answer["Content-Type"] == "application/problem+json"
    forged = strict.generic(method, address_of(route), **body, headers=browser_origin)
    assert forged.status_code in (403, 405)
    assert User.objects.filter(pk=alice.pk).values().get() == before


def test_with_its_csrf_token_a_session_changes_its_own_account() -> None:
    alice, charlie = person("alice"), person("charlie")
    browser = signed_in(alice, enforce_csrf_checks=True)
    secret = "a" * 32
    browser.cookies[django_settings.CSRF_COOKIE_NAME] = secret
    answer = browser.patch(
        "/api/v1/account",
        {"theme": "dark", "time_zone": "Europe/Berlin"},
        content_type="application/json",
        headers={"X-CSRFToken": secret},
    )
    assert answer.status_code == 200, answer.content
    assert (answer.json()["theme"], answer.json()["time_zone"]) == ("dark", "Europe/Berlin")
    assert User.objects.get(pk=charlie.pk).theme == "system"


@pytest.mark.parametrize("route", ROUTES)
def test_no_address_answers_a_read_with_something_of_the_other(route: str) -> None:
    alice, charlie = person("alice"), person("charlie")
    for n in range(3):
        accounts.create_token(alice.pk, name=f"MARK-ALICE-{n}", scopes=["signals:read"])
    answer: Any = signed_in(charlie).get(address_of(route))
    told = (b"".join(answer) if answer.streaming else answer.content).decode()
    for mark in ("alice@example.org", "MARK-ALICE", str(alice.pk)):
        assert mark not in told


def test_the_log_is_paged_and_each_sees_their_own() -> None:
    alice, charlie = person("alice"), person("charlie")
    prefixes = []
    for n in range(5):
        made, _text = accounts.create_token(alice.pk, name=f"Bot {n}", scopes=["signals:read"])
        accounts.create_token(charlie.pk, name=f"Theirs {n}", scopes=["signals:read"])
        prefixes.append(made.prefix)
    browser, seen, cursor = signed_in(alice), [], ""
    while True:
        told = browser.get(f"/api/v1/account/audit?limit=2{cursor}").json()
        seen += [row["details"]["prefix"] for row in told["results"] if "prefix" in row["details"]]
        if told["next"] is None:
            break
        cursor = f"&cursor={told['next']}"
    assert seen == prefixes[::-1]


def test_headers_cannot_change_the_method_or_open_the_door_to_other_origins() -> None:
    alice = person("alice")
    view, _text = accounts.create_token(alice.pk, name="Bot", scopes=["signals:read"])
    browser = signed_in(alice)
    answer = browser.get(
        f"/api/v1/account/tokens/{view.id}",
        headers={"X-HTTP-Method-Override": "DELETE", "Origin": "http://evil.example"},
    )
    assert answer.status_code == 405
    assert "Access-Control-Allow-Origin" not in answer.headers
    preflight = browser.options("/api/v1/account", headers={"Origin": "http://evil.example"})
    assert preflight.status_code == 405
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert accounts.tokens_of(alice.pk)[0].revoked_at is None


def test_a_password_is_no_key_to_the_api() -> None:
    import base64

    alice = person("alice")
    basic = base64.b64encode(f"{alice.email}:{PASSWORD}".encode()).decode()
    assert (
        Client().get("/api/v1/account", headers={"Authorization": f"Basic {basic}"}).status_code
        == 401
    )


@pytest.mark.parametrize("route", ROUTES)
def test_no_cache_keeps_an_answer(route: str) -> None:
    for client in (Client(), signed_in(person("alice"))):
        assert "no-store" in client.get(address_of(route))["Cache-Control"]
