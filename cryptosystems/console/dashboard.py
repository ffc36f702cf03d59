"""The console's first page: every figure with its definition, and no figure that is not measured.

A part that a person may not see is not computed for them. The number of queries does not depend
on how many people or signals there are (beyond one page of people at a time).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import api as accounts
from billing import api as billing
from billing.contracts import State
from cryptosystems.console import machine
from cryptosystems.platform import switches
from signals import api as signals

DAYS: Final = 14
ENDING_H: Final = 48
SHOWN_ENDING: Final = 20

STATE_WORDS: Final = {
    State.DEMO: (gettext_lazy("Demo"), gettext_lazy("confirmed, without a trial or subscription")),
    State.TRIAL: (gettext_lazy("Trial"), gettext_lazy("in the trial, without payment")),
    State.ACTIVE: (gettext_lazy("Active"), gettext_lazy("paid, or given by staff")),
    State.GRACE: (gettext_lazy("Grace"), gettext_lazy("payment failed less than 7 days ago")),
    State.CLOSE_ONLY: (gettext_lazy("Close only"), gettext_lazy("payment owed for longer")),
    State.ENDED: (gettext_lazy("Ended"), gettext_lazy("trial or subscription is over")),
    State.STAFF: (gettext_lazy("Staff"), gettext_lazy("members of staff")),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it counts, and where its limits lie."""

    title: str
    value: str
    caption: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A trial that ends soon."""

    user_id: UUID
    email: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """People who came on one day (UTC)."""

    day: Any
    joined: int
    verified: int


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one origin, with its interval."""

    origin: str
    n: int
    text: str
    caption: str


def figures_for(user: Any, now: datetime) -> dict[str, Any]:
    """Return the parts of the dashboard that this person may see."""
    figures: dict[str, Any] = {"at": now}
    if user.has_perm("accounts.view_user"):
        figures["people"] = _people(now)
        figures["days"] = _days(now)
        figures["ending"] = _ending(now)
    if user.has_perm("billing.view_subscription"):
        figures["money"] = _money(now)
    if user.has_perm("console.grant"):
        figures["grants"] = _grants()
    if user.has_perm("signals.view_signal"):
        figures["records"] = [_record(origin) for origin in signals.origins_with_signals()]
        figures["has_records"] = True
    if user.has_perm("console.see_machine"):
        figures["machine"] = _machine()
    figures["switches"] = [one for one in switches.all_switches(now) if _is_unusual(one)]
    return figures


def _is_unusual(one: switches.SwitchView) -> bool:
    """Say whether a switch stands otherwise than at first."""
    return one.is_on != switches.KNOWN[one.name].is_on_at_first


def _people(now: datetime) -> list[Figure]:
    counts = billing.people_by_state(now)
    known = accounts.people_count()
    figures = [
        Figure(str(title), f"{counts.get(state, 0):,}", str(caption))
        for state, (title, caption) in STATE_WORDS.items()
    ]
    figures.append(
        Figure(_("Not confirmed"), f"{known['unverified']:,}", _("signed up, address unconfirmed"))
    )
    return figures


def _days(now: datetime) -> list[Day]:
    first = (now - timedelta(days=DAYS - 1)).date()
    joined, verified = accounts.people_by_day(first)
    days = [first + timedelta(days=k) for k in range(DAYS)]
    return [Day(day, joined.get(day, 0), verified.get(day, 0)) for day in reversed(days)]


def _ending(now: datetime) -> list[Ending]:
    found = billing.trials_ending(ENDING_H, now)[:SHOWN_ENDING]
    people = accounts.users_by_id([user_id for user_id, _at in found])
    return [
        Ending(user_id, people[user_id].email, at) for user_id, at in found if user_id in people
    ]


def _money(now: datetime) -> list[Figure]:
    held = billing.revenue(now)
    currency = held.currency.upper()
    churn = _("not known yet") if held.churn_30d is None else f"{held.churn_30d:.1%}"
    return [
        Figure(
            _("Monthly recurring revenue"),
            f"{held.mrr:,.2f} {currency}",
            _("monthly prices of running subscriptions, before tax and discounts")
            + (" " + _("(stand-in: no money moves)") if billing.is_standin() else ""),
        ),
        Figure(_("Paying"), f"{held.n_paying:,}", _("people with a paid subscription or in grace")),
        Figure(_("New"), f"{held.n_new_30d:,}", _("paying subscriptions begun in 30 days")),
        Figure(_("Lost"), f"{held.n_lost_30d:,}", _("paid subscriptions ended in 30 days")),
        Figure(_("Churn"), churn, _("of those who paid 30 days ago, the share that left since")),
    ]


def _grants() -> list[dict[str, Any]]:
    waiting = billing.grants_waiting()
    ids = {grant.user_id for grant in waiting} | {grant.given_by for grant in waiting}
    people = accounts.users_by_id(list(ids))
    return [
        {"grant": grant, "person": people.get(grant.user_id), "giver": people.get(grant.given_by)}
        for grant in waiting
    ]


def _record(origin: str) -> Record:
    held = signals.track_record(origin)
    if held["win_rate"] is None:
        return Record(origin, held["n"], _("none settled yet"), _("entered and settled signals"))
    low, high = held["interval"]
    text = _("%(rate)s won (%(low)s to %(high)s)") % {
        "rate": f"{held['win_rate']:.1%}",
        "low": f"{low:.1%}",
        "high": f"{high:.1%}",
    }
    mean = f"{held['mean_r']:+.2f}"
    ends = held["mean_r_interval"]
    if ends is None:  # all of one day: nothing says how far it may be off
        caption = _("mean result %(mean)s R after costs, of a single day") % {"mean": mean}
    else:
        caption = _("mean result %(mean)s R (%(low)s to %(high)s) after costs") % {
            "mean": mean,
            "low": f"{ends[0]:+.2f}",
            "high": f"{ends[1]:+.2f}",
        }
    return Record(origin, held["n"], text, caption)


def _machine() -> dict[str, Any]:
    told = signals.status()
    queues = machine.queue_health()
    return {
        "told": told,
        "queues": queues,
        "is_long": queues.longest >= machine.LONG_QUEUE,
        "mail": machine.mail_health(),
        "events": billing.events_by_state(),
        "faults": machine.last_faults(told),
    }
