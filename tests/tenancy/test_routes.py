"""Each address, tried by its owner, by another tenant and by a visitor; read from the resolver."""

import re
import uuid
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client

from tests.support.people import add_totp, confirm_again, person, signed_in
from tests.tenancy.cases import EVERYONE, MACHINE, OWN, OWNED, who_may
from tests.tenancy.estate import settle, tenant_models
from tests.tenancy.routes import Route, all_routes

pytestmark = pytest.mark.django_db

WORD = "aliceword"
UNSAFE = ("post", "put", "patch", "delete")
PERSONAL = [route for route in all_routes() if who_may(route.name) in ("own", "owned")]
CONSOLE = [route for route in all_routes() if who_may(route.name) == "staff"]
PLACE = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


class Estate:
    """Alice with one row of everything, and where her rows stand in addresses."""

    def __init__(self) -> None:
        self.alice = person("alice", email=f"{WORD}@example.org")
        self.rows = settle(self.alice, WORD)
        names = {model.__name__: row for model, row in self.rows.items()}
        key = Authenticator.objects.create(
            user=self.alice, type="webauthn", data={"name": WORD, "credential": {}}
        )
        add_totp(self.alice)
        RecoveryCodes.activate(self.alice)
        self.browser = signed_in(self.alice)
        confirm_again(self.browser, self.alice)
        self.places: dict[str, Any] = {
            "token_id": names["ApiToken"].pk,
            "session_id": UserSession.objects.get(user=self.alice).pk,
            "pk": key.pk,
            "symbol": "BTCUSDT",
            "lesson_slug": "funding",
            "origin": "simulated",
            "month": "2025-11",
            "slug": "what-is-crypto-liquidation",
            "signal_id": uuid.uuid4(),
            "tool_slug": "position-size",
            "account_id": names["TradingAccount"].pk,
            "trade_id": names["Trade"].pk,
            "layout_id": names["Layout"].pk,
            "alert_id": names["ChartAlert"].pk,
            "uidb36": "1",
            "key": "set-password",
            "grant_id": names["Grant"].pk,
            "user_id": self.alice.pk,
            "object_id": self.alice.pk,
            "content_type_id": 1,
            "app_label": "accounts",
            "url": "anything",
            "act": "end-sessions",
            "answer": "confirm",
            "name": "sign_up",
            "app": "accounts",
            "model": "user",
        }

    def address(self, route: Route) -> str:
        """Return the route's address with Alice's ids in it."""

        def fill(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            assert name in self.places, f"say what {name!r} of {route.name} is for Alice"
            return str(self.places[name])

        return "/" + PLACE.sub(fill, route.pattern).replace("^", "").replace("$", "").replace(
            "(?:/|)", ""
        )

    def stand(self) -> list[Any]:
        """Return every row of Alice's as it stands, to compare with later."""
        rows: list[Any] = [
            list(model.objects.for_user(self.alice.pk).values()) for model in tenant_models()
        ]
        for model in (EmailAddress, Authenticator, UserSession):
            rows.append(list(model.objects.filter(user=self.alice).values("pk")))
        self.alice.refresh_from_db()
        rows.append((self.alice.is_active, self.alice.theme, self.alice.deletion_due_at))
        return rows


def text_of(response: Any) -> str:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return str(body.decode("utf-8", "replace"))


def test_every_address_says_who_may_come() -> None:
    silent = sorted({route.name for route in all_routes() if not who_may(route.name)})
    assert silent == [], "say in tests/tenancy/cases.py who may come to these"
    known = {route.name for route in all_routes()}
    assert sorted((EVERYONE | OWN | OWNED | MACHINE) - known) == [], "these addresses are gone"
    assert len(PERSONAL) > 20 and len(CONSOLE) > 20, "the walk found nothing to walk over"


@pytest.mark.parametrize("route", PERSONAL, ids=lambda route: route.name)
def test_another_tenant_and_a_visitor_meet_nothing_of_alice(route: Route) -> None:
    estate = Estate()
    charlie = person("charlie")
    before = estate.stand()
    for method in ("get", *UNSAFE):
        cache.clear()  # limits are not what is tried here
        other = signed_in(charlie)
        confirm_again(other, charlie)
        for asks, client in (("charlie", other), ("visitor", Client())):
            answer = getattr(client, method)(estate.address(route), follow=False)
            assert answer.status_code < 500, f"{asks} {method}"
            assert WORD not in text_of(answer), f"{asks} saw what is Alice's by {method}"
            if who_may(route.name) == "owned":
                assert answer.status_code in (302, 401, 403, 404, 405), f"{asks} {method}"
                if asks == "charlie":
                    assert answer.status_code in (404, 405), f"{asks} {method}"
            if asks == "visitor":
                assert answer.status_code != 200 or method == "options", f"{asks} {method}"
    assert estate.stand() == before, "something of Alice's was changed"


def test_alice_herself_meets_what_is_hers() -> None:
    estate = Estate()
    seen = {}
    for route in PERSONAL:
        if route.name in ("mfa_add_webauthn", "mfa_reauthenticate_webauthn"):
            continue  # they read a key's own bytes: tried with a real one in tests/accounts
        cache.clear()
        answer = estate.browser.get(estate.address(route))
        seen[route.name] = (answer.status_code, WORD in text_of(answer))
    broken = {name: seen_ for name, seen_ in seen.items() if seen_[0] >= 400 and seen_[0] != 405}
    assert broken == {}
    shown = {name for name, (status, is_hers) in seen.items() if status == 200 and is_hers}
    assert {
        "accounts:token-list",
        "billing_api:account",
        "billing_api:invoice-list",
        "frontend:security",
        "mfa_list_webauthn",
        "account_email",
    } <= shown


@pytest.mark.parametrize("who", ["visitor", "charlie"])
def test_the_console_is_for_staff(who: str) -> None:
    estate = Estate()
    client = Client() if who == "visitor" else signed_in(person("charlie"))
    for route in CONSOLE:
        if route.name == "admin:login":
            continue  # its door; limits and the second factor are tried in tests/console
        for method in ("get", "post"):
            answer = getattr(client, method)(estate.address(route))
            assert answer.status_code in (302, 403, 404, 405), f"{route.name} {method}"
            if answer.status_code == 302:
                # Away from the console, or to its door.
                target = answer["Location"]
                assert "login" in target or not target.startswith("/admin"), f"{route.name}"
            assert WORD not in text_of(answer)


@pytest.mark.parametrize("name", sorted(OWN | OWNED))
def test_no_change_is_made_without_its_token(name: str) -> None:
    """A form of another site cannot act for Alice (CSRF), at any address that changes something."""
    estate = Estate()
    route = next(route for route in all_routes() if route.name == name)
    strict = signed_in(estate.alice, enforce_csrf_checks=True)
    confirm_again(strict, estate.alice)
    before = estate.stand()
    for method in UNSAFE:
        answer = getattr(strict, method)(estate.address(route))
        assert answer.status_code in (403, 404, 405), f"{method}: {answer.status_code}"
    after = estate.stand()
    assert after[:-4] == before[:-4] and after[-1] == before[-1]


def test_nothing_public_tells_of_anybody(engine: Any) -> None:
    estate = Estate()
    for route in all_routes():
        if who_may(route.name) == "everyone":
            answer = Client().get(estate.address(route))
            assert answer.status_code < 500 or answer.status_code == 503, route.name
            assert WORD not in text_of(answer), route.name
