"""What every answer tells the browser: read from the resolver, errors included."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from frontend.checkout import payment_origins
from signals import api as signals_api
from tests.console.conftest import staff_member
from tests.support.people import confirm_again, person, signed_in
from tests.tenancy.routes import Route, all_routes
from tests.tenancy.test_routes import Estate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
PAYING: Final = {
    "frontend:plans",
    "frontend:billing",
    "frontend:subscribe",
    "frontend:billing-portal",
    "frontend:billing-cancel",
    "frontend:billing-keep",
}
CLOSED: Final = ("default-src", "frame-ancestors", "base-uri")
WORD: Final = "aliceword"


def policy(answer: Any) -> dict[str, set[str]]:
    parts = [part.split() for part in answer.headers.get("Content-Security-Policy", "").split(";")]
    return {part[0]: set(part[1:]) for part in parts if part}


def faults(answer: Any, name: str, *, is_console: bool, is_signed_in: bool) -> Iterator[str]:
    """Say what an answer lacks, or allows too much."""
    for header, value in ALWAYS.items():
        if answer.headers.get(header) != value:
            yield f"{header}: {answer.headers.get(header)}"
    held = policy(answer)
    if any(held.get(part) != {"'none'"} for part in CLOSED):
        yield f"policy: {held}"
    everything = set().union(*held.values())
    relaxed = {word for word in everything if "unsafe" in word}
    if relaxed and not is_console:
        yield f"relaxed outside of the console: {relaxed}"
    if relaxed - {"'unsafe-eval'", "'unsafe-inline'"} or "'unsafe-inline'" in held["script-src"]:
        yield f"relaxed too far: {held}"
    abroad = {word for word in everything if not word.startswith("'") and word != "data:"}
    if abroad - (set(payment_origins()) if name in PAYING else set()):
        yield f"names hosts: {abroad}"
    if abroad and abroad != held["form-action"] - {"'self'"}:
        yield f"names hosts beyond forms: {held}"
    if is_signed_in and "no-store" not in answer.headers.get("Cache-Control", ""):
        yield f"may be kept: {answer.headers.get('Cache-Control')}"


def browser_of(who: str, estate: Estate, boss: Any) -> Client:
    """Return a browser of somebody, signed in just now: what was posted before may have ended it."""
    if who == "visitor":
        client = Client()
    else:
        user = estate.alice if who == "alice" else boss
        client = signed_in(user)
        confirm_again(client, user)
    client.raise_request_exception = False
    return client


def methods(who: str, route: Route) -> tuple[str, ...]:
    """Return what is tried: everything by a visitor; by others what differs, to save time."""
    if who == "visitor":
        return "get", "post", "options"
    at_home = route.pattern.startswith("admin/") == (who == "boss")
    return ("get", "post") if at_home else ("get",)


@pytest.mark.parametrize("who", ["visitor", "alice", "boss"])
def test_every_address_answers_with_the_headers(who: str, engine: Any) -> None:
    estate, boss = Estate(), staff_member("boss", is_superuser=True)
    wrong, codes = [], set()
    for route in all_routes():
        for method in methods(who, route):
            cache.clear()
            client = browser_of(who, estate, boss)
            answer = getattr(client, method)(estate.address(route))
            codes.add(answer.status_code)
            found = faults(
                answer,
                route.name,
                is_console=who == "boss" and route.pattern.startswith("admin/"),
                is_signed_in=who != "visitor",
            )
            wrong += [f"{method} /{route.pattern} {answer.status_code} {fault}" for fault in found]
    assert wrong == []
    assert {200, 302, 404, 405} <= codes


def test_the_pages_that_lead_to_payments_name_their_hosts() -> None:
    estate = Estate()
    for address in ("/ai-trading/plans-pricing", "/account/billing"):
        assert policy(estate.browser.get(address))["form-action"] == {
            "'self'",
            *payment_origins(),
        }


def _not_found(client: Client, _monkeypatch: Any) -> Any:
    return client.get("/nowhere")


def _not_found_api(client: Client, _monkeypatch: Any) -> Any:
    return client.get("/api/v1/nowhere")


def _wrong_method(client: Client, _monkeypatch: Any) -> Any:
    return client.post("/terms")


def _too_many_fields(client: Client, _monkeypatch: Any) -> Any:
    return client.post("/accounts/login/", {f"f{n}": "x" for n in range(5_000)})


def _forged(client: Client, _monkeypatch: Any) -> Any:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    return strict.post("/accounts/login/", {"login": "a"})


def _wrong_host(client: Client, _monkeypatch: Any) -> Any:
    return client.get("/terms", headers={"Host": "evil.example"})


def _too_often(client: Client, _monkeypatch: Any) -> Any:
    cache.clear()
    # A browser of nobody: who is signed in is sent on from the sign-in page.
    client.cookies.clear()
    for _ in range(12):
        answer = client.post("/accounts/login/", {"login": "a@example.org", "password": "no"})
    return answer


def _too_often_api(client: Client, _monkeypatch: Any) -> Any:
    cache.clear()
    few = {"visitor": 1, "user": 1, "token": 1, "refused": 1}
    with override_settings(API_RATES=few):
        client.get("/api/v1/status")
        return client.get("/api/v1/status")


def _broken(*_args: Any, **_more: Any) -> None:
    raise RuntimeError("broken on purpose")


def _breaks(client: Client, monkeypatch: Any) -> Any:
    monkeypatch.setattr(signals_api, "status", _broken)
    return client.get("/status")


def _breaks_api(client: Client, monkeypatch: Any) -> Any:
    monkeypatch.setattr(signals_api, "status", _broken)
    return client.get("/api/v1/status")


ERRORS: Final = [
    (_not_found, 404),
    (_not_found_api, 404),
    (_wrong_method, 405),
    (_too_many_fields, 400),
    (_forged, 403),
    (_wrong_host, 400),
    (_too_often, 429),
    (_too_often_api, 429),
    (_breaks, 500),
    (_breaks_api, 500),
]


@pytest.mark.parametrize("who", ["visitor", "alice"])
@pytest.mark.parametrize(("fail", "code"), ERRORS, ids=lambda each: getattr(each, "__name__", ""))
def test_every_error_answers_with_the_headers(
    who: str, fail: Any, code: int, monkeypatch: Any
) -> None:
    alice = person("alice", email=f"{WORD}@example.org")
    client = signed_in(alice) if who == "alice" else Client()
    client.raise_request_exception = False
    answer = fail(client, monkeypatch)
    assert answer.status_code == code
    # Neither of these two comes as far as her session.
    is_signed_in = who == "alice" and fail not in (_too_often, _wrong_host)
    assert list(faults(answer, "", is_console=False, is_signed_in=is_signed_in)) == []
