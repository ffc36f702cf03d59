"""What only the staff console asks: devices, days of joining, and the standing of staff."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count
from django.db.models.functions import TruncDate

from accounts.contracts import DeviceView, UserView
from accounts.models import Device, User
from accounts.services.people import view_of
from cryptosystems.platform import bell

_WHY = "the staff console"


def devices_of(user_id: UUID) -> list[DeviceView]:
    """Return what someone signed in with, and at how many other accounts the same was seen."""
    rows = list(Device.objects.for_user(user_id).order_by("-last_seen_at")[:50])
    elsewhere = Device.objects.across_tenants(_WHY).exclude(user_id=user_id)
    counts = dict(
        elsewhere.filter(hint__in=[row.hint for row in rows])
        .values_list("hint")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return [
        DeviceView(row.label, row.first_seen_at, row.last_seen_at, counts.get(row.hint, 0))
        for row in rows
    ]


def people_by_day(since: date) -> tuple[dict[date, int], dict[date, int]]:
    """Return how many joined and how many confirmed their address, by day (UTC)."""
    start = datetime.combine(since, time(0), tzinfo=UTC)

    def by_day(field: str) -> dict[date, int]:
        rows = User.objects.filter(**{f"{field}__gte": start})
        days = rows.annotate(day=TruncDate(field, tzinfo=UTC)).values_list("day")
        return dict(days.annotate(n=Count("pk")).order_by())

    return by_day("joined_at"), by_day("verified_at")


def set_active(user_id: UUID, is_active: bool) -> bool:
    """Close or open an account for signing in; False if it stood so already."""
    changed = User.objects.filter(pk=user_id, is_active=not is_active).update(is_active=is_active)
    bell.ring(user_id)
    return bool(changed)


def roles_of(user_id: UUID) -> list[str]:
    """Return the roles of a member of staff."""
    return list(Group.objects.filter(user=user_id).order_by("name").values_list("name", flat=True))


def set_roles(user_id: UUID, roles: Iterable[str]) -> list[str]:
    """Give these roles and no others; without any, somebody is no member of staff.

    A superuser stays one. Returns the roles of before.
    """
    wanted = list(roles)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        before = roles_of(user_id)
        user.groups.set(Group.objects.filter(name__in=wanted))
        user.is_staff = bool(wanted) or user.is_superuser
        user.save(update_fields=["is_staff"])
    return before


def staff() -> list[UserView]:
    """Return the active members of staff."""
    rows = User.objects.filter(is_staff=True, is_active=True).order_by("joined_at")
    return [view_of(row) for row in rows]


def staff_without_factor() -> int:
    """Return how many active members of staff have no second factor yet."""
    protected = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    staff = User.objects.filter(is_staff=True, is_active=True)
    return staff.exclude(pk__in=protected.values("user_id")).count()
