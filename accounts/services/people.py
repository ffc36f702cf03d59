"""Finding people, and what they chose for themselves."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from allauth.mfa.models import Authenticator
from disposable_email_domains import blocklist
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.contracts import ConsentView, UserView
from accounts.domain import domain_of, normal_mailbox
from accounts.models import Consent, User
from accounts.services import audit
from cryptosystems.kernel.errors import InvalidInput

SETTINGS: Final = ("time_zone", "number_format", "theme", "is_colour_blind_safe", "language")
_MAILBOX_SALT: Final = "cryptosystems.accounts.mailbox"


def view_of(user: User) -> UserView:
    """Return a person as other rooms see one."""
    return UserView(
        id=user.id,
        email=user.email,
        is_active=user.is_active,
        is_staff=user.is_staff,
        joined_at=user.joined_at,
        verified_at=user.verified_at,
        time_zone=user.time_zone,
        number_format=user.number_format,
        theme=user.theme,
        is_colour_blind_safe=user.is_colour_blind_safe,
        language=user.language,
        security_changed_at=user.security_changed_at,
        deletion_due_at=user.deletion_due_at,
    )


def by_id(user_id: UUID) -> UserView | None:
    """Return one person, or None."""
    user = User.objects.filter(pk=user_id).first()
    return None if user is None else view_of(user)


def by_ids(user_ids: Iterable[UUID]) -> dict[UUID, UserView]:
    """Return people by id; unknown ids are left out."""
    return {user.id: view_of(user) for user in User.objects.filter(pk__in=list(user_ids))}


def verified_after(after: tuple[datetime, UUID] | None, limit: int) -> list[UserView]:
    """Return verified people in the order of verification, from a place on."""
    users = User.objects.exclude(verified_at=None)
    if after is not None:
        at, user_id = after
        users = users.filter(Q(verified_at__gt=at) | Q(verified_at=at, pk__gt=user_id))
    return [view_of(user) for user in users.order_by("verified_at", "pk")[:limit]]


def search(text: str, limit: int) -> list[UserView]:
    """Return people whose address holds the text, or whose id it is."""
    text = text.strip()[:254].replace("\0", "")
    if not text:
        return []
    found = Q(email__icontains=text)
    with suppress(ValueError):
        found |= Q(pk=UUID(text))
    return [view_of(user) for user in User.objects.filter(found).order_by("email")[:limit]]


def count() -> dict[str, int]:
    """Return how many people there are, by what the console shows."""
    users = User.objects.all()
    return {
        "total": users.count(),
        "verified": users.exclude(verified_at=None).count(),
        "unverified": users.filter(verified_at=None).count(),
        "staff": users.filter(is_staff=True).count(),
        "inactive": users.filter(is_active=False).count(),
        "leaving": users.exclude(deletion_due_at=None).count(),
        "with_second_factor": _with_factor().values("user_id").distinct().count(),
    }


def has_second_factor(user_id: UUID) -> bool:
    """Say whether someone has an authenticator app or a passkey."""
    return bool(_with_factor().filter(user_id=user_id).exists())


def _with_factor() -> Any:
    return Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)


def mailbox_key(user_id: UUID) -> str:
    """Return a keyed hash of someone's mailbox, the same for every spelling of its address."""
    mailbox = normal_mailbox(User.objects.values_list("email", flat=True).get(pk=user_id))
    return salted_hmac(_MAILBOX_SALT, mailbox, algorithm="sha256").hexdigest()


def is_disposable(user_id: UUID) -> bool:
    """Say whether someone's address is at a provider of throw-away addresses."""
    labels = domain_of(User.objects.values_list("email", flat=True).get(pk=user_id)).split(".")
    return any(".".join(labels[at:]) in blocklist for at in range(len(labels) - 1))


def save_settings(user_id: UUID, fields: dict[str, Any]) -> UserView:
    """Store what someone chose; what did not change is not written.

    Raises
    ------
    InvalidInput
        If a name is unknown or a value cannot be used; nothing is stored then.
    """
    unknown = sorted(set(fields) - set(SETTINGS))
    if unknown:
        raise InvalidInput(_("There is no setting named %(name)s.") % {"name": unknown[0][:40]})
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        before = {name: getattr(user, name) for name in fields}
        if fields.get("language", "en") not in dict(settings.LANGUAGES):
            raise InvalidInput(_("This language is not offered."))
        for name, value in fields.items():
            setattr(user, name, value)
        try:
            user.full_clean(
                exclude=[field.name for field in user._meta.fields if field.name not in fields]
            )
        except ValidationError as error:
            name, problems = next(iter(error.message_dict.items()))
            raise InvalidInput(f"{name}: {problems[0]}") from None
        changed = {
            name: getattr(user, name) for name in fields if getattr(user, name) != before[name]
        }
        if changed:
            user.save(update_fields=list(changed))
            details = {name: [before[name], value] for name, value in changed.items()}
            audit.append(
                "settings_changed",
                subject_id=user_id,
                actor_id=user_id,
                actor_kind="user",
                details=details,
            )
    return view_of(user)


def consents_of(user_id: UUID) -> list[ConsentView]:
    """Return what someone agreed to, the newest first."""
    rows = Consent.objects.for_user(user_id).order_by("-at", "-pk")
    return [ConsentView(row.kind, row.get_kind_display(), row.version, row.at) for row in rows]


def record_consent(user_id: UUID, kind: str, version: str, now: datetime | None) -> None:
    """Store that someone agreed; the first time of a version counts.

    Raises
    ------
    InvalidInput
        If there is no such kind of document.
    """
    if kind not in Consent.Kind.values:
        raise InvalidInput(_("There is no document of the kind %(kind)s.") % {"kind": kind[:40]})
    with transaction.atomic():
        if Consent.objects.for_user(user_id).filter(kind=kind, version=version).exists():
            return
        Consent.objects.add_for(user_id, kind=kind, version=version, at=now or timezone.now())
        audit.append(
            "consent_given",
            subject_id=user_id,
            actor_id=user_id,
            actor_kind="user",
            details={"kind": kind, "version": version},
        )


def setting_choices() -> dict[str, list[tuple[str, str]]]:
    """Return what may be chosen for each setting that has a list, with titles."""
    return {
        "time_zone": [(name, name.replace("_", " ")) for name in _zones()],
        "number_format": [(value, str(title)) for value, title in User.NumberFormat.choices],
        "theme": [(value, str(title)) for value, title in User.Theme.choices],
        "language": [(code, str(name)) for code, name in settings.LANGUAGES],
    }


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))
