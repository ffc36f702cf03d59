"""Billing periods: months are counted from the anchor, so that the 31st comes back."""

import calendar
from datetime import UTC, datetime

DAY_S = 86_400


def add_months(at: int, n: int) -> int:
    """Return the same day and time `n` months on; the month's last day where it is shorter."""
    moment = datetime.fromtimestamp(at, UTC)
    months = moment.year * 12 + moment.month - 1 + n
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


def period_end(anchor: int, start: int, months: int = 1) -> int:
    """Return when the period that begins at `start` ends, counted from the anchor."""
    first, last = datetime.fromtimestamp(anchor, UTC), datetime.fromtimestamp(start, UTC)
    n = ((last.year - first.year) * 12 + last.month - first.month) // months * months - months
    while add_months(anchor, n) <= start:
        n += months
    return add_months(anchor, n)
