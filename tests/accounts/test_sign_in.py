"""Signing in and out, passwords, the address, and proving again who one is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import api
from accounts.models import Device, User
from tests.accounts.post import newest_code, newest_link, newest_mail
from tests.support.people import PASSWORD, alice, charlie, confirm_again, signed_in

SIGN_IN = "/accounts/login/"
RESET = "/accounts/password/reset/"
OTHER = "another sentence, no less good"


def sign_in(client: Client, email: str = "alice@example.org", password: str = PASSWORD) -> int:
    return client.post(SIGN_IN, {"login": email, "password": password}).status_code


def actions(user: User) -> list[str]:
    return [row.action for row in api.audit_of(user.pk)]


def is_in(client: Client) -> bool:
    return client.get("/account/security").status_code == 200


def test_a_sign_in_gets_a_new_session_id_and_is_noted(anybody: Client) -> None:
    user = alice()
    anybody.get(SIGN_IN)
    session = anybody.session
    session["before"] = True
    session.save()
    old = session.session_key
    anybody.cookies["sessionid"] = old
    assert sign_in(anybody) == 302
    assert anybody.session.session_key != old
    assert is_in(anybody)
    stale = Client()
    stale.cookies["sessionid"] = old
    assert not is_in(stale)
    assert actions(user) == ["signed_in"]
    device = Device.objects.for_user(user.pk).get()
    assert device.label == "Unknown browser" and "127.0.0" not in device.hint


def test_a_wrong_password_is_noted_for_its_owner_and_nobody_else(anybody: Client) -> None:
    user, other = alice(), charlie()
    assert sign_in(anybody, password="wrong, wrong, wrong") == 200
    assert actions(user) == ["sign_in_failed"]
    assert actions(other) == []


def test_five_wrong_passwords_slow_an_account_down_but_do_not_lock_it(anybody: Client) -> None:
    user = alice()
    for _attempt in range(5):
        sign_in(anybody, password="wrong, wrong, wrong")
    answer = anybody.post(SIGN_IN, {"login": user.email, "password": PASSWORD})
    assert "Too many attempts" in answer.content.decode()
    cache.clear()  # five minutes later
    assert sign_in(anybody) == 302


def test_ten_sign_ins_a_minute_from_one_address_and_no_more() -> None:
    codes = [sign_in(Client(), f"someone{n}@example.org") for n in range(12)]
    assert codes == [200] * 10 + [429] * 2
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert sign_in(elsewhere, "someone@example.org") == 200


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_let_ten_through() -> None:
    def attempt(number: int) -> int:
        return sign_in(Client(), f"someone{number}@example.org")

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(attempt, range(50)))
    assert codes.count(200) <= 10
    assert set(codes) == {200, 429}


def test_signing_out_ends_the_session_and_clears_the_cache_of_pages() -> None:
    user = alice()
    client = signed_in(user)
    key = client.session.session_key
    answer = client.post("/accounts/logout/")
    assert answer["Clear-Site-Data"] == '"cache"'
    stale = Client()
    stale.cookies["sessionid"] = key
    assert not is_in(stale)
    assert actions(user) == ["signed_out"]
    assert api.sessions_of(user.pk) == []


def test_a_get_signs_nobody_out() -> None:
    client = signed_in(alice())
    assert client.get("/accounts/logout/").status_code == 200
    assert is_in(client)


def test_a_changed_password_signs_other_browsers_out_and_tells_the_owner() -> None:
    user = alice()
    here, there = signed_in(user), signed_in(user)
    fields = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    assert here.post("/accounts/password/change/", fields).status_code == 302
    assert is_in(here) and not is_in(there)
    user.refresh_from_db()
    assert user.check_password(OTHER) and user.security_changed_at is None
    assert "password_changed" in actions(user)
    mail = newest_mail(user.email)
    assert mail.subject == "Your password was changed"
    assert [view.is_current for view in api.sessions_of(user.pk, here.session.session_key)] == [
        True
    ]


def test_the_current_password_is_needed_for_a_new_one() -> None:
    user = alice()
    fields = {"oldpassword": "wrong, wrong, wrong", "password1": OTHER, "password2": OTHER}
    answer = signed_in(user).post("/accounts/password/change/", fields)
    assert "not your current password" in answer.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_reset_by_mail_ends_every_session_and_starts_a_day_of_rest(anybody: Client) -> None:
    user = alice()
    there = signed_in(user)
    assert anybody.post(RESET, {"email": user.email}).status_code == 302
    link = newest_link(user.email)
    page = anybody.get(link)
    assert page.status_code == 302  # the secret leaves the address bar at once
    answer = anybody.post(page.url, {"password1": OTHER, "password2": OTHER})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.check_password(OTHER)
    assert timezone.now() - user.security_changed_at < timedelta(minutes=1)
    assert not UserSession.objects.exists()
    assert not is_in(there)
    assert "password_reset" in actions(user)
    assert newest_mail(user.email).subject == "Your password was reset"
    # The link is used up.
    assert b"does not open any more" in anybody.get(link, follow=True).content


def test_a_reset_link_dies_after_an_hour(anybody: Client, settings: object) -> None:
    user = alice()
    anybody.post(RESET, {"email": user.email})
    settings.PASSWORD_RESET_TIMEOUT = -1  # type: ignore[attr-defined]
    assert b"does not open any more" in anybody.get(newest_link(user.email)).content


def test_five_resets_an_hour() -> None:
    for _attempt in range(5):
        assert Client().post(RESET, {"email": "alice@example.org"}).status_code == 302
    assert Client().post(RESET, {"email": "alice@example.org"}).status_code == 429


def test_a_new_address_counts_once_confirmed_and_the_old_one_is_told() -> None:
    user = alice()
    client = signed_in(user)
    asks = client.post("/accounts/email/", {"email": "new@example.org", "action_add": "1"})
    assert asks.url.startswith("/accounts/reauthenticate/")
    confirm_again(client, user)
    client.post("/accounts/email/", {"email": "new@example.org", "action_add": "1"})
    user.refresh_from_db()
    assert user.email == "alice@example.org"
    client.post("/accounts/confirm-email/", {"code": newest_code("new@example.org")})
    user.refresh_from_db()
    assert user.email == "new@example.org"
    assert (
        "changed from alice@example.org to new@example.org" in newest_mail("alice@example.org").body
    )
    done = actions(user)
    assert "email_change_asked" in done and "email_changed" in done


def test_changing_to_a_taken_address_looks_the_same() -> None:
    user = alice()
    charlie()
    pages = []
    for address in ("charlie@example.org", "nobody@example.org"):
        cache.clear()
        client = signed_in(user)
        confirm_again(client, user)
        answer = client.post("/accounts/email/", {"email": address, "action_add": "1"})
        page = client.get("/accounts/confirm-email/")
        wrong = client.post("/accounts/confirm-email/", {"code": "BBBB-BBBB"})
        told = (answer.status_code, answer.url, page.status_code, wrong.status_code)
        pages.append((told, _plain(page, address), _plain(wrong, address)))
    assert pages[0] == pages[1]


def _plain(page: object, address: str) -> str:
    text = page.content.decode()  # type: ignore[attr-defined]
    token = str(page.context["csrf_token"])  # type: ignore[attr-defined]
    return text.replace(token, "").replace(address, "")


def test_the_password_again_holds_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    user = alice()
    client = signed_in(user)
    asks = client.get("/account/data/export")
    assert asks.url.startswith("/accounts/reauthenticate/")
    answer = client.post(asks.url, {"password": PASSWORD})
    assert answer.url == "/account/data/export"
    assert client.get("/account/data/export").status_code == 200
    assert "confirmed_again" in actions(user)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 301
    session.save()
    assert client.get("/account/data/export").status_code == 302


def test_a_hash_of_an_older_kind_is_renewed_at_sign_in(anybody: Client, settings: object) -> None:
    user = alice()
    assert user.password.startswith("md5$")
    settings.PASSWORD_HASHERS = [  # type: ignore[attr-defined]
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    assert sign_in(anybody) == 302
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")


def test_private_pages_are_not_kept() -> None:
    client = signed_in(alice())
    for path in ("/account/security", "/account/settings", "/account/data", "/accounts/email/"):
        assert client.get(path)["Cache-Control"] == "no-store, private", path


@pytest.mark.parametrize(("remember", "lasting"), [("on", True), ("", False)])
def test_staying_signed_in_is_asked_for(anybody: Client, remember: str, lasting: bool) -> None:
    user = alice()
    fields = {"login": user.email, "password": PASSWORD}
    anybody.post(SIGN_IN, fields | ({"remember": remember} if remember else {}))
    cookie = anybody.cookies["sessionid"]
    assert bool(cookie["max-age"]) is lasting
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


def test_mails_are_plain_words_with_an_escaped_html_part(anybody: Client) -> None:
    user = alice()
    client = signed_in(user, headers={"User-Agent": "<b>Evil</b>\thttps://evil.example"})
    fields = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    client.post("/accounts/password/change/", fields)
    mail = newest_mail(user.email)
    page = str(mail.alternatives[0][0])
    assert "<b>Evil" not in page and "&lt;b&gt;Evil" in page
    assert 'href="https://evil' not in page
    assert "!" not in mail.subject + str(mail.body)
