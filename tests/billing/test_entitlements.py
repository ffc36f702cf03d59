"""Who may use what: every status on both sides of every date, and what must never be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.contracts import Feature, State
from billing.domain.entitlements import (
    FULL,
    MANAGE,
    Facts,
    GrantFact,
    GrantKind,
    SubscriptionFact,
    TrialFact,
    entitlements,
)
from billing.domain.sentences import SENTENCES

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
S = timedelta(seconds=1)
DAY = timedelta(days=1)
OVER = TrialFact(NOW - 30 * DAY, NOW - 23 * DAY)
ACCOUNT = Facts(is_verified=True, trial=OVER, has_paid=True)


def with_subscription(**fields: object) -> Facts:
    """A person whose trial is long over and who has one subscription."""
    return replace(ACCOUNT, subscriptions=(SubscriptionFact(**fields),))  # type: ignore[arg-type]


GRACE_EDGE = NOW - 7 * DAY
TABLE = [
    ("active", {"status": "active", "period_ends_at": NOW + DAY}, State.ACTIVE, "subscribed"),
    ("renewal late", {"status": "active", "period_ends_at": NOW - DAY}, State.ACTIVE, "subscribed"),
    ("bought early", {"status": "trialing"}, State.ACTIVE, "paid_trial"),
    (
        "cancelled, a second left",
        {"status": "active", "is_ending": True, "period_ends_at": NOW + S},
        State.ACTIVE,
        "cancelled_to_period_end",
    ),
    (
        "cancelled, the very end",
        {"status": "active", "is_ending": True, "period_ends_at": NOW},
        State.ENDED,
        "subscription_ended",
    ),
    (
        "cancelled, end unknown",
        {"status": "active", "is_ending": True},
        State.ENDED,
        "subscription_ended",
    ),
    (
        "trialing, cancelled and over",
        {"status": "trialing", "is_ending": True, "period_ends_at": NOW - S},
        State.ENDED,
        "subscription_ended",
    ),
    ("owed now", {"status": "past_due", "past_due_since": NOW}, State.GRACE, "payment_failed"),
    (
        "grace, a second left",
        {"status": "past_due", "past_due_since": GRACE_EDGE + S},
        State.GRACE,
        "payment_failed",
    ),
    (
        "grace, the very end",
        {"status": "past_due", "past_due_since": GRACE_EDGE},
        State.CLOSE_ONLY,
        "payment_owed",
    ),
    (
        "grace over",
        {"status": "past_due", "past_due_since": GRACE_EDGE - S},
        State.CLOSE_ONLY,
        "payment_owed",
    ),
    ("owed, since when?", {"status": "past_due"}, State.CLOSE_ONLY, "payment_owed"),
    ("unpaid", {"status": "unpaid"}, State.CLOSE_ONLY, "payment_owed"),
    ("incomplete", {"status": "incomplete"}, State.CLOSE_ONLY, "payment_owed"),
    ("expired", {"status": "incomplete_expired"}, State.CLOSE_ONLY, "payment_owed"),
    ("paused", {"status": "paused"}, State.CLOSE_ONLY, "paused"),
    ("unheard of", {"status": "frozen_in_2031"}, State.CLOSE_ONLY, "payment_owed"),
    ("ended", {"status": "canceled", "ended_at": NOW - S}, State.ENDED, "subscription_ended"),
    ("refunded", {"status": "active", "is_refunded": True}, State.ENDED, "refunded"),
    ("disputed", {"status": "active", "has_dispute": True}, State.CLOSE_ONLY, "disputed"),
    (
        "disputed and refunded",
        {"status": "active", "has_dispute": True, "is_refunded": True},
        State.CLOSE_ONLY,
        "disputed",
    ),
]


@pytest.mark.parametrize(
    ("fields", "state", "code"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_a_subscription_after_the_trial(fields: dict[str, object], state: State, code: str) -> None:
    held = entitlements(with_subscription(**fields), NOW)

    assert (held.state, held.code) == (state, code)
    is_full = state in (State.ACTIVE, State.GRACE)
    assert held.features == (FULL if is_full else MANAGE)


@pytest.mark.parametrize("status", ["unpaid", "incomplete", "incomplete_expired", "paused"])
def test_who_never_paid_owes_nothing_and_keeps_the_trial(status: str) -> None:
    begun = with_subscription(status=status)
    never_paid = replace(begun, has_paid=False)
    in_trial = replace(never_paid, trial=TrialFact(NOW - DAY, NOW + DAY))

    assert entitlements(never_paid, NOW).code == "trial_over"
    assert entitlements(in_trial, NOW).state is State.TRIAL


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (timedelta(0), State.TRIAL),
        (timedelta(hours=168) - S, State.TRIAL),
        (timedelta(hours=168), State.ENDED),
        (timedelta(hours=168) + S, State.ENDED),
    ],
)
def test_the_trial_ends_at_its_instant(at: timedelta, state: State) -> None:
    start = datetime(2026, 10, 20, 9, 30, tzinfo=UTC)
    facts = Facts(is_verified=True, trial=TrialFact(start, start + timedelta(hours=168)))

    held = entitlements(facts, start + at)

    assert held.state is state
    assert held.allows(Feature.BOT) is (state is State.TRIAL)
    assert held.until == (start + timedelta(hours=168) if state is State.TRIAL else None)


def test_people_without_trial_or_subscription() -> None:
    refused = TrialFact(NOW, NOW, refused="mailbox_had_one")
    cases = {
        "visitor": Facts(is_visitor=True),
        "not_verified": Facts(),
        "trial_not_made": Facts(is_verified=True),
        "mailbox_had_one": Facts(is_verified=True, trial=refused),
        "account_closed": Facts(is_staff=True, is_active=False, is_verified=True),
    }
    for code, facts in cases.items():
        held = entitlements(facts, NOW)
        assert (held.state, held.code) == (State.DEMO, code)
        assert held.features == (frozenset() if facts.is_visitor else MANAGE)


def test_staff_have_everything() -> None:
    held = entitlements(replace(ACCOUNT, is_staff=True), NOW)

    assert held.state is State.STAFF
    assert held.features == FULL
    assert len(held.others) == 1


def test_the_best_state_wins_and_staff_see_the_others() -> None:
    trial = TrialFact(NOW - DAY, NOW + DAY)
    owes = SubscriptionFact("past_due", past_due_since=NOW - 8 * DAY)
    facts = Facts(is_verified=True, has_paid=True, trial=trial, subscriptions=(owes,))

    held = entitlements(facts, NOW)

    assert held.state is State.TRIAL
    assert any("payment is owed" in other for other in held.others)
    bought = replace(facts, subscriptions=(owes, SubscriptionFact("active")))
    assert entitlements(bought, NOW).state is State.ACTIVE


def test_of_two_open_ends_the_later_counts() -> None:
    ending = SubscriptionFact("active", is_ending=True, period_ends_at=NOW + DAY)
    given = GrantFact(GrantKind.FULL_ACCESS, NOW - DAY, NOW + 3 * DAY)

    held = entitlements(replace(ACCOUNT, subscriptions=(ending,), grants=(given,)), NOW)

    assert (held.code, held.until) == ("access_given", NOW + 3 * DAY)


@pytest.mark.parametrize(("end", "state"), [(S, State.ACTIVE), (0 * S, State.ENDED)])
def test_access_that_staff_gave_ends(end: timedelta, state: State) -> None:
    given = GrantFact(GrantKind.FULL_ACCESS, NOW - DAY, NOW + end)

    assert entitlements(replace(ACCOUNT, grants=(given,)), NOW).state is state


def test_staff_may_let_a_refunded_subscription_count() -> None:
    facts = with_subscription(status="active", is_refunded=True)
    kept = GrantFact(GrantKind.KEEP_AFTER_REFUND, NOW - DAY, NOW + DAY)

    assert entitlements(replace(facts, grants=(kept,)), NOW).state is State.ACTIVE
    late = NOW + DAY
    assert entitlements(replace(facts, grants=(kept,)), late).state is State.ENDED


def test_a_dispute_closes_the_trial_too_but_not_what_staff_gave() -> None:
    trial = TrialFact(NOW - DAY, NOW + DAY)
    facts = replace(with_subscription(status="active", has_dispute=True), trial=trial)
    given = GrantFact(GrantKind.FULL_ACCESS, NOW - DAY, NOW + DAY)

    assert entitlements(facts, NOW).state is State.CLOSE_ONLY
    assert entitlements(replace(facts, grants=(given,)), NOW).state is State.ACTIVE


# --- what must never be -------------------------------------------------------------------

instants = st.integers(-40 * 86_400, 40 * 86_400).map(lambda s: NOW + timedelta(seconds=s))
maybe = st.none() | instants
subscription_facts = st.builds(
    SubscriptionFact,
    status=st.sampled_from(
        [
            "active",
            "trialing",
            "past_due",
            "unpaid",
            "incomplete",
            "incomplete_expired",
            "paused",
            "canceled",
            "new",
        ]
    ),
    period_ends_at=maybe,
    is_ending=st.booleans(),
    ended_at=maybe,
    past_due_since=maybe,
    is_refunded=st.booleans(),
    has_dispute=st.booleans(),
)
grant_facts = st.builds(GrantFact, st.sampled_from(GrantKind), instants, instants)
trial_facts = st.builds(
    lambda start, refused: TrialFact(
        start, start if refused else start + timedelta(hours=168), refused
    ),
    instants,
    st.sampled_from(["", "mailbox_had_one", "disposable_address"]),
)
all_facts = st.builds(
    Facts,
    is_staff=st.booleans(),
    is_active=st.booleans(),
    is_verified=st.booleans(),
    has_paid=st.booleans(),
    trial=st.none() | trial_facts,
    grants=st.lists(grant_facts, max_size=3).map(tuple),
    subscriptions=st.lists(subscription_facts, max_size=3).map(tuple),
)


def has_cause(facts: Facts) -> bool:
    """Written from the rule, not from the code: is there anything that opens everything?"""
    if not facts.is_active:
        return False
    kept = any(
        g.kind == "keep_after_refund" and g.starts_at <= NOW < g.ends_at for g in facts.grants
    )
    given = any(g.kind == "full_access" and g.starts_at <= NOW < g.ends_at for g in facts.grants)
    tried = (
        facts.trial is not None
        and not facts.trial.refused
        and facts.trial.starts_at <= NOW < facts.trial.ends_at
        and not any(s.has_dispute for s in facts.subscriptions)
    )
    paid = any(
        not s.has_dispute
        and (kept or not s.is_refunded)
        and (
            (
                s.status in ("active", "trialing")
                and (not s.is_ending or (s.period_ends_at is not None and s.period_ends_at > NOW))
            )
            or (
                s.status == "past_due"
                and s.past_due_since is not None
                and s.past_due_since + 7 * DAY > NOW
            )
        )
        for s in facts.subscriptions
    )
    return facts.is_staff or given or tried or paid


@given(all_facts)
def test_everything_is_open_exactly_when_there_is_a_cause(facts: Facts) -> None:
    held = entitlements(facts, NOW)

    assert (held.features == FULL) is has_cause(facts)
    assert held.features in (FULL, MANAGE)


@given(all_facts)
def test_nobody_with_an_account_loses_the_management_of_positions(facts: Facts) -> None:
    assert entitlements(facts, NOW).allows(Feature.MANAGE_POSITIONS)


@given(all_facts)
def test_every_answer_has_a_reason_in_words(facts: Facts) -> None:
    held = entitlements(facts, NOW)

    assert held.code in SENTENCES
    assert held.sentence
    assert "%(" not in held.sentence and "None" not in held.sentence
    assert held.until is None or held.until > NOW


def test_the_end_it_names_is_the_second_at_which_it_ends() -> None:
    edges = product(("active", "past_due"), (NOW - 3 * DAY, NOW - DAY), (NOW + DAY, NOW + 2 * DAY))
    seen = 0
    for status, since, end in edges:
        facts = with_subscription(
            status=status, is_ending=True, period_ends_at=end, past_due_since=since
        )
        held = entitlements(facts, NOW)
        assert held.until is not None
        assert entitlements(facts, held.until - S).state is held.state
        assert entitlements(facts, held.until).state is not held.state
        seen += 1
    assert seen == 8


CARRIED = SubscriptionFact("canceled", ended_at=NOW - S, trial_ends_at=NOW + 3 * DAY)
RUNNING = TrialFact(NOW - 4 * DAY, NOW + 3 * DAY + timedelta(microseconds=250_000))


def test_a_trial_that_went_into_a_subscription_does_not_come_back() -> None:
    bought = replace(ACCOUNT, trial=RUNNING, has_paid=False)
    assert entitlements(bought, NOW).state is State.TRIAL
    ended = entitlements(replace(bought, subscriptions=(CARRIED,)), NOW)
    assert (ended.state, ended.code) == (State.ENDED, "subscription_ended")


def test_time_that_staff_added_after_a_subscription_counts() -> None:
    extended = replace(RUNNING, ends_at=NOW + 9 * DAY)
    held = entitlements(replace(ACCOUNT, trial=extended, subscriptions=(CARRIED,)), NOW)
    assert held.state is State.TRIAL


def test_a_purchase_that_was_billed_at_once_leaves_the_trial_alone() -> None:
    billed = replace(CARRIED, trial_ends_at=None)
    held = entitlements(replace(ACCOUNT, trial=RUNNING, subscriptions=(billed,)), NOW)
    assert held.state is State.TRIAL
