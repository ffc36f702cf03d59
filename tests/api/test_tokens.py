"""A token: shown once, good for what it says, dead at once when it is revoked."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import api
from accounts.models import ApiToken, User
from cryptosystems.kernel.errors import InvalidInput
from tests.api.cast import end_trial, person, signed_in, token_of, with_token

pytestmark = pytest.mark.django_db
ACCOUNT = "/api/v1/account"


@pytest.fixture
def alice() -> User:
    return person("alice")


@pytest.fixture
def charlie() -> User:
    return person("charlie")


def test_a_token_is_shown_once_and_only_its_hash_is_kept(alice: User) -> None:
    view, text = api.create_token(alice.pk, name="Bot at home", scopes=["account:read"])
    assert text.startswith("cs_") and len(text) == 46
    assert text.startswith(view.prefix) and len(view.prefix) == 11
    row = ApiToken.objects.for_user(alice.pk).get()
    assert text not in repr({name: getattr(row, name) for name in row.__dict__})
    assert with_token(text).get(ACCOUNT).json()["email"] == "alice@example.org"


def test_making_and_revoking_are_in_the_log_without_the_token(alice: User) -> None:
    view, text = api.create_token(alice.pk, name="Bot", scopes=["account:read"])
    assert api.revoke_token(alice.pk, view.id)
    lines = api.audit_of(alice.pk)
    assert [line.action for line in lines] == ["token_revoked", "token_created"]
    assert all(text not in str(line.details) for line in lines)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 61},
        {"name": "new\nline"},
        {"name": "right\u202eleft"},
        {"name": "nul\0"},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": ["signals:read", "signals:write"]},
        {"expires_at": datetime(2020, 1, 1, tzinfo=timezone.get_default_timezone())},
    ],
)
def test_a_token_that_does_not_fit_is_not_made(alice: User, changes: dict[str, object]) -> None:
    fields = {"name": "Bot", "scopes": ["signals:read"], **changes}
    with pytest.raises(InvalidInput):
        api.create_token(alice.pk, **fields)  # type: ignore[arg-type]
    assert api.tokens_of(alice.pk) == []


def test_nobody_has_more_than_ten_live_tokens(alice: User) -> None:
    made = [
        api.create_token(alice.pk, name=f"Bot {n}", scopes=["signals:read"])[0] for n in range(10)
    ]
    with pytest.raises(InvalidInput, match="10 live tokens"):
        token_of(alice)
    api.revoke_token(alice.pk, made[0].id)
    token_of(alice)


def test_every_token_that_is_not_good_gets_the_same_answer(alice: User, charlie: User) -> None:
    view, revoked = api.create_token(alice.pk, name="Bot", scopes=["account:read"])
    api.revoke_token(alice.pk, view.id)
    expired = token_of(alice, expires_at=timezone.now() + timedelta(seconds=1))
    ApiToken.objects.for_user(alice.pk).filter(expires_at__isnull=False).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    of_inactive = token_of(charlie)
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    told = set()
    for text in (revoked, expired, of_inactive, "cs_" + "a" * 43, "cs_short", "nonsense", ""):
        answer = with_token(text).get(ACCOUNT)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        told.add((answer.json()["code"], answer.json()["detail"]))
    assert len(told) == 1


def test_a_revoked_token_stops_at_once(alice: User) -> None:
    view, text = api.create_token(alice.pk, name="Bot", scopes=["account:read"])
    client = with_token(text)
    assert client.get(ACCOUNT).status_code == 200
    browser = signed_in(alice)
    assert browser.delete(f"{ACCOUNT}/tokens/{view.id}").status_code == 204
    assert client.get(ACCOUNT).status_code == 401
    assert browser.delete(f"{ACCOUNT}/tokens/{view.id}").status_code == 404


def test_a_token_comes_from_the_header_alone(alice: User) -> None:
    text = token_of(alice)
    client = Client()
    client.cookies["token"] = client.cookies["Authorization"] = text
    assert client.get(ACCOUNT).status_code == 401
    assert client.get(ACCOUNT, {"token": text}).status_code == 401
    assert client.get(ACCOUNT, headers={"Authorization": f"Token {text}"}).status_code == 401


def test_a_bad_token_is_not_saved_by_a_good_session(alice: User) -> None:
    browser = signed_in(alice)
    assert browser.get(ACCOUNT).status_code == 200
    wrong = {"Authorization": "Bearer cs_" + "a" * 43}
    assert browser.get(ACCOUNT, headers=wrong).status_code == 401


def test_a_token_opens_only_what_its_scopes_name(alice: User) -> None:
    client = with_token(token_of(alice, "signals:read"))
    assert client.get("/api/v1/signals").status_code == 200
    refused = client.get(ACCOUNT)
    assert refused.status_code == 403
    assert refused.json()["code"] == "insufficient_scope"
    assert "account:read" in refused.json()["detail"]


def test_a_token_sleeps_while_the_plan_is_over_and_the_session_does_not(alice: User) -> None:
    client = with_token(token_of(alice))
    assert client.get("/api/v1/signals").status_code == 200
    end_trial(alice)
    refused = client.get("/api/v1/signals")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_entitled")
    assert signed_in(alice).get(ACCOUNT).json()["entitlement"]["state"] == "ended"
    assert Client().get("/api/v1/signals").status_code == 200


def test_a_token_changes_nothing(alice: User) -> None:
    view, text = api.create_token(alice.pk, name="Bot", scopes=["account:read", "trade"])
    client = with_token(text)
    for answer in (
        client.patch(ACCOUNT, {"theme": "dark"}, content_type="application/json"),
        client.delete(f"{ACCOUNT}/tokens/{view.id}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "session_only")
    assert client.get(ACCOUNT).json()["theme"] == "system"


def test_the_last_use_is_noted_once_a_minute(alice: User) -> None:
    from accounts.services.tokens import find_token

    text, now = token_of(alice), timezone.now()
    for seconds, noted in ((0, 0), (30, 0), (59, 0), (60, 60), (61, 60)):
        assert find_token(text, now + timedelta(seconds=seconds)) is not None
        seen = api.tokens_of(alice.pk)[0].last_used_at
        assert seen == now + timedelta(seconds=noted)


def test_charlie_sees_and_ends_none_of_alices_tokens(alice: User, charlie: User) -> None:
    view, text = api.create_token(alice.pk, name="Alice's bot", scopes=["account:read"])
    browser = signed_in(charlie)
    assert browser.get(f"{ACCOUNT}/tokens").json()["results"] == []
    assert browser.delete(f"{ACCOUNT}/tokens/{view.id}").status_code == 404
    assert with_token(text).get(ACCOUNT).status_code == 200
