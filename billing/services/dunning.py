"""Mails about a payment that failed: on day 0, 3 and 6 of the debt, once each."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import api as accounts
from billing.domain.periods import dunning_steps_due, grace_end
from billing.models import Subscription
from billing.services.letters import write_to

_BATCH: Final = 500


def remind_of_debts(now: datetime | None = None) -> int:
    """Write to those whose payment is owed and who were not told yet; return how many mails."""
    now = now or timezone.now()
    rows = Subscription.objects.across_tenants("mails about debts").filter(
        status="past_due", past_due_since__lte=now
    )
    return sum(_tell(row, row.past_due_since, now) for row in rows.order_by("pk")[:_BATCH])


def _tell(row: Subscription, since: datetime | None, now: datetime) -> bool:
    if since is None or now >= grace_end(since):
        return False
    sent = row.dunning_sent if row.dunned_for == since else 0
    step = dunning_steps_due(since, now)
    if step <= sent:
        return False
    with transaction.atomic():
        claimed = Subscription.objects.for_user(row.user_id).filter(
            pk=row.pk, dunned_for=row.dunned_for, dunning_sent=row.dunning_sent, status="past_due"
        )
        # A step that a long outage swallowed is not made up for: the newest says everything.
        if not claimed.update(dunned_for=since, dunning_sent=step):
            return False
        user = accounts.user_by_id(row.user_id)
        if user is None or not user.is_active:
            return False
        write_to(
            user,
            "payment_failed",
            step=step,
            grace_ends_at=grace_end(since),
            action_url=row.action_url,
            billing_url=f"{settings.SITE_URL}/account/billing",
        )
    return True
