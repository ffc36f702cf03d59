"""The door to this room: who someone is, what they chose, and what was done."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from accounts.contracts import (
    AuditView,
    ConsentView,
    DeviceView,
    FactorsView,
    SessionView,
    TokenView,
    UserView,
)
from accounts.services import audit as _audit
from accounts.services import deletion, desk, export, people, sessions, tokens


# --- people ---------------------------------------------------------------------------------
def user_by_id(user_id: UUID) -> UserView | None:
    """Return one person, or None."""
    return people.by_id(user_id)


def users_by_id(ids: Iterable[UUID]) -> dict[UUID, UserView]:
    """Return people by id; unknown ids are left out."""
    return people.by_ids(ids)


def verified_after(after: tuple[datetime, UUID] | None, limit: int = 500) -> list[UserView]:
    """Return verified people by (verified_at, id), behind `after`: pages for a sweep."""
    return people.verified_after(after, limit)


def search_users(text: str, limit: int = 50) -> list[UserView]:
    """Return people whose address holds the text, or whose id it is."""
    return people.search(text, limit)


def people_count() -> dict[str, int]:
    """Return counts: total, verified, unverified, staff, inactive, leaving, with_second_factor."""
    return people.count()


def mailbox_key(user_id: UUID) -> str:
    """Return a keyed hash of the mailbox, equal for every spelling of its address."""
    return people.mailbox_key(user_id)


def is_disposable_address(user_id: UUID) -> bool:
    """Say whether the address is at a provider of throw-away addresses."""
    return people.is_disposable(user_id)


# --- settings and consents ------------------------------------------------------------------
def save_settings(user_id: UUID, **fields: Any) -> UserView:
    """Store time_zone, number_format, theme, is_colour_blind_safe or language.

    Raises
    ------
    InvalidInput
        If a value cannot be used; nothing is stored then.
    """
    return people.save_settings(user_id, fields)


def setting_choices() -> dict[str, list[tuple[str, str]]]:
    """Return what may be chosen for each setting that has a list, with titles."""
    return people.setting_choices()


def consents_of(user_id: UUID) -> list[ConsentView]:
    """Return what someone agreed to, the newest first."""
    return people.consents_of(user_id)


def record_consent(user_id: UUID, kind: str, version: str, now: datetime | None = None) -> None:
    """Store that someone agreed to a document (terms or risk) in a version."""
    people.record_consent(user_id, kind, version, now)


# --- security -------------------------------------------------------------------------------
def has_second_factor(user_id: UUID) -> bool:
    """Say whether someone has an authenticator app or a passkey."""
    return people.has_second_factor(user_id)


def factors_of(user_id: UUID) -> FactorsView:
    """Return someone's second factors."""
    return sessions.factors_of(user_id)


def sessions_of(user_id: UUID, current_key: str = "") -> list[SessionView]:
    """Return someone's signed-in browsers, the one with `current_key` first."""
    return sessions.of_user(user_id, current_key)


def end_session(user_id: UUID, session_id: int) -> bool:
    """Sign one browser out; False if it is not this person's."""
    return sessions.end_one(user_id, session_id)


def end_sessions(user_id: UUID, *, except_key: str = "") -> int:
    """Sign all browsers out, but for one; return how many."""
    return sessions.end_all(user_id, except_key=except_key)


def is_session_alive(session_key: str, user_id: UUID) -> bool:
    """Say whether a session still signs this person in: asked again while a socket is open."""
    return sessions.is_alive(session_key, user_id)


# --- personal tokens ------------------------------------------------------------------------
def tokens_of(user_id: UUID) -> list[TokenView]:
    """Return someone's tokens, the newest first, revoked and expired ones too."""
    return tokens.tokens_of(user_id)


def create_token(
    user_id: UUID, *, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> tuple[TokenView, str]:
    """Make a token; return it with its text, which nobody can read again.

    Raises
    ------
    InvalidInput
        If name, scopes or expiry do not fit, or the person has ten live tokens.
    """
    return tokens.create_token(user_id, name=name, scopes=scopes, expires_at=expires_at)


def revoke_token(user_id: UUID, token_id: UUID) -> bool:
    """End a token at once; False if this person has no live token of that id."""
    return tokens.revoke_token(user_id, token_id)


# --- audit log ------------------------------------------------------------------------------
def audit(
    action: str,
    *,
    subject_id: UUID | None,
    actor_id: UUID | None = None,
    actor_kind: str = "system",
    details: dict[str, Any] | None = None,
) -> None:
    """Add a row to the audit log, inside the transaction of its cause.

    The log outlives an account: details hold reasons, numbers and ids, never an address, a name
    somebody chose, or a secret.
    """
    _audit.append(
        action,
        subject_id=subject_id,
        actor_id=actor_id,
        actor_kind=actor_kind,
        details=details,
    )


def audit_of(user_id: UUID, *, before: int | None = None, limit: int = 50) -> list[AuditView]:
    """Return what was done to or by a person, the newest first."""
    return _audit.of_user(user_id, before=before, limit=limit)


def staff() -> list[UserView]:
    """Return the active members of staff: whom an alarm is told."""
    return desk.staff()


def staff_without_factor() -> int:
    """Return how many active members of staff have no second factor yet."""
    return desk.staff_without_factor()


def verify_audit() -> str:
    """Walk the audit log; return the first fault, or an empty text."""
    return _audit.verify()


# --- data -----------------------------------------------------------------------------------
def export_of(user_id: UUID) -> bytes:
    """Return a zip with every row we hold about a person, as JSON and CSV."""
    return export.export_of(user_id)


def request_deletion(
    user_id: UUID, now: datetime | None = None, *, keep_session: str = ""
) -> datetime:
    """Ask for deletion in 30 days; other sessions end and tokens are revoked at once."""
    return deletion.request(user_id, keep_session=keep_session, now=now)


def withdraw_deletion(user_id: UUID) -> bool:
    """Keep the account after all; False if no deletion was asked for."""
    return deletion.withdraw(user_id)


def deletions_asked() -> list[UUID]:
    """Return who has asked to be deleted, due or not."""
    return deletion.asked()


def deletions_due(now: datetime | None = None) -> list[UUID]:
    """Return whose 30 days are over."""
    return deletion.due(now)


def deletion_waits_for(user_id: UUID) -> list[str]:
    """Return which rooms still have something of a person to end; asking makes them begin."""
    return deletion.waits_for(user_id)


def delete_everything(user_id: UUID) -> None:
    """Delete a person and everything of theirs but the audit log; call when nothing is owed."""
    deletion.delete_everything(user_id)


# --- for the staff console --------------------------------------------------------------------
def devices_of(user_id: UUID) -> list[DeviceView]:
    """Return what someone signed in with, and at how many other accounts the same was seen."""
    return desk.devices_of(user_id)


def people_by_day(since: date) -> tuple[dict[date, int], dict[date, int]]:
    """Return how many joined and how many confirmed their address, by day (UTC)."""
    return desk.people_by_day(since)


def set_active(user_id: UUID, is_active: bool) -> bool:
    """Close or open an account for signing in; the caller writes the audit row."""
    return desk.set_active(user_id, is_active)


def roles_of(user_id: UUID) -> list[str]:
    """Return the roles of a member of staff."""
    return desk.roles_of(user_id)


def set_roles(user_id: UUID, roles: Iterable[str]) -> list[str]:
    """Give these roles and no others, and return those of before; the caller writes the audit."""
    return desk.set_roles(user_id, roles)
