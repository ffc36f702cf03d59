"""The description is true: every operation, fed with good and bad input made from it.

Schemathesis makes the requests from `/api/v1/schema` itself, so an operation that is added is
tested from its first day. The engine is played over a real Redis-protocol server; the web is the
product's own, in this process. `API_EXAMPLES` asks for more than the everyday number.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as rules
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts import api as accounts
from signals.models import Signal
from signals.services.publish import publish
from tests.api.cast import person, signed_in, token_of
from tests.frontend.played_engine import PlayedEngine
from tests.support.setups import make_draft

EXAMPLES = int(os.environ.get("API_EXAMPLES", "25"))
SCHEMA = schemathesis.openapi.from_wsgi("/api/v1/schema", get_wsgi_application())
LABELS = sorted(found.ok().label for found in SCHEMA.get_all_operations())
HOW = rules(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Caller:
    """Alice, by token and by browser."""

    token: dict[str, str]
    session: dict[str, str]
    ids: dict[str, Any]

    def headers(self, method: str) -> dict[str, str]:
        return self.token if method.upper() == "GET" else self.session


@pytest.fixture
def in_this_transaction() -> Iterator[None]:
    """Requests use the test's own connection, as those of Django's test client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def alice(db: None, redis_url: str, in_this_transaction: None, settings: Any) -> Iterator[Caller]:
    """Alice with a token, a session, a signal to look at; the engine answers."""
    settings.EXPORTS_AN_HOUR = 100_000
    user = person("alice")
    browser = signed_in(user)
    secret = "c" * 32
    cookies = {
        django_settings.SESSION_COOKIE_NAME: browser.cookies[
            django_settings.SESSION_COOKIE_NAME
        ].value,
        django_settings.CSRF_COOKIE_NAME: secret,
    }
    draft = make_draft()
    publish(draft)
    spare = accounts.create_token(user.pk, name="Spare", scopes=["signals:read"])[0]
    engine = PlayedEngine(3).start()
    yield Caller(
        {"Authorization": f"Bearer {token_of(user)}"},
        {
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "X-CSRFToken": secret,
        },
        {"symbol": "BTCUSDT", "signal_id": str(draft.id), "token_id": str(spare.id)},
    )
    engine.stop()


def test_the_description_covers_every_route() -> None:
    from tests.api.test_access import NOT_DESCRIBED, routes

    described = {label.partition(" ")[2].split("/api/")[1] for label in LABELS}
    told = {
        route.replace("<str:", "{").replace("<uuid:", "{").replace(">", "}").removeprefix("api/")
        for route in routes()
        if route not in NOT_DESCRIBED
    }
    assert described == told


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", LABELS)
def test_an_operation_keeps_what_its_description_promises(
    alice: Caller, label: str, mode: GenerationMode
) -> None:
    operation = SCHEMA.find_operation_by_label(label)
    assert operation is not None
    takes = [*operation.iter_parameters(), *operation.body]
    if mode is GenerationMode.NEGATIVE and not takes:
        return  # nothing is taken, so nothing can be wrong
    known = {name: alice.ids[name] for name in alice.ids if "{" + name + "}" in label}
    fixed = {"path_parameters": known} if mode is GenerationMode.POSITIVE and known else {}

    # A time zone is a text that only the zones' own database can judge, and whether two times
    # make a span, or one is still to come, no schema can say.
    is_timed = any(one.name == "at" for one in operation.iter_parameters())
    judged = label.startswith("PATCH") or label.endswith("/export") or is_timed
    excluded = [positive_data_acceptance] if judged else []

    @HOW
    @given(case=operation.as_strategy(generation_mode=mode, **fixed))
    def keeps(case: Any) -> None:
        case.call_and_validate(headers=alice.headers(case.method), excluded_checks=excluded)

    keeps()


def test_what_is_described_as_a_signal_is_all_of_it(alice: Caller) -> None:
    """No field is sent that the description does not name."""
    from signals.selectors.signals import payload

    row = Signal.objects.select_related("current", "settlement").get()
    described = SCHEMA.raw_schema["components"]["schemas"]["Signal"]["properties"]
    assert set(payload(row)) == set(described)
