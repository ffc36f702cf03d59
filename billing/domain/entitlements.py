"""What someone may use, as one pure function of what is known and the time.

Each fact (the account, the trial, every grant, every subscription) proposes a state; the best
one wins. Nothing else in the product decides about access.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from billing.contracts import Entitlements, Feature, State
from billing.domain.periods import grace_end, is_within, utc
from billing.domain.sentences import SENTENCES

FULL: Final = frozenset(Feature)
MANAGE: Final = frozenset({Feature.MANAGE_POSITIONS})
_FULL_STATES: Final = frozenset({State.STAFF, State.ACTIVE, State.GRACE, State.TRIAL})
_BEST_FIRST: Final = (
    State.STAFF,
    State.ACTIVE,
    State.GRACE,
    State.TRIAL,
    State.CLOSE_ONLY,
    State.ENDED,
    State.DEMO,
)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class GrantKind(StrEnum):
    """What staff can give that weighs here; an extended trial is simply a later end of it."""

    FULL_ACCESS = "full_access"
    KEEP_AFTER_REFUND = "keep_after_refund"


@dataclass(frozen=True, slots=True)
class TrialFact:
    """The trial, given or refused."""

    starts_at: datetime
    ends_at: datetime
    refused: str = ""


@dataclass(frozen=True, slots=True)
class GrantFact:
    """Something staff gave, that counts (confirmed where it must be, not withdrawn)."""

    kind: GrantKind
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SubscriptionFact:
    """A subscription as the provider last told."""

    status: str
    period_ends_at: datetime | None = None
    is_ending: bool = False
    ended_at: datetime | None = None
    trial_ends_at: datetime | None = None
    """Until when it carried our trial over; None: it was billed at once."""
    past_due_since: datetime | None = None
    is_refunded: bool = False
    has_dispute: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is weighed about one person."""

    is_visitor: bool = False
    is_staff: bool = False
    is_active: bool = True
    is_verified: bool = False
    has_paid: bool = False
    """A payment has been taken at least once, whatever became of it."""
    trial: TrialFact | None = None
    grants: tuple[GrantFact, ...] = ()
    subscriptions: tuple[SubscriptionFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One fact's proposal."""

    state: State
    code: str
    until: datetime | None = None
    since: datetime | None = None

    @property
    def rank(self) -> tuple[int, datetime]:
        """Order by what is best for the person: the state, then the later end."""
        return (-_BEST_FIRST.index(self.state), self.until or _NEVER)


def entitlements(facts: Facts, now: datetime) -> Entitlements:
    """Return what these facts open at `now`, and why."""
    won, *others = weigh(facts, now)
    return Entitlements(
        state=won.state,
        features=_features(facts, won.state),
        until=won.until,
        code=won.code,
        sentence=say(won),
        others=tuple(say(other) for other in others),
    )


def weigh(facts: Facts, now: datetime) -> list[Standing]:
    """Return every proposal, the one that wins first."""
    proposals = list(_proposals(facts, utc(now)))
    return sorted(proposals, key=lambda proposal: proposal.rank, reverse=True)


def say(standing: Standing) -> str:
    """Return the sentence of a proposal in English, its times in UTC."""
    return SENTENCES[standing.code] % {
        "until": _date(standing.until),
        "since": _date(standing.since),
    }


def _date(at: datetime | None) -> str:
    return "" if at is None else f"{utc(at):%Y-%m-%d %H:%M} UTC"


def _features(facts: Facts, state: State) -> frozenset[Feature]:
    if state in _FULL_STATES:
        return FULL
    return frozenset() if facts.is_visitor else MANAGE


def _proposals(facts: Facts, now: datetime) -> Iterator[Standing]:
    if facts.is_visitor:
        yield Standing(State.DEMO, "visitor")
        return
    if not facts.is_active:
        yield Standing(State.DEMO, "account_closed")
        return
    if facts.is_staff:
        yield Standing(State.STAFF, "staff")
    for grant in facts.grants:
        if grant.kind is GrantKind.FULL_ACCESS and is_within(grant.starts_at, grant.ends_at, now):
            yield Standing(State.ACTIVE, "access_given", until=grant.ends_at)
    for subscription in facts.subscriptions:
        yield _of_subscription(subscription, facts, now)
    yield _of_trial(facts, now)


def _of_trial(facts: Facts, now: datetime) -> Standing:
    trial = facts.trial
    if trial is None:
        code = "trial_not_made" if facts.is_verified else "not_verified"
        return Standing(State.DEMO, code)
    if trial.refused:
        return Standing(State.DEMO, trial.refused)
    # Who disputes a payment is not let in by another way meanwhile, except by staff.
    is_disputed = any(each.has_dispute for each in facts.subscriptions)
    if _is_handed_over(trial, facts):
        return Standing(State.ENDED, "trial_handed_over")
    if is_within(trial.starts_at, trial.ends_at, now) and not is_disputed:
        return Standing(State.TRIAL, "trial_running", until=trial.ends_at)
    return Standing(State.ENDED, "trial_over", since=min(utc(trial.ends_at), now))


def _is_handed_over(trial: TrialFact, facts: Facts) -> bool:
    """Say whether a subscription took the trial over to its end; from then on it decides alone.

    The provider counts whole seconds. An end that staff moved further later is not handed over.
    """
    ends_at = utc(trial.ends_at) - timedelta(seconds=1)
    carried = (each.trial_ends_at for each in facts.subscriptions)
    return any(end is not None and utc(end) >= ends_at for end in carried)


def _of_subscription(fact: SubscriptionFact, facts: Facts, now: datetime) -> Standing:
    ended = Standing(
        State.ENDED, "subscription_ended", since=fact.ended_at or fact.period_ends_at or now
    )
    if fact.has_dispute:
        return Standing(State.CLOSE_ONLY, "disputed")
    if fact.status == "canceled":
        return ended
    if fact.is_refunded and not _is_kept(facts, now):
        return Standing(State.ENDED, "refunded")
    if fact.status in ("active", "trialing"):
        return _of_live(fact, ended, now)
    if fact.status == "past_due":
        return _of_past_due(fact, now)
    # unpaid, paused, incomplete, incomplete_expired, and whatever the provider invents next.
    if not facts.has_paid:
        return Standing(State.DEMO, "payment_not_finished")
    return Standing(State.CLOSE_ONLY, "paused" if fact.status == "paused" else "payment_owed")


def _of_live(fact: SubscriptionFact, ended: Standing, now: datetime) -> Standing:
    if fact.is_ending:
        if fact.period_ends_at is None or now >= utc(fact.period_ends_at):
            return ended
        return Standing(State.ACTIVE, "cancelled_to_period_end", until=fact.period_ends_at)
    return Standing(State.ACTIVE, "paid_trial" if fact.status == "trialing" else "subscribed")


def _of_past_due(fact: SubscriptionFact, now: datetime) -> Standing:
    # Without a date nothing says that the grace has not run out.
    if fact.past_due_since is None or now >= grace_end(fact.past_due_since):
        return Standing(State.CLOSE_ONLY, "payment_owed")
    return Standing(State.GRACE, "payment_failed", until=grace_end(fact.past_due_since))


def _is_kept(facts: Facts, now: datetime) -> bool:
    return any(
        grant.kind is GrantKind.KEEP_AFTER_REFUND and is_within(grant.starts_at, grant.ends_at, now)
        for grant in facts.grants
    )
