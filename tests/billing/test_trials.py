"""A trial from the first confirmed address to its last second."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage

from accounts.models import AuditEntry, User
from billing import api
from billing.contracts import Feature, State
from billing.models import Trial, TrialClaim
from billing.services import grants, trials
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from tests.support.payments import Payments
from tests.support.people import person
from tests.support.threads import together

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
END = START + timedelta(hours=168)
S = timedelta(seconds=1)
H = timedelta(hours=1)


@pytest.mark.django_db
def test_the_trial_begins_with_the_address_and_ends_at_its_second() -> None:
    alice = person("alice", verified=False)
    assert api.entitlements_for(alice.id, START).state is State.DEMO
    assert not Trial.objects.for_user(alice.id).exists()

    User.objects.filter(pk=alice.pk).update(verified_at=START)

    for at, state in ((START, State.TRIAL), (END - S, State.TRIAL), (END, State.ENDED)):
        assert api.entitlements_for(alice.id, at).state is state
    held = api.entitlements_for(alice.id, START)
    assert held.features == frozenset(Feature)
    assert held.until == END
    assert "9 November 2026, 12:00 (UTC)" in held.sentence


@pytest.mark.django_db
def test_the_sentence_is_written_in_the_persons_own_zone() -> None:
    alice = person("alice", verified_at=START, time_zone="Asia/Kathmandu")

    assert (
        "9 November 2026, 17:45 (Asia/Kathmandu)" in api.entitlements_for(alice.id, START).sentence
    )


@pytest.mark.django_db
def test_a_door_says_why_it_stays_shut() -> None:
    alice = person("alice", verified_at=START)
    assert api.require(alice.id, Feature.BOT, END - S).state is State.TRIAL

    with pytest.raises(NotAllowed, match="Your trial ended on 9 November") as refused:
        api.require(alice.id, Feature.BOT, END)

    assert refused.value.code == "not_entitled"
    assert api.require(alice.id, Feature.MANAGE_POSITIONS, END)
    with pytest.raises(NotAllowed, match="Sign up"):
        api.require(None, Feature.MANAGE_POSITIONS, START)


@pytest.mark.django_db
def test_one_trial_a_mailbox_even_after_the_account_is_gone() -> None:
    first = person("first", email="alice.b+x@gmail.com", verified_at=START)
    assert api.entitlements_for(first.id, START).state is State.TRIAL
    first.delete()
    assert TrialClaim.objects.count() == 1

    second = person("second", email="aliceb@googlemail.com", verified_at=START)

    held = api.entitlements_for(second.id, START)
    assert (held.state, held.code) == (State.DEMO, "mailbox_had_one")
    assert api.billing_view(second.id).trial_refused == "mailbox_had_one"
    assert api.billing_view(second.id).trial is None


@pytest.mark.django_db
def test_an_address_that_lives_for_minutes_gets_none_but_may_buy(payments: Payments) -> None:
    alice = person("alice", email="alice@mailinator.com", verified_at=START)
    assert api.entitlements_for(alice.id, START).code == "disposable_address"
    assert not TrialClaim.objects.exists()

    url = api.start_checkout(
        alice.id,
        plan_slug="all-access",
        success_url="https://a.test/s",
        cancel_url="https://a.test/c",
    )

    [(order, made)] = payments.checkouts.values()
    assert (url, order.trial_ends_at) == (made.url, None)


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_make_one_trial() -> None:
    alice = person("alice", verified_at=START)

    states = together(*[lambda: api.entitlements_for(alice.id, START).state for _ in range(6)])

    assert states == [State.TRIAL] * 6
    assert Trial.objects.for_user(alice.id).count() == 1
    assert AuditEntry.objects.filter(action="trial_started").count() == 1


@pytest.mark.django_db
def test_the_sweeper_makes_what_nobody_asked_for() -> None:
    people = [person(f"p{n}", verified_at=START + n * S) for n in range(3)]
    person("unverified", verified=False)

    assert trials.make_missing() == 3
    assert trials.make_missing() == 0
    assert [Trial.objects.for_user(each.id).get().ends_at for each in people] == [
        END + n * S for n in range(3)
    ]


@pytest.mark.django_db
def test_the_night_finds_whom_the_week_forgot() -> None:
    person("old", verified_at=START - timedelta(days=60))
    person("young", verified_at=START - timedelta(days=6))
    newest = person("newest", verified_at=START)
    api.entitlements_for(newest.id, START)

    assert trials.make_missing() == 1
    assert trials.make_missing(of_everybody=True) == 1
    assert Trial.objects.across_tenants("test").count() == 3


@pytest.mark.django_db
def test_one_reminder_on_day_five_and_one_mail_at_the_end(
    mailoutbox: list[EmailMessage],
) -> None:
    alice = person("alice", verified_at=START, time_zone="Europe/Berlin")
    trials.make_missing()
    reminder_at = END - 48 * H

    assert trials.remind(reminder_at - S) == 0
    assert trials.remind(reminder_at) == 1
    assert trials.remind(reminder_at + S) == 0
    assert trials.tell_ends(END - S) == 0
    assert trials.tell_ends(END) == 1
    assert trials.tell_ends(END + H) == 0

    reminder, end = mailoutbox
    assert (reminder.to, reminder.subject) == ([alice.email], "Your trial ends in two days")
    assert "9 November 2026, 13:00 (Europe/Berlin)" in reminder.body
    assert "59.99 USD a month" in reminder.body
    assert end.subject == "Your trial has ended"


@pytest.mark.django_db
def test_after_a_long_outage_nobody_is_told_what_is_long_past() -> None:
    person("alice", verified_at=START)
    trials.make_missing()

    assert trials.remind(END + H) == 0
    assert trials.tell_ends(END + timedelta(days=30)) == 0


@pytest.mark.django_db
def test_staff_extend_a_trial_with_a_reason() -> None:
    alice = person("alice", verified_at=START)
    trials.make_missing()
    trials.remind(END - 40 * H)
    staff_id = uuid4()

    grants.extend_trial(
        alice.id, hours=72, reason="Our outage on Friday", staff_id=staff_id, now=END - 24 * H
    )

    later = END + 72 * H
    assert api.entitlements_for(alice.id, later - S).state is State.TRIAL
    assert api.entitlements_for(alice.id, later).state is State.ENDED
    assert api.billing_view(alice.id).trial.extended_by_s == 72 * 3600  # type: ignore[union-attr]
    assert trials.remind(later - 48 * H) == 1, "the new end is reminded of anew"
    line = AuditEntry.objects.get(action="grant_given")
    assert (line.actor_id, line.subject_id) == (staff_id, alice.id)
    assert line.details["reason"] == "Our outage on Friday"


@pytest.mark.django_db
def test_a_trial_that_is_over_goes_on_from_now_and_can_be_taken_back() -> None:
    alice = person("alice", verified_at=START)
    trials.make_missing()
    now = END + 10 * 24 * H

    given = grants.extend_trial(
        alice.id, hours=24, reason="Asked kindly", staff_id=uuid4(), now=now
    )

    assert api.entitlements_for(alice.id, now + 24 * H - S).state is State.TRIAL
    assert api.entitlements_for(alice.id, now + 24 * H).state is State.ENDED
    grants.withdraw_grant(given.id, staff_id=uuid4(), now=now + H)
    assert api.entitlements_for(alice.id, now + H).state is State.ENDED
    with pytest.raises(NotAllowed):
        grants.withdraw_grant(given.id, staff_id=uuid4(), now=now + H)


@pytest.mark.django_db
def test_above_thirty_days_a_second_person_agrees() -> None:
    alice = person("alice", verified_at=START)
    trials.make_missing()
    first, second = uuid4(), uuid4()
    now = END + 24 * H

    grants.extend_trial(alice.id, hours=31 * 24, reason="Partner of ours", staff_id=first, now=now)
    [waiting] = api.grants_waiting()
    assert api.entitlements_for(alice.id, now).state is State.ENDED, "nothing counts yet"
    with pytest.raises(NotAllowed, match="second person"):
        grants.confirm_grant(waiting.id, staff_id=first, now=now)

    grants.confirm_grant(waiting.id, staff_id=second, now=now)

    until = now + 31 * 24 * H
    assert api.grants_waiting() == []
    assert api.entitlements_for(alice.id, until - S).state is State.TRIAL
    assert api.entitlements_for(alice.id, until).state is State.ENDED
    with pytest.raises(NotAllowed):
        grants.confirm_grant(waiting.id, staff_id=uuid4(), now=now)


@pytest.mark.django_db
def test_thirty_days_in_slices_need_a_second_person_too() -> None:
    alice = person("alice", verified_at=START)
    staff_id = uuid4()

    slices = [
        grants.give_access(
            alice.id, until=START + 20 * 24 * H, reason="A slice", staff_id=staff_id, now=START
        )
        for _ in range(2)
    ]

    assert [each.waits for each in slices] == [False, True]


@pytest.mark.django_db
def test_access_counts_once_it_is_agreed_and_until_it_is_withdrawn() -> None:
    alice = person("alice", verified_at=START)
    now, until = END + H, END + 40 * 24 * H
    given = grants.give_access(
        alice.id, until=until, reason="A partner of ours", staff_id=uuid4(), now=now
    )
    states = [api.entitlements_for(alice.id, now).state]

    grants.confirm_grant(given.id, staff_id=uuid4(), now=now)
    states.append(api.entitlements_for(alice.id, until - S).state)
    grants.withdraw_grant(given.id, staff_id=uuid4(), now=now + H)
    states.append(api.entitlements_for(alice.id, now + H).state)

    assert states == [State.ENDED, State.ACTIVE, State.ENDED]
    told = AuditEntry.objects.filter(action__startswith="grant").order_by("sequence")
    assert [each.action for each in told] == ["grant_given", "grant_confirmed", "grant_withdrawn"]


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["", "  ", "abc"])
def test_nothing_is_given_without_a_reason(reason: str) -> None:
    alice = person("alice", verified_at=START)

    with pytest.raises(InvalidInput, match="reason"):
        grants.give_access(alice.id, until=START + H, reason=reason, staff_id=uuid4(), now=START)

    assert api.grants_of(alice.id) == []
