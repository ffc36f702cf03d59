"""What staff give: each with a reason and an end; above 30 days a second person agrees."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import api as accounts
from billing.contracts import GrantView
from billing.domain.periods import REMIND_BEFORE
from billing.models import Grant, Trial
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform import bell

ALONE: Final = timedelta(days=30)
"""What one person may give without a second one."""
_LONGEST: Final = timedelta(days=3 * 366)


def extend_trial(
    user_id: UUID, *, hours: int, reason: str, staff_id: UUID, now: datetime | None = None
) -> GrantView:
    """Move the end of a trial; one that is over goes on from now.

    Raises
    ------
    InvalidInput
        If hours or reason are missing.
    NotAllowed
        If the person has no trial to extend.
    """
    now = now or timezone.now()
    if hours <= 0:
        raise InvalidInput(f"hours must be more than 0, was {hours}")
    trial = Trial.objects.for_user(user_id).filter(refused="").first()
    if trial is None:
        raise NotAllowed("This person has no trial: give access instead.", code="no_trial")
    start = max(trial.ends_at, now)
    return _give(
        user_id,
        Grant.Kind.TRIAL_EXTENSION,
        start,
        start + timedelta(hours=hours),
        reason,
        staff_id,
        now,
    )


def give_access(
    user_id: UUID, *, until: datetime, reason: str, staff_id: UUID, now: datetime | None = None
) -> GrantView:
    """Open everything for a person until then."""
    now = now or timezone.now()
    return _give(user_id, Grant.Kind.FULL_ACCESS, now, until, reason, staff_id, now)


def keep_after_refund(
    user_id: UUID, *, reason: str, staff_id: UUID, until: datetime, now: datetime | None = None
) -> GrantView:
    """Let a subscription count although its payment was given back."""
    now = now or timezone.now()
    return _give(user_id, Grant.Kind.KEEP_AFTER_REFUND, now, until, reason, staff_id, now)


def confirm_grant(grant_id: int, *, staff_id: UUID, now: datetime | None = None) -> None:
    """Agree, as the second person, to what another one gave.

    Raises
    ------
    NotAllowed
        If it is the same person, or nothing waits.
    """
    now = now or timezone.now()
    with transaction.atomic():
        row = _waiting().filter(pk=grant_id, ends_at__gt=now).first()
        if row is None:
            raise NotAllowed("Nothing waits under this number.", code="nothing_waits")
        if row.given_by == staff_id:
            raise NotAllowed("A second person must agree, not the same one.", code="same_person")
        if not _waiting().filter(pk=grant_id).update(confirmed_by=staff_id):
            raise NotAllowed("Nothing waits under this number.", code="nothing_waits")
        _take_effect(row, now)
        _audit("grant_confirmed", row, staff_id)


def withdraw_grant(grant_id: int, *, staff_id: UUID, now: datetime | None = None) -> None:
    """Take back what was given, from now on.

    Raises
    ------
    NotAllowed
        If it was withdrawn already, or does not exist.
    """
    now = now or timezone.now()
    with transaction.atomic():
        row = _all().filter(pk=grant_id).first()
        if row is None or not _all().filter(pk=grant_id, withdrawn_at=None).update(
            withdrawn_at=now
        ):
            raise NotAllowed("There is no such grant, or it is withdrawn.", code="no_grant")
        if row.kind == Grant.Kind.TRIAL_EXTENSION and _counts(row):
            _move_trial(row.user_id, row.starts_at - row.ends_at, now)
        _audit("grant_withdrawn", row, staff_id)


def grants_waiting() -> list[GrantView]:
    """Return what waits for a second person, the oldest first."""
    return [_view(row) for row in _waiting().order_by("created_at")]


def grants_of(user_id: UUID) -> list[GrantView]:
    """Return everything that was given to a person, the newest first."""
    return [_view(row) for row in Grant.objects.for_user(user_id).order_by("-created_at")]


def _give(
    user_id: UUID,
    kind: Grant.Kind,
    start: datetime,
    end: datetime,
    reason: str,
    staff_id: UUID,
    now: datetime,
) -> GrantView:
    if len(reason.strip()) < 5:
        raise InvalidInput("Write the reason in a few words: it is kept in the audit log.")
    if not now < end <= now + _LONGEST or end <= start:
        raise InvalidInput("The end must lie ahead, within three years.")
    with transaction.atomic():
        row = Grant.objects.add_for(
            user_id,
            kind=kind,
            reason=reason.strip()[:300],
            starts_at=start,
            ends_at=end,
            given_by=staff_id,
            needs_second_person=_needs_second(user_id, kind, end - start),
            created_at=now,
        )
        if _counts(row):
            _take_effect(row, now)
        _audit("grant_given", row, staff_id)
    return _view(row)


def _needs_second(user_id: UUID, kind: Grant.Kind, length: timedelta) -> bool:
    """Say whether one person alone gave this much: in one piece, or in slices that touch."""
    earlier = Grant.objects.for_user(user_id).filter(
        kind=kind, withdrawn_at=None, needs_second_person=False
    )
    given = sum((row.ends_at - row.starts_at for row in earlier), timedelta(0))
    return given + length > ALONE


def _take_effect(row: Grant, now: datetime) -> None:
    if row.kind != Grant.Kind.TRIAL_EXTENSION:
        return
    length = row.ends_at - row.starts_at
    trial = Trial.objects.for_user(row.user_id).get()
    start = max(trial.ends_at, now)
    Grant.objects.for_user(row.user_id).filter(pk=row.pk).update(
        starts_at=start, ends_at=start + length
    )
    _move_trial(row.user_id, start + length - trial.ends_at, now)


def _move_trial(user_id: UUID, by: timedelta, now: datetime) -> None:
    trial = Trial.objects.for_user(user_id).select_for_update().get()
    ends_at = trial.ends_at + by
    extended_s = max(0, trial.extended_by_s + int(by.total_seconds()))
    # A new end is reminded of and told anew, unless it is already past.
    is_ahead = ends_at > now
    Trial.objects.for_user(user_id).update(
        ends_at=ends_at,
        extended_by_s=extended_s,
        reminded_at=None if ends_at - now > REMIND_BEFORE else trial.reminded_at,
        told_end_at=None if is_ahead else trial.told_end_at,
    )


def _counts(row: Grant) -> bool:
    return row.confirmed_by is not None or not row.needs_second_person


def _all() -> Any:
    return Grant.objects.across_tenants("the staff console")


def _waiting() -> Any:
    return _all().filter(needs_second_person=True, confirmed_by=None, withdrawn_at=None)


def _audit(action: str, row: Grant, staff_id: UUID) -> None:
    bell.ring(row.user_id)
    accounts.audit(
        action,
        subject_id=row.user_id,
        actor_id=staff_id,
        actor_kind="staff",
        details={
            "grant": row.pk,
            "kind": row.kind,
            "reason": row.reason,
            "until": row.ends_at.isoformat(),
            "waits": not _counts(row),
        },
    )


def _view(row: Grant) -> GrantView:
    return GrantView(
        id=row.pk,
        user_id=row.user_id,
        kind=row.kind,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        given_by=row.given_by,
        confirmed_by=row.confirmed_by,
        waits=not _counts(row) and row.withdrawn_at is None,
        withdrawn_at=row.withdrawn_at,
    )
