"""The door of the billing room: who may use what, and everything that has to do with paying."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from billing.contracts import (
    BillingView,
    DriftView,
    Entitlements,
    Feature,
    GrantView,
    PlanView,
    Revenue,
    State,
    SubscriptionView,
)
from billing.services import (
    checkout,
    console,
    deletion,
    desk,
    facts,
    grants,
    inbox,
    overview,
    plans,
    subscriptions,
    sync,
)
from billing.services import reconcile as reconciling
from billing.services.waking import wake
from cryptosystems.kernel.errors import NotAllowed


def entitlements_for(user_id: UUID | None, now: datetime | None = None) -> Entitlements:
    """Return what a person may use now, and why; None is a visitor, who has the demo."""
    return facts.entitlements_of(user_id, now)


def require(user_id: UUID | None, feature: Feature, now: datetime | None = None) -> Entitlements:
    """Return the entitlements if they open the feature.

    Raises
    ------
    NotAllowed
        With code `not_entitled` and the sentence that says why and what opens it.
    """
    held = entitlements_for(user_id, now)
    if not held.allows(feature):
        raise NotAllowed(held.sentence, code="not_entitled")
    return held


def offer() -> PlanView:
    """Return what is sold."""
    return plans.offer()


def billing_view(user_id: UUID) -> BillingView:
    """Return everything the billing page shows; asks nobody outside."""
    return overview.billing_view(user_id)


def examine_price(within_s: float) -> str:
    """Return the price object's id if the provider answers and it is what we publish.

    Raises
    ------
    NeedsOperator, RetryLater
        If it is not, or the provider is silent for so long; the message says which.
    """
    return plans.examine_price(within_s).id


def is_standin() -> bool:
    """Say whether payments are played by a local stand-in, so that no money moves."""
    return plans.is_standin()


def start_checkout(user_id: UUID, *, plan_slug: str, success_url: str, cancel_url: str) -> str:
    """Return where to pay: the checkout, or the portal while a subscription lives.

    Coming back to `success_url` grants nothing: call `sync_user` and ask for entitlements.
    """
    return checkout.start_checkout(
        user_id, plan_slug=plan_slug, success_url=success_url, cancel_url=cancel_url
    )


def billed_from(user_id: UUID, now: datetime | None = None) -> datetime | None:
    """Return when somebody who subscribes now pays first; None: at once. Say it before they do."""
    return checkout.honoured_trial(user_id, now or timezone.now())


def checkout_closed() -> str:
    """Return why nobody can subscribe now, to be said where the button is; empty: it is open."""
    return checkout.why_closed()


def open_portal(user_id: UUID, *, return_url: str) -> str:
    """Return the address of the provider's page for cards, invoices and cancelling."""
    return checkout.open_portal(user_id, return_url=return_url)


def cancel_subscription(user_id: UUID) -> SubscriptionView:
    """Let the subscription end with the period that is paid for."""
    return subscriptions.cancel_subscription(user_id)


def reactivate_subscription(user_id: UUID) -> SubscriptionView:
    """Take a cancellation back while the period still runs."""
    return subscriptions.reactivate_subscription(user_id)


def sync_user(user_id: UUID) -> None:
    """Fetch the truth about a person from the provider now."""
    sync.sync_user(user_id)


def stop_renewal(user_id: UUID) -> bool:
    """Let somebody who asked to be deleted not be charged again; a sweep repairs a failure."""
    return deletion.stop_renewal(user_id)


def close_for_deletion(user_id: UUID) -> None:
    """End every subscription at once, before an account is deleted."""
    subscriptions.close_for_deletion(user_id)


def extend_trial(user_id: UUID, *, hours: int, reason: str, staff_id: UUID) -> GrantView:
    """Move the end of a trial; above 30 days it waits for a second person."""
    return grants.extend_trial(user_id, hours=hours, reason=reason, staff_id=staff_id)


def give_access(user_id: UUID, *, until: datetime, reason: str, staff_id: UUID) -> GrantView:
    """Open everything for a person; above 30 days it waits for a second person."""
    return grants.give_access(user_id, until=until, reason=reason, staff_id=staff_id)


def keep_after_refund(user_id: UUID, *, reason: str, staff_id: UUID, until: datetime) -> GrantView:
    """Let a subscription count although its payment was given back."""
    return grants.keep_after_refund(user_id, reason=reason, staff_id=staff_id, until=until)


def confirm_grant(grant_id: int, *, staff_id: UUID) -> None:
    """Agree, as the second person."""
    grants.confirm_grant(grant_id, staff_id=staff_id)


def withdraw_grant(grant_id: int, *, staff_id: UUID) -> None:
    """Take back what was given, from now on."""
    grants.withdraw_grant(grant_id, staff_id=staff_id)


def grants_waiting() -> list[GrantView]:
    """Return what waits for a second person, the oldest first."""
    return grants.grants_waiting()


def grants_of(user_id: UUID) -> list[GrantView]:
    """Return everything that was given to a person, the newest first."""
    return grants.grants_of(user_id)


def people_by_state(now: datetime | None = None) -> dict[State, int]:
    """Return how many people with a confirmed address stand in each state."""
    return console.people_by_state(now)


def trials_ending(within_h: int = 48, now: datetime | None = None) -> list[tuple[UUID, datetime]]:
    """Return whose trial ends soon, the nearest first."""
    return console.trials_ending(within_h, now)


def revenue(now: datetime | None = None) -> Revenue:
    """Return what comes in a month, and who came and went in the last 30 days."""
    return console.revenue(now)


def replay_event(pk: int, *, staff_id: UUID) -> None:
    """Let an event of the provider be worked once more."""
    inbox.replay(pk, staff_id=staff_id, wake=wake)


def reconcile(now: datetime | None = None) -> list[DriftView]:
    """Compare everything with the provider, mend it, and return what had drifted."""
    return reconciling.reconcile_all(now)


def events_by_state() -> dict[str, int]:
    """Return how many events of the provider wait, are done, parked or failed."""
    return desk.events_by_state()


def last_event_fault() -> tuple[str, datetime] | None:
    """Return what the newest unworked event says, and when it came."""
    return desk.last_event_fault()


def provider_links(user_id: UUID) -> list[tuple[str, str]]:
    """Return (id, address) of a person's objects at the provider; the stand-in has no addresses."""
    return desk.provider_links(user_id)
