"""The door of the accounts room."""

from typing import Any
from uuid import UUID

from accounts.contracts import UserView
from accounts.models import User
from accounts.services.audit import append as audit
from accounts.services.audit import of_user as audit_of
from accounts.services.tokens import create_token, revoke_token, tokens_of

__all__ = [
    "audit",
    "audit_of",
    "create_token",
    "revoke_token",
    "save_settings",
    "tokens_of",
    "user_by_id",
]


def _view(user: User) -> UserView:
    names = UserView.__dataclass_fields__
    return UserView(**{name: getattr(user, name) for name in names})


def user_by_id(user_id: UUID) -> UserView | None:
    """Return a person, or None."""
    user = User.objects.filter(pk=user_id).first()
    return None if user is None else _view(user)


def save_settings(user_id: UUID, **fields: Any) -> UserView:
    """Store how somebody wants to see the product."""
    user = User.objects.get(pk=user_id)
    for name, value in fields.items():
        setattr(user, name, value)
    user.save(update_fields=list(fields))
    return _view(user)
