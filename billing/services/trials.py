"""Trials: pulled by whoever meets a confirmed address without one, never pushed by a sign-up."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import api as accounts
from accounts.contracts import UserView
from billing.domain.periods import trial_end
from billing.models import Trial, TrialClaim

HAD_ONE: Final = "mailbox_had_one"
DISPOSABLE: Final = "disposable_address"
_TRIES: Final = 3


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
