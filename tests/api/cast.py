"""Alice in her trial, Charlie beside her, and how each of them asks the API."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts import api as accounts
from accounts.models import User
from billing.models import Trial

PASSWORD = "a sentence that works well"
READS = ("signals:read", "account:read")


def person(name: str, *, trial_days: float | None = 7, **fields: Any) -> User:
    """Make a confirmed user whose trial has so many days left; None: there was none."""
    now = timezone.now()
    user = User.objects.create_user(f"{name}@example.org", PASSWORD, verified_at=now, **fields)
    if trial_days is not None:
        ends_at = now + timedelta(days=trial_days)
        Trial.objects.add_for(user.pk, started_at=ends_at - timedelta(days=7), ends_at=ends_at)
    return user


def end_trial(user: User) -> None:
    """Let the trial be over since a second."""
    past = timezone.now() - timedelta(seconds=1)
    Trial.objects.for_user(user.pk).update(ends_at=past)


def token_of(user: User, *scopes: str, **more: Any) -> str:
    """Make a token and return its text."""
    return accounts.create_token(user.pk, name="A script", scopes=scopes or READS, **more)[1]


def with_token(text: str, **options: Any) -> Client:
    """Return a client that shows a token, and has no cookies."""
    return Client(headers={"Authorization": f"Bearer {text}"}, **options)


def signed_in(user: User, **options: Any) -> Client:
    """Return a browser in which somebody is signed in."""
    client = Client(**options)
    client.force_login(user)
    return client
