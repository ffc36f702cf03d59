"""The console's pages may do a little more than all others, and only they."""

import pytest
from django.test import Client

from tests.support.people import alice, signed_in
from tests.tenancy.routes import all_routes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def _policy(answer: object) -> dict[str, set[str]]:
    text = answer["Content-Security-Policy"]  # type: ignore[index]
    parts = [part.split() for part in text.split(";") if part.strip()]
    return {part[0]: set(part[1:]) for part in parts}


def test_the_console_may_evaluate_and_style_inline_but_nothing_foreign(
    boss_browser: Client,
) -> None:
    policy = _policy(boss_browser.get("/admin/"))
    assert policy["script-src"] == {"'self'", "'unsafe-eval'"}
    assert policy["style-src"] == {"'self'", "'unsafe-inline'"}
    assert policy["frame-ancestors"] == {"'none'"}
    assert policy["form-action"] == {"'self'"}
    assert policy["default-src"] == {"'none'"}
    sources = set().union(*policy.values())
    assert sources <= {"'self'", "'none'", "'unsafe-eval'", "'unsafe-inline'", "data:"}


def test_no_other_path_is_relaxed(boss_browser: Client) -> None:
    plain = [route.pattern for route in all_routes() if "<" not in route.pattern]
    others = ["/" + p.rstrip("$") for p in plain if not p.startswith("admin/")]
    assert len(others) > 15
    for browser in (boss_browser, signed_in(alice()), Client()):
        browser.raise_request_exception = False
        for path in others:
            if path in ("/accounts/logout/",) or "(" in path:
                continue
            answer = browser.get(path)
            if "Content-Security-Policy" in answer:
                assert "unsafe" not in answer["Content-Security-Policy"], path
            else:
                assert answer.status_code in (204, 301, 302, 304) or path.startswith("/static"), (
                    path
                )


def test_an_answer_that_turns_somebody_away_is_not_relaxed() -> None:
    for browser in (Client(), signed_in(alice())):
        assert "unsafe" not in browser.get("/admin/")["Content-Security-Policy"]
