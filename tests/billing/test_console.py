"""Figures for staff agree with what each person is told."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from billing import api
from billing.contracts import State
from billing.services import grants, sync
from billing.services.customers import adopt
from tests.support.payments import NOON, Payments
from tests.support.people import person

DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def test_everybody_is_counted_where_they_stand(
    payments: Payments, django_assert_max_num_queries: object
) -> None:
    people = [person("trial", verified_at=NOON), person("over", verified_at=NOON - 30 * DAY)]
    people.append(person("staff", verified_at=NOON, is_staff=True))
    people.append(person("given", verified_at=NOON - 30 * DAY))
    grants.give_access(
        people[-1].id, until=NOON + 5 * DAY, reason="A partner", staff_id=uuid4(), now=NOON
    )
    for status in ("active", "past_due", "unpaid"):
        people.append(person(status, verified_at=NOON - 30 * DAY))
        theirs = payments.add_customer(people[-1].id)
        adopt(people[-1].id, theirs.id)
        made = payments.subscribe(theirs.id)
        payments.change(made.id, "customer.subscription.updated", status=status)
        sync.sync_user(people[-1].id)
    told = Counter(api.entitlements_for(each.id, NOON + DAY).state for each in people)

    counted = api.people_by_state(NOON + DAY)

    assert {state: n for state, n in counted.items() if n} == dict(told)
    assert len(told) == 6
    assert set(counted) == set(State)


def test_trials_that_end_soon_come_nearest_first() -> None:
    for days in range(7):
        each = person(f"p{days}", verified_at=NOON - days * DAY)
        api.entitlements_for(each.id, NOON)

    ends = [end for _, end in api.trials_ending(48, NOON)]

    assert ends == [NOON + DAY, NOON + 2 * DAY]


def test_revenue_counts_who_pays() -> None:
    assert api.revenue(NOON).churn_30d is None


def test_revenue_of_a_small_house(payments: Payments) -> None:
    stories = {"old": -60, "lost": -60, "new": -5, "refunded": -3, "never paid": -2}
    for name, days in stories.items():
        user = person(name.replace(" ", ""), verified_at=NOON - 90 * DAY)
        theirs = payments.add_customer(user.id)
        adopt(user.id, theirs.id)
        payments.at = NOON + days * DAY
        made = payments.subscribe(theirs.id, "incomplete" if name == "never paid" else "active")
        if name == "lost":
            payments.at = NOON - 10 * DAY
            payments.end(made.id)
        if name == "refunded":
            payments.refund(list(payments.invoices)[-1], 5999)
        sync.sync_user(user.id)

    told = api.revenue(NOON)

    assert (told.n_paying, told.mrr, told.currency) == (2, Decimal("119.98"), "usd")
    assert (told.n_new_30d, told.n_lost_30d, told.churn_30d) == (1, 1, 0.5)
