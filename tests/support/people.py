"""People for tests: verified users, signed-in browsers, codes as an authenticator app makes them."""

import time
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from accounts.models import User

PASSWORD = "a sentence that works well"


def person(name: str, *, verified: bool = True, **fields: Any) -> User:
    """Make a user `name@example.org` with PASSWORD, whose address is confirmed unless said."""
    email = fields.pop("email", f"{name}@example.org")
    if verified:
        fields.setdefault("verified_at", timezone.now())
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
    return user


def alice(**fields: Any) -> User:
    """Make the owner."""
    return person("alice", **fields)


def charlie(**fields: Any) -> User:
    """Make the one who must see nothing of Alice's."""
    return person("charlie", **fields)


def staff(**fields: Any) -> User:
    """Make a member of staff."""
    return person("staff", is_staff=True, **fields)


def signed_in(user: User, **options: Any) -> Client:
    """Return a browser in which this user is signed in."""
    client = Client(**options)
    client.force_login(user)
    UserSession.objects.create(
        user=user, session_key=client.session.session_key, ip="127.0.0.1", user_agent=""
    )
    return client


def confirm_again(client: Client, user: User) -> None:
    """Let a signed-in browser count as having just proved its owner (the password again)."""
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def add_totp(user: User) -> str:
    """Give a user an authenticator app; return its secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def totp_code(secret: str, *, at: float | None = None) -> str:
    """Return the six digits an app shows now, or at a moment."""
    return format_hotp_value(hotp_value(secret, int(time.time() if at is None else at) // 30))
