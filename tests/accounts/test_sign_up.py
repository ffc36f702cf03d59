"""From nobody to a signed-in person, and what a stranger learns on the way: nothing."""

import time
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import api
from accounts.models import Consent, User
from tests.accounts.post import newest_code, newest_link, newest_mail
from tests.support.people import PASSWORD, alice, person

SIGN_UP = "/accounts/signup/"
SIGN_IN = "/accounts/login/"
CODE = "/accounts/confirm-email/"


def sign_up(client: Client, email: str = "alice@example.org", **more: Any) -> Any:
    return client.post(SIGN_UP, {"email": email, "password1": PASSWORD, "accept": "on", **more})


def test_a_stranger_signs_up_confirms_the_address_and_lands_on_the_dashboard(
    anybody: Client,
) -> None:
    answer = sign_up(anybody)
    assert answer.status_code == 302 and answer.url == CODE
    assert "_auth_user_id" not in anybody.session
    assert User.objects.get().verified_at is None

    answer = anybody.post(CODE, {"code": newest_code("alice@example.org")})

    assert answer.url == "/ai-trading/dashboard"
    user = User.objects.get()
    assert anybody.session["_auth_user_id"] == str(user.pk)
    assert user.verified_at is not None
    kinds = {consent.kind: consent.version for consent in api.consents_of(user.pk)}
    assert kinds == {"risk": settings.RISK_NOTICE_VERSION, "terms": settings.TERMS_VERSION}
    done = [row.action for row in reversed(api.audit_of(user.pk))]
    assert done[-2:] == ["address_verified", "signed_in"] and "signed_up" in done
    assert api.verify_audit() == ""


def test_an_account_begins_in_the_language_of_the_browser(anybody: Client, settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    anybody.post(
        SIGN_UP,
        {"email": "alice@example.org", "password1": PASSWORD, "accept": "on"},
        headers={"Accept-Language": "de-CH,en;q=0.5"},
    )
    assert User.objects.get().language == "de"
    sign_up(Client(), "charlie@example.org")
    assert User.objects.get(email="charlie@example.org").language == "en"


def test_the_first_confirmation_counts_and_no_later_one(anybody: Client) -> None:
    then = timezone.now().replace(year=2025)
    user = person("alice", verified=False, verified_at=then)
    anybody.post(SIGN_IN, {"login": user.email, "password": PASSWORD})
    anybody.post(CODE, {"code": newest_code(user.email)})
    user.refresh_from_db()
    assert user.verified_at == then


def test_an_unverified_person_gets_a_code_instead_of_a_session(anybody: Client) -> None:
    person("alice", verified=False)
    answer = anybody.post(SIGN_IN, {"login": "alice@example.org", "password": PASSWORD})
    assert answer.url == CODE
    assert "_auth_user_id" not in anybody.session
    assert anybody.get("/account/security").status_code == 302
    assert newest_code("alice@example.org")


def test_a_wrong_code_is_refused_three_times_and_then_it_is_void(anybody: Client) -> None:
    sign_up(anybody)
    right = newest_code("alice@example.org")
    for _attempt in range(2):
        answer = anybody.post(CODE, {"code": "BBBB-BBBB"})
        assert answer.status_code == 200 and b"does not fit" in answer.content
    assert anybody.post(CODE, {"code": "BBBB-BBBB"}).url == SIGN_IN
    anybody.post(CODE, {"code": right})
    assert "_auth_user_id" not in anybody.session
    assert User.objects.get().verified_at is None


def test_without_the_risk_notice_nothing_is_stored(anybody: Client) -> None:
    answer = anybody.post(SIGN_UP, {"email": "alice@example.org", "password1": PASSWORD})
    assert answer.status_code == 200 and b"tick the box" in answer.content
    assert not User.objects.exists()


def _seen(client: Client, answer: Any) -> tuple[int, str, str]:
    page = client.get(answer.url) if answer.status_code == 302 else answer
    text = page.content.decode().replace(str(page.context["csrf_token"]), "")
    return answer.status_code, getattr(answer, "url", ""), text


def test_sign_up_answers_alike_for_a_known_and_an_unknown_address() -> None:
    alice()
    known, unknown = Client(), Client()
    told_known = _seen(known, sign_up(known, "alice@example.org"))
    told_unknown = _seen(unknown, sign_up(unknown, "someone@example.org"))
    assert told_known[:2] == told_unknown[:2]
    assert told_known[2].replace("alice@", "someone@") == told_unknown[2]
    # The difference is told to the owner of the mailbox alone.
    assert newest_link("alice@example.org") == "/accounts/password/reset/"
    assert "There is one already" in newest_mail("alice@example.org").body
    assert newest_code("someone@example.org")
    # A wrong code is answered alike as well.
    wrong_known = _seen(known, known.post(CODE, {"code": "BBBB-BBBB"}))
    wrong_unknown = _seen(unknown, unknown.post(CODE, {"code": "BBBB-BBBB"}))
    assert wrong_known[2].replace("alice@", "someone@") == wrong_unknown[2]


def test_sign_up_hashes_a_password_for_a_known_address_too(
    anybody: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice()
    hashed: list[str] = []
    monkeypatch.setattr("accounts.forms.make_password", hashed.append)
    sign_up(anybody)
    assert hashed == [PASSWORD]


@pytest.mark.parametrize("path", [SIGN_IN, "/accounts/password/reset/"])
def test_sign_in_and_reset_answer_alike(path: str) -> None:
    alice()
    told = []
    for name in ("alice", "someone"):
        client = Client()
        email = f"{name}@example.org"
        fields = {"login": email, "password": "wrong, wrong, wrong", "email": email}
        told.append(_seen(client, client.post(path, fields)))
    assert told[0][:2] == told[1][:2]
    assert told[0][2].replace("alice@", "someone@") == told[1][2]


def test_ten_sign_ups_an_hour_from_one_address_and_no_more() -> None:
    for number in range(10):
        assert sign_up(Client(), f"person{number}@example.org").status_code == 302
    answer = sign_up(Client(), "eleventh@example.org")
    assert answer.status_code == 429 and answer["Retry-After"] == "3600"
    assert "Too many attempts" in answer.content.decode()
    assert User.objects.count() == 10


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 12"),
        ("passwordpassword", "word of this site"),
        ("CryptoSystems2026", "word of this site"),
        ("binance-binance", "word of this site"),
        ("alice@example.org1", "word of this site"),
        ("1q2w3e4r5t6y", "too common"),
        ("x" * 129, "at most 128"),
    ],
)
def test_weak_passwords_are_refused(anybody: Client, password: str, why: str) -> None:
    answer = sign_up(anybody, password1=password)
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", ["pässwörd ünd mehr", "   spaces at both ends   ", "🙂" * 12, "a" + "b2#" * 42]
)
def test_any_characters_are_welcome(anybody: Client, password: str) -> None:
    assert sign_up(anybody, password1=password).status_code == 302
    assert User.objects.get().check_password(password)


def test_a_consent_is_stored_once_a_version() -> None:
    user = alice()
    for version in ("1", "1", "2"):
        api.record_consent(user.pk, Consent.Kind.TERMS, version)
    assert [consent.version for consent in api.consents_of(user.pk)] == ["2", "1"]


@pytest.mark.parametrize("path", [SIGN_IN, SIGN_UP])
def test_a_known_address_costs_as_much_work_as_an_unknown_one(path: str, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    alice()

    def work(email: str) -> float:
        cache.clear()
        fields = {"login": email, "password": "wrong, wrong, wrong", "email": email}
        started = time.process_time()
        Client().post(path, {**fields, "password1": PASSWORD, "accept": "on"})
        return time.process_time() - started

    known = [work("alice@example.org") for _ in range(7)]
    unknown = [work(f"someone{number}@example.org") for number in range(7)]
    assert 0.8 <= median(known) / median(unknown) <= 1.25


def test_the_form_leads_to_both_documents_and_says_the_same_in_short(anybody: Client) -> None:
    form = anybody.get(SIGN_UP).content.decode()
    for path in ("/risk", "/terms"):
        before_the_box = form.partition('name="accept"')[0]
        assert f'<a href="{path}">' in before_the_box
        whole = anybody.get(path).content.decode()
        short = whole.partition("data-short>")[2].partition("</p>")[0].strip()
        assert len(short) > 100
        assert short in form


def test_the_activity_says_which_document_and_version_was_agreed_to(anybody: Client) -> None:
    sign_up(anybody)
    user = User.objects.get()
    titles = [row.title for row in api.audit_of(user.pk)]
    assert "Agreed to the risk notice, version " + settings.RISK_NOTICE_VERSION in titles
    assert "Agreed to the terms of use, version " + settings.TERMS_VERSION in titles
