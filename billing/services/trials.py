"""Trials: pulled by whoever meets a confirmed address without one, never pushed by a sign-up."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts import api as accounts
from accounts.contracts import UserView
from billing.domain.periods import REMIND_BEFORE, trial_end
from billing.models import Subscription, Trial, TrialClaim
from billing.services.letters import write_to
from billing.services.plans import offer

HAD_ONE: Final = "mailbox_had_one"
DISPOSABLE: Final = "disposable_address"
_TRIES: Final = 3
_BATCH: Final = 500
_LOOK_BACK: Final = timedelta(days=7)
_STILL_NEWS: Final = timedelta(days=3)


def trial_of(user: UserView) -> Trial | None:
    """Return the trial of a person, made now if the address is confirmed; None before that."""
    held = Trial.objects.for_user(user.id).first()
    if held is not None or user.verified_at is None:
        return held
    for _ in range(_TRIES):
        try:
            with transaction.atomic():
                return _make(user.id, user.verified_at)
        except IntegrityError:  # another request was first; its row is ours
            held = Trial.objects.for_user(user.id).first()
            if held is not None:
                return held
    return None


def _make(user_id: UUID, verified_at: datetime) -> Trial:
    refused = DISPOSABLE if accounts.is_disposable_address(user_id) else ""
    if not refused:
        _, is_first = TrialClaim.objects.get_or_create(
            mailbox=accounts.mailbox_key(user_id), defaults={"at": verified_at}
        )
        refused = "" if is_first else HAD_ONE
    ends_at = verified_at if refused else trial_end(verified_at)
    row = Trial.objects.add_for(user_id, started_at=verified_at, ends_at=ends_at, refused=refused)
    accounts.audit(
        "trial_refused" if refused else "trial_started",
        subject_id=user_id,
        details={"refused": refused} if refused else {"ends_at": ends_at.isoformat()},
    )
    return row


def make_missing(*, of_everybody: bool = False) -> int:
    """Make the trial of those who confirmed an address and have none; return how many.

    Goes through people in the order of their confirmation: from a week before the newest trial,
    and nightly from the very first, so that no sign-up is ever missed.
    """
    made = 0
    rows = Trial.objects.across_tenants("trials of new people")
    newest = None if of_everybody else rows.aggregate(newest=Max("started_at"))["newest"]
    after = None if newest is None else (newest - _LOOK_BACK, UUID(int=0))
    while people := accounts.verified_after(after):
        last = people[-1]
        after = (last.verified_at or last.joined_at, last.id)
        ids = [user.id for user in people]
        have = set(rows.filter(user_id__in=ids).values_list("user_id", flat=True))
        made += sum(trial_of(user) is not None for user in people if user.id not in have)
    return made


def remind(now: datetime | None = None) -> int:
    """Write to those whose trial ends within 48 hours, once; return how many mails."""
    now = now or timezone.now()
    due = _given().filter(reminded_at=None, ends_at__gt=now, ends_at__lte=now + REMIND_BEFORE)
    return sum(_tell(row, "trial_reminder", "reminded_at", now) for row in due[:_BATCH])


def tell_ends(now: datetime | None = None) -> int:
    """Write to those whose trial is over, once; return how many mails.

    An end that is long past is not told any more: after an outage it would only puzzle.
    """
    now = now or timezone.now()
    due = _given().filter(told_end_at=None, ends_at__lte=now, ends_at__gt=now - _STILL_NEWS)
    return sum(_tell(row, "trial_over", "told_end_at", now) for row in due[:_BATCH])


def _given() -> QuerySet[Trial]:
    return Trial.objects.across_tenants("mails about trials").filter(refused="").order_by("pk")


def _tell(row: Trial, template: str, mark: str, now: datetime) -> bool:
    """Send one mail and mark it, both or neither; who subscribed meanwhile is only marked."""
    user = accounts.user_by_id(row.user_id)
    with transaction.atomic():
        claimed = Trial.objects.for_user(row.user_id).filter(
            **{"pk": row.pk, mark: None, "ends_at": row.ends_at}
        )
        if not claimed.update(**{mark: now}):
            return False
        if user is None or not user.is_active or _needs_no_trial(row.user_id):
            return False
        write_to(user, template, ends_at=row.ends_at, plan=offer())
    return True


def _needs_no_trial(user_id: UUID) -> bool:
    live = ("active", "trialing", "past_due")
    return Subscription.objects.for_user(user_id).filter(status__in=live).exists()
