"""The second step: an app's codes, recovery codes, and what is kept of them."""

import time

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from accounts import api
from accounts.models import User
from cryptosystems.platform.encryption import SealBroken
from tests.accounts.post import newest_link, newest_mail
from tests.support.people import (
    PASSWORD,
    add_totp,
    alice,
    charlie,
    confirm_again,
    signed_in,
    totp_code,
)

SECOND = "/accounts/2fa/authenticate/"


def first_step(user: User) -> Client:
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.url == SECOND
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def actions(user: User) -> list[str]:
    return [row.action for row in api.audit_of(user.pk)]


def test_an_app_is_added_by_its_first_code_and_brings_recovery_codes() -> None:
    user = alice()
    client = signed_in(user)
    activate = "/accounts/2fa/totp/activate/"
    assert client.get(activate).url.startswith("/accounts/reauthenticate/")
    confirm_again(client, user)
    secret = client.get(activate).context["form"].secret
    assert b"does not fit" in client.post(activate, {"code": "000000"}).content
    assert not api.has_second_factor(user.pk)
    answer = client.post(activate, {"code": totp_code(secret)})
    assert answer.url == "/accounts/2fa/recovery-codes/"
    assert api.has_second_factor(user.pk)
    assert api.factors_of(user.pk).recovery_codes_left == 10
    codes = client.get(answer.url).context["unused_codes"]
    assert len(codes) == 10 and codes[0] in client.get(answer.url).content.decode()


def test_a_code_signs_in_once_and_its_replay_is_refused() -> None:
    user = alice()
    secret = add_totp(user)
    code = totp_code(secret)
    client = first_step(user)
    assert not is_in(client)
    before = client.session.session_key
    assert client.post(SECOND, {"code": code}).url == "/ai-trading/dashboard"
    assert is_in(client) and client.session.session_key != before
    other = first_step(user)
    assert b"does not fit or was used" in other.post(SECOND, {"code": code}).content
    assert not is_in(other)
    assert "second_step_failed" in actions(user)


def test_a_code_of_a_minute_ago_is_too_old() -> None:
    user = alice()
    secret = add_totp(user)
    client = first_step(user)
    client.post(SECOND, {"code": totp_code(secret, at=time.time() - 60)})
    assert not is_in(client)


def test_guessing_codes_is_slowed_down() -> None:
    user = alice()
    add_totp(user)
    client = first_step(user)
    for _attempt in range(5):
        client.post(SECOND, {"code": "000000"})
    assert b"Too many attempts" in client.post(SECOND, {"code": "000000"}).content


def test_a_recovery_code_signs_in_once() -> None:
    user = alice()
    add_totp(user)
    client = signed_in(user)
    confirm_again(client, user)
    client.post("/accounts/2fa/recovery-codes/generate/")
    code = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"][0]
    first = first_step(user)
    first.post(SECOND, {"code": code})
    assert is_in(first)
    second = first_step(user)
    second.post(SECOND, {"code": code})
    assert not is_in(second)
    assert api.factors_of(user.pk).recovery_codes_left == 9


@pytest.mark.django_db(transaction=True)
def test_new_recovery_codes_void_the_old_ones_and_start_a_day_of_rest() -> None:
    user = alice()
    add_totp(user)
    client = signed_in(user)
    confirm_again(client, user)
    make, show = "/accounts/2fa/recovery-codes/generate/", "/accounts/2fa/recovery-codes/"
    client.post(make)
    old = client.get(show).context["unused_codes"][0]
    user.refresh_from_db()
    client.post(make)
    assert old not in client.get(show).context["unused_codes"]
    user.refresh_from_db()
    assert user.security_changed_at is not None
    assert "recovery_codes_renewed" in actions(user)


def test_removing_the_app_needs_a_proof_is_told_and_starts_a_day_of_rest() -> None:
    user = alice()
    add_totp(user)
    client = signed_in(user)
    remove = "/accounts/2fa/totp/deactivate/"
    assert client.post(remove).url.startswith("/accounts/2fa/reauthenticate/")
    assert api.has_second_factor(user.pk)
    confirm_again(client, user)
    assert client.post(remove).status_code == 302
    assert not api.has_second_factor(user.pk)
    user.refresh_from_db()
    assert user.security_changed_at is not None
    assert "factor_removed" in actions(user)
    assert newest_mail(user.email).subject == "The authenticator app was removed"


def test_a_reset_of_the_password_does_not_skip_the_second_step() -> None:
    user = alice()
    add_totp(user)
    client = Client()
    client.post("/accounts/password/reset/", {"email": user.email})
    page = client.get(newest_link(user.email))
    client.post(page.url, {"password1": PASSWORD + "!", "password2": PASSWORD + "!"})
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD + "!"})
    assert answer.url == SECOND
    assert not is_in(client)


def test_who_has_a_second_step_proves_it_and_not_the_password_again() -> None:
    user = alice()
    secret = add_totp(user)
    client = signed_in(user)
    by_password = "/accounts/reauthenticate/?next=/account/data/export"
    page = client.post(by_password, {"password": PASSWORD})
    assert page.url == "/accounts/2fa/reauthenticate/?next=%2Faccount%2Fdata%2Fexport"
    assert client.get("/account/data/export").status_code == 302
    answer = client.post(page.url, {"code": totp_code(secret)})
    assert answer.url == "/account/data/export"
    assert client.get("/account/data/export").status_code == 200


def test_secrets_are_sealed_in_the_database() -> None:
    user = alice()
    secret = add_totp(user)
    client = signed_in(user)
    confirm_again(client, user)
    client.post("/accounts/2fa/recovery-codes/generate/")
    stored = {row.type: row.data for row in Authenticator.objects.filter(user=user)}
    assert secret not in str(stored)
    assert stored["totp"]["secret"].startswith("v1:test:")
    assert stored["recovery_codes"]["seed"].startswith("v1:test:")


def test_without_its_key_a_secret_opens_nothing(settings: object) -> None:
    user = alice()
    secret = add_totp(user)
    client = first_step(user)
    settings.KEY_ENCRYPTION_KEYS = (("other", b"o" * 32),)  # type: ignore[attr-defined]
    with pytest.raises(SealBroken):
        client.post(SECOND, {"code": totp_code(secret)})
    assert not is_in(client)


def test_nobody_sees_or_removes_anothers_key() -> None:
    owner, other = alice(), charlie()
    row = Authenticator.objects.create(
        user=owner, type="webauthn", data={"name": "Alice's key", "credential": {}}
    )
    client = signed_in(other)
    confirm_again(client, other)
    for act in ("edit", "remove"):
        for method in (client.get, client.post):
            assert method(f"/accounts/2fa/webauthn/keys/{row.pk}/{act}/").status_code == 404
    assert "Alice's key" not in client.get("/account/security").content.decode()
    cache.clear()
