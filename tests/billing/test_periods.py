"""Lengths of time, across months, leap days, and changes of clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.periods import (
    carried_over_trial,
    dunning_steps_due,
    grace_end,
    is_within,
    reminder_due,
    trial_end,
)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
S = timedelta(seconds=1)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 3, 27, 12, 0, tzinfo=BERLIN),  # the clock goes forward on the 29th
        datetime(2026, 10, 23, 12, 0, tzinfo=BERLIN),  # and back on the 25th
        datetime(2026, 10, 30, 23, 59, tzinfo=NEW_YORK),
        datetime(2028, 2, 25, 0, 0, tzinfo=UTC),  # a leap day
        datetime(2026, 12, 28, 18, 30, tzinfo=UTC),  # the turn of the year
    ],
)
def test_a_trial_has_168_hours_whatever_the_clocks_do(start: datetime) -> None:
    lasts = trial_end(start).astimezone(UTC) - start.astimezone(UTC)

    assert lasts == timedelta(hours=168)
    assert grace_end(start).astimezone(UTC) - start.astimezone(UTC) == timedelta(days=7)


def test_the_end_of_a_period_is_no_longer_in_it() -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    end = start + timedelta(days=1)

    inside = [is_within(start, end, at) for at in (start - S, start, end - S, end, end + S)]

    assert inside == [False, True, True, False, False]


def test_the_reminder_is_due_in_the_last_48_hours() -> None:
    end = datetime(2026, 11, 9, tzinfo=UTC)
    first = end - timedelta(hours=48)

    assert [reminder_due(end, at) for at in (first - S, first, end - S, end)] == [
        False,
        True,
        True,
        False,
    ]


def test_mails_about_a_debt_are_due_on_day_0_3_and_6() -> None:
    since = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
    day = timedelta(days=1)
    due = {
        since - S: 0,
        since: 1,
        since + 3 * day - S: 1,
        since + 3 * day: 2,
        since + 6 * day - S: 2,
        since + 6 * day: 3,
        since + 60 * day: 3,
    }

    assert {at: dunning_steps_due(since, at) for at in due} == due


@pytest.mark.parametrize("days_used", range(8))
def test_days_left_are_kept_while_the_provider_can_keep_them(days_used: int) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    end = trial_end(start)

    kept = carried_over_trial(end, start + timedelta(days=days_used))

    assert kept == (end if days_used <= 4 else None)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        trial_end(datetime(2026, 11, 2))  # noqa: DTZ001  what is refused


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001  the zone is drawn
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_the_zone_of_a_time_changes_nothing(naive: datetime, zone: str) -> None:
    there = naive.replace(tzinfo=ZoneInfo(zone))

    assert trial_end(there) == trial_end(there.astimezone(UTC))
