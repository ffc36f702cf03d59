"""Whatever is typed into whatever field: a clear refusal or a plain answer, never a crash."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.accounts.post import newest_link
from tests.support.people import PASSWORD, add_totp, alice, confirm_again, signed_in

CORPUS = {
    "long address": "a" * 308 + "@example.org",
    "null byte": "ali\0ce@example.org",
    "html": '"><script>alert(1)</script>@example.org',
    "bidi": "alice\u202egro.elpmaxe@example.org",
    "control": "alice\x1b[2J\r\nBcc: eve@example.org",
    "endless": "x" * 100_000,
    "template": "{{ request.user.password }}{% debug %}",
    "lone surrogate": "\udcff@example.org".encode("utf-8", "surrogatepass").decode(
        "utf-8", "replace"
    ),
    "json": '{"id": [1, {}], "rawId": null, "response": {"userHandle": "%%%"}}',
    "nested": "[" * 5_000,
    "combining": "a" + "\u0301" * 500,
    "not digits": "١٢٣٤٥٦",
    "empty": "",
}
ANONYMOUS = {
    "/accounts/signup/": ("email", "password1", "accept", "next"),
    "/accounts/login/": ("login", "password", "remember", "next"),
    "/accounts/password/reset/": ("email", "next"),
    "/accounts/2fa/webauthn/login/": ("credential", "next"),
}
SIGNED_IN = {
    "/accounts/email/": ("email", "action_add"),
    "/accounts/password/change/": ("oldpassword", "password1", "password2"),
    "/accounts/reauthenticate/": ("password", "next"),
    "/accounts/2fa/reauthenticate/": ("code", "next"),
    "/accounts/2fa/webauthn/reauthenticate/": ("credential", "next"),
    "/accounts/2fa/totp/activate/": ("code",),
    "/accounts/2fa/webauthn/add/": ("name", "credential", "passwordless"),
    "/accounts/logout/": ("next",),
    "/account/settings": ("time_zone", "number_format", "theme", "language"),
    "/account/data/delete": ("anything",),
    "/account/data/keep": ("anything",),
}
GOOD = {
    "email": "someone@example.org",
    "login": "alice@example.org",
    "password": PASSWORD,
    "oldpassword": PASSWORD,
    "password1": "another sentence, no less good",
    "password2": "another sentence, no less good",
    "accept": "on",
    "name": "Key",
    "code": "000000",
    "credential": "{}",
    "action_add": "1",
    "time_zone": "UTC",
    "number_format": "point",
    "theme": "dark",
    "language": "en",
}


def _cases(pages: dict[str, tuple[str, ...]]) -> list[Any]:
    return [
        pytest.param(path, field, bad, id=f"{path} {field}: {name}")
        for path, fields in pages.items()
        for field in fields
        for name, bad in CORPUS.items()
    ]


def sane(answer: Any, bad: str) -> None:
    """Assert a plain answer: no crash, no redirect to elsewhere, nothing unescaped."""
    assert answer.status_code in {200, 302, 400, 404, 405, 429}, answer.status_code
    if answer.status_code == 302:
        assert answer.url.startswith("/") and not answer.url.startswith("//")
    else:
        assert b"<script>alert(1)" not in answer.content
        assert PASSWORD.encode() not in answer.content


def _fields(path: str, pages: dict[str, tuple[str, ...]], field: str, bad: str) -> dict[str, str]:
    return {**{name: GOOD[name] for name in pages[path] if name in GOOD}, field: bad}


@pytest.mark.parametrize(("path", "field", "bad"), _cases(ANONYMOUS))
def test_pages_for_anybody(anybody: Client, path: str, field: str, bad: str) -> None:
    alice()
    anybody.get(path)
    sane(anybody.post(path, _fields(path, ANONYMOUS, field, bad)), bad)
    assert User.objects.count() <= 2
    for user in User.objects.all():
        assert user.email.isprintable() and len(user.email) <= 254


@pytest.mark.parametrize(("path", "field", "bad"), _cases(SIGNED_IN))
def test_pages_of_an_account(path: str, field: str, bad: str) -> None:
    user = alice()
    if "2fa/reauthenticate" in path:
        add_totp(user)
    client = signed_in(user)
    confirm_again(client, user)
    client.get(path)
    sane(client.post(path, _fields(path, SIGNED_IN, field, bad)), bad)


@pytest.mark.parametrize("bad", CORPUS.values(), ids=CORPUS)
def test_steps_of_a_sign_in(bad: str) -> None:
    user = alice()
    add_totp(user)
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    for field in ("code", "credential"):
        sane(client.post("/accounts/2fa/authenticate/", {field: bad}), bad)
        assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("bad", CORPUS.values(), ids=CORPUS)
def test_the_code_of_a_sign_up(bad: str) -> None:
    client = Client()
    client.post("/accounts/signup/", {**GOOD, "email": "new@example.org"})
    for field in ("code", "action", "email", "next"):
        fields = {"code": "AAAA-AAAA", field: bad}
        sane(client.post("/accounts/confirm-email/", fields), bad)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("bad", CORPUS.values(), ids=CORPUS)
def test_a_reset_link_and_its_form(bad: str) -> None:
    user = alice()
    client = Client()
    client.post("/accounts/password/reset/", {"email": user.email})
    page = client.get(newest_link(user.email))
    for field in ("password1", "password2"):
        sane(client.post(page.url, {**GOOD, field: bad}), bad)
        cache.clear()
    sane(client.get("/accounts/password/reset/key/" + (bad[:200] or "x") + "-x/"), bad)


@pytest.mark.parametrize("bad", CORPUS.values(), ids=CORPUS)
def test_the_name_of_a_key(bad: str) -> None:
    user = alice()
    row = Authenticator.objects.create(
        user=user, type="webauthn", data={"name": "Key", "credential": {}}
    )
    client = signed_in(user)
    confirm_again(client, user)
    sane(client.post(f"/accounts/2fa/webauthn/keys/{row.pk}/edit/", {"name": bad}), bad)
    row.refresh_from_db()
    assert len(row.data["name"]) <= 60 and row.data["name"].isprintable()


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", "/\0"],
)
def test_no_sign_in_leads_elsewhere(elsewhere: str) -> None:
    alice()
    fields = {"login": "alice@example.org", "password": PASSWORD, "next": elsewhere}
    answer = Client().post("/accounts/login/", fields)
    assert answer.status_code == 302 and answer.url == "/ai-trading/dashboard"


def test_a_refusal_says_why_beside_its_field() -> None:
    fields = {"email": CORPUS["bidi"], "password1": PASSWORD, "accept": "on"}
    text = Client().post("/accounts/signup/", fields).content.decode()
    assert 'id="id_email_error"' in text and 'aria-invalid="true"' in text
    assert 'aria-describedby="id_email_error"' in text
