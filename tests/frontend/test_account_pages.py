"""Getting started and personal tokens, as their owner meets them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from billing.models import Trial
from tests.support.people import PASSWORD, alice, charlie, confirm_again, signed_in

pytestmark = pytest.mark.django_db

TOKENS = "/account/api-tokens"
FORM = {"name": "notebook", "scopes": ["signals:read"], "lifetime": "30"}


@pytest.fixture(autouse=True)
def alone(settings: Any, tmp_path: Any) -> None:
    """No engine."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


@pytest.fixture
def owner() -> User:
    """Alice, who has five days of trial left."""
    user = alice()
    end = timezone.now() + timedelta(days=5)
    Trial.objects.add_for(user.pk, started_at=end - timedelta(days=7), ends_at=end)
    return user


@pytest.fixture
def browser(owner: User) -> Client:
    """Her browser, in which she has just proved who she is."""
    client = signed_in(owner)
    confirm_again(client, owner)
    return client


def test_after_the_trial_nothing_was_charged_and_tokens_are_locked(
    browser: Client, owner: User
) -> None:
    Trial.objects.for_user(owner.pk).update(ends_at=timezone.now())
    html = browser.get("/account/").content.decode()
    assert "data-ended" in html and "nothing was charged" in html
    assert 'class="locked"' in html
    html = browser.get(TOKENS).content.decode()
    assert 'aria-disabled="true"' in html and "data-lock" in html
    assert "Your trial ended on" in html
    assert 'href="/ai-trading/plans-pricing"' in html
    answer = browser.post(TOKENS, FORM)
    assert answer.status_code == 403
    assert not ApiToken.objects.for_user(owner.pk).exists()


def test_a_token_is_shown_once_in_the_answer_that_made_it(browser: Client, owner: User) -> None:
    answer = browser.post(TOKENS, FORM)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    html = answer.content.decode()
    found = re.search(r'<code class="secret"[^>]*>([^<]+)</code>', html)
    assert found is not None
    secret = found[1]
    assert f"Authorization: Bearer {secret}" in html.replace("&quot;", '"')
    row = ApiToken.objects.for_user(owner.pk).get()
    assert row.name == "notebook" and row.scopes == ["signals:read"]
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    again = browser.get(TOKENS).content.decode()
    assert secret not in again and row.prefix in again
    assert secret not in str(dict(browser.session))


def test_a_token_made_here_opens_the_api_until_it_is_revoked(browser: Client, owner: User) -> None:
    html = browser.post(TOKENS, {**FORM, "scopes": ["account:read"]}).content.decode()
    found = re.search(r'<code class="secret"[^>]*>([^<]+)</code>', html)
    assert found is not None
    program = Client(headers={"Authorization": f"Bearer {found[1]}"})
    assert program.get("/api/v1/account").status_code == 200
    row = ApiToken.objects.for_user(owner.pk).get()
    answer = browser.post(f"{TOKENS}/{row.pk}/revoke", follow=True)
    assert "The token is revoked" in answer.content.decode()
    assert program.get("/api/v1/account").status_code == 401


def test_it_asks_for_a_new_proof_first(owner: User) -> None:
    browser = signed_in(owner)
    assert browser.get(TOKENS).status_code == 200
    answer = browser.post(TOKENS, FORM)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.for_user(owner.pk).exists()


def test_after_the_new_proof_the_form_goes_on_without_being_filled_again(owner: User) -> None:
    browser = signed_in(owner)
    asked = browser.post(TOKENS, FORM)["Location"]
    answer = browser.post(asked, {"password": PASSWORD, "next": TOKENS})
    assert answer.status_code == 200
    assert "data-new-token" in answer.content.decode()
    assert ApiToken.objects.for_user(owner.pk).count() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "Give the token a name"),
        ({"name": "x" * 61}, "Give the token a name"),
        ({"scopes": []}, "Choose at least one"),
        ({"scopes": ["withdraw"]}, "There is no such permission"),
        ({"lifetime": "36500"}, "Choose one of the lifetimes"),
    ],
)
def test_what_does_not_fit_is_said_and_the_rest_is_kept(
    browser: Client, owner: User, wrong: dict[str, Any], words: str
) -> None:
    answer = browser.post(TOKENS, {**FORM, **wrong})
    html = answer.content.decode()
    assert answer.status_code == 400
    assert words in html and 'role="alert"' in html
    if "name" not in wrong:
        assert 'value="notebook"' in html
    assert not ApiToken.objects.for_user(owner.pk).exists()


def test_another_persons_token_is_not_there(browser: Client, owner: User) -> None:
    browser.post(TOKENS, {**FORM, "name": "alicename"})
    row = ApiToken.objects.for_user(owner.pk).get()
    stranger = signed_in(charlie())
    assert stranger.post(f"{TOKENS}/{row.pk}/revoke").status_code == 404
    assert "alicename" not in stranger.get(TOKENS).content.decode()
    row.refresh_from_db()
    assert row.revoked_at is None


def test_links_on_account_pages_lead_somewhere(browser: Client) -> None:
    seen: dict[str, int] = {}
    for address in ("/account/", "/account/billing", TOKENS, "/ai-trading/plans-pricing"):
        html = browser.get(address).content.decode()
        for target in set(re.findall(r'<a [^>]*href="(/[^"#]*)', html)) - seen.keys():
            seen[target] = browser.get(target).status_code
    assert len(seen) > 10
    assert {target: status for target, status in seen.items() if status != 200} == {}


@pytest.mark.parametrize(
    "path", ["/accounts/2fa/totp/activate/", "/accounts/password/change/", "/accounts/email/"]
)
def test_pages_of_security_are_marked_in_the_navigation(path: str) -> None:
    user = alice()
    browser = signed_in(user)
    confirm_again(browser, user)
    answer = browser.get(path)
    assert answer.status_code == 200
    navigation = answer.content.decode().partition('class="acct-nav"')[2]
    link = navigation.partition('href="/account/security"')[2].partition(">")[0]
    assert 'aria-current="page"' in link
