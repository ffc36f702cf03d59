"""What other rooms may know of a person: frozen, without Django."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

LOOK: Final = "impersonation"
"""Where the session of a member of staff keeps as whom they look on, and until when."""


@dataclass(frozen=True, slots=True)
class UserView:
    """A person as other rooms see one."""

    id: UUID
    email: str
    is_active: bool
    is_staff: bool
    joined_at: datetime
    verified_at: datetime | None
    """When the first address was confirmed; None: not yet."""
    time_zone: str
    number_format: str
    """point, comma or space."""
    theme: str
    """system, dark or light."""
    is_colour_blind_safe: bool
    language: str
    security_changed_at: datetime | None
    deletion_due_at: datetime | None
    """When everything is deleted; None: it is not asked for."""


@dataclass(frozen=True, slots=True)
class TokenView:
    """A personal API token, without the token."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditView:
    """One line of the audit log."""

    sequence: int
    at: datetime
    action: str
    """Stable code, as `password_changed`."""
    title: str
    """The same in words."""
    actor_kind: str
    """user, staff or system."""
    actor_id: UUID | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What somebody agreed to."""

    kind: str
    """terms or risk."""
    title: str
    version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SessionView:
    """A browser that is signed in."""

    id: int
    label: str
    """Browser and system in words."""
    address: str
    started_at: datetime
    last_seen_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """A passkey or security key."""

    id: int
    name: str
    added_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class FactorsView:
    """What stands beside the password."""

    has_totp: bool
    passkeys: tuple[PasskeyView, ...]
    recovery_codes_left: int | None
    """None: there are none, because there is no second factor."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A browser and network that signed in, as a hint for staff."""

    label: str
    first_seen_at: datetime
    last_seen_at: datetime
    n_elsewhere: int
    """Other accounts at which the same was seen: a household, an office, or one person."""
