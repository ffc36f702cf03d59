"""Who someone is, what they agreed to, which tokens act for them, and what was done."""

import uuid
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cryptosystems.platform.tenancy import TenantModel


class UserManager(BaseUserManager["User"]):
    """Makes users; an e-mail address is compared without regard to case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


def check_time_zone(name: str) -> None:
    """Refuse a name that is not in the time zone database."""
    if name not in available_timezones():
        raise ValidationError(
            _("Choose a time zone such as Europe/Berlin; %(name)s is not one."),
            params={"name": name[:40]},
        )


class User(AbstractBaseUser, PermissionsMixin):
    """A person, and a tenant: everything that belongs to someone points here."""

    class NumberFormat(models.TextChoices):
        """How thousands and decimals are written."""

        POINT = "point", "1,234.56"
        COMMA = "comma", "1.234,56"
        SPACE = "space", "1 234,56"

    class Theme(models.TextChoices):
        """The page's colours; `system` follows the device."""

        SYSTEM = "system", _("As the device")
        DARK = "dark", _("Dark")
        LIGHT = "light", _("Light")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the first address was confirmed; the trial counts from here. Set once."""
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])
    number_format = models.CharField(
        max_length=8, choices=NumberFormat.choices, default=NumberFormat.POINT
    )
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    is_colour_blind_safe = models.BooleanField(default=False)
    language = models.CharField(max_length=12, default="en")
    security_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When a password or a second factor was last reset: keys and bot rest for 24 h after it."""
    deletion_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    deletion_due_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    """When everything is deleted, unless the owner changes their mind before."""

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email


class Consent(TenantModel):
    """What somebody agreed to, in which version, and when; never changed, only added to."""

    class Kind(models.TextChoices):
        """What can be agreed to."""

        TERMS = "terms", _("Terms of use")
        RISK = "risk", _("Risk notice")

    kind = models.CharField(max_length=16, choices=Kind.choices)
    version = models.CharField(max_length=32)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "version"], name="one_consent_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class ApiToken(TenantModel):
    """A personal token: what it may do, and when it was last used. Only its hash is kept."""

    class Scope(models.TextChoices):
        """What a token may do."""

        SIGNALS = "signals:read", _("Read signals and markets")
        ACCOUNT = "account:read", _("Read the account")
        TRADE = "trade", _("Trade within the limits of the bot")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=16)
    """The first characters, shown so that its owner can tell it from others."""
    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the token: it has 256 random bits, so no slow hash is needed."""
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Device(TenantModel):
    """A keyed hash of browser and network that signed in: a hint for staff, never a wall."""

    hint = models.CharField(max_length=64, db_index=True)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    label = models.CharField(max_length=80)
    """Browser and system in words, as “Chromium on Linux”."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "hint"], name="one_device_a_hint")]

    def __str__(self) -> str:
        return self.label


class AuditEntry(models.Model):
    """What was done, by whom, to whom: append-only, each row bound to the one before.

    People are named by id alone, so that the log outlives an account without telling who it was.
    """

    class ActorKind(models.TextChoices):
        """Who acted."""

        USER = "user", _("The user")
        STAFF = "staff", _("Staff")
        SYSTEM = "system", _("The system")

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=64, db_index=True)
    actor_kind = models.CharField(max_length=8, choices=ActorKind.choices)
    actor_id = models.UUIDField(null=True)
    subject_id = models.UUIDField(null=True, db_index=True)
    details = models.JSONField(default=dict)
    """Before and after, reasons, numbers; never a secret, never an address."""
    request_id = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64, unique=True)
    """Unique, so that two writers cannot both follow the same row."""
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("the audit log is only added to")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("the audit log is only added to")
