"""From nobody to a signed-in person, and what a stranger learns on the way: nothing."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts import api
from accounts.models import Consent, User
from tests.support.people import PASSWORD

SIGN_UP = "/accounts/signup/"
SIGN_IN = "/accounts/login/"
CODE = "/accounts/confirm-email/"


@pytest.fixture
def anybody() -> Client:
    return Client()


def newest_code(address: str) -> str:
    """Return the code of the newest mail to an address."""
    text = next(m.body for m in reversed(mail.outbox) if m.to == [address])
    return re.search(r"^[A-Z]{4}-[A-Z]{4}$", text, re.M).group()  # type: ignore[union-attr]


def sign_up(client: Client, email: str = "alice@example.org", **more: Any) -> Any:
    return client.post(SIGN_UP, {"email": email, "password1": PASSWORD, "accept": "on", **more})


def test_a_stranger_signs_up_confirms_the_address_and_lands_on_the_dashboard(
    anybody: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
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
    assert set(kinds) == set(Consent.Kind.values)
    done = [row.action for row in reversed(api.audit_of(user.pk))]
    assert done[-2:] == ["address_verified", "signed_in"] and "signed_up" in done
    assert api.verify_audit() == ""
