"""Lengths of time that billing counts in: trial, grace, reminders. All arithmetic is in UTC.

Aware times of other zones are turned into UTC first: adding a day to a local time would follow
the wall clock, and a trial across a change of clocks would last 167 or 169 hours.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

TRIAL_HOURS: Final = 168
TRIAL: Final = timedelta(hours=TRIAL_HOURS)
REMIND_BEFORE: Final = timedelta(hours=48)
GRACE: Final = timedelta(days=7)
DUNNING_DAYS: Final = (0, 3, 6)
"""Days after the first failed payment on which we write."""
LEAST_CARRIED_OVER: Final = timedelta(hours=48, minutes=1)
"""Stripe Checkout takes an end of trial no nearer than 48 hours, counted when it is asked; the
minute is for the way there. Less is not carried over."""


def utc(at: datetime) -> datetime:
    """Return the same instant in UTC.

    Raises
    ------
    ValueError
        If `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"the datetime must have a time zone, {at!r} has none")
    return at.astimezone(UTC)


def trial_end(started_at: datetime) -> datetime:
    """Return the instant at which a trial is over: exactly 168 hours after it began."""
    return utc(started_at) + TRIAL


def is_within(start: datetime, end: datetime, now: datetime) -> bool:
    """Say whether `now` lies in the period; its start belongs to it, its end does not."""
    return utc(start) <= utc(now) < utc(end)


def reminder_due(ends_at: datetime, now: datetime) -> bool:
    """Say whether it is time to remind of the end, and not yet too late to."""
    return is_within(utc(ends_at) - REMIND_BEFORE, ends_at, now)


def grace_end(past_due_since: datetime) -> datetime:
    """Return until when everything works although a payment failed."""
    return utc(past_due_since) + GRACE


def dunning_steps_due(past_due_since: datetime, now: datetime) -> int:
    """Return how many mails should have left by now: 0 to 3."""
    days = (utc(now) - utc(past_due_since)) / timedelta(days=1)
    return sum(days >= day for day in DUNNING_DAYS)


def carried_over_trial(ends_at: datetime | None, now: datetime) -> datetime | None:
    """Return the end of trial that a subscription bought now keeps; None: it is billed now."""
    if ends_at is None or utc(ends_at) - utc(now) < LEAST_CARRIED_OVER:
        return None
    return utc(ends_at)
