"""People for tests."""

from typing import Any

from django.utils import timezone

from accounts.models import User

PASSWORD = "a sentence that works well"


def person(name: str, *, verified: bool = True, **fields: Any) -> User:
    """Make a user `name@example.org` with PASSWORD, whose address is confirmed unless said."""
    email = fields.pop("email", f"{name}@example.org")
    if verified:
        fields.setdefault("verified_at", timezone.now())
    return User.objects.create_user(email, PASSWORD, **fields)
