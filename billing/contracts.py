"""What other rooms may know of what someone may use: frozen, without Django."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class Feature(StrEnum):
    """One thing that a state opens; every door asks for one of these."""

    LIVE_SIGNALS = "live_signals"
    """Open signals of the real market as they are issued; the simulated market is open to all."""
    API = "api"
    """Personal tokens."""
    EXPORT = "export"
    """Files of signals and of the record, beyond what the public pages show."""
    PAPER = "paper"
    BOT = "bot"
    """Opening positions; what reduces risk needs MANAGE_POSITIONS only."""
    ALERTS = "alerts"
    MANAGE_POSITIONS = "manage_positions"
    """See, protect and close what is open. Nobody with an account ever loses it."""


class State(StrEnum):
    """Where someone stands."""

    DEMO = "demo"
    TRIAL = "trial"
    ACTIVE = "active"
    GRACE = "grace"
    """A payment failed less than seven days ago: everything works, a banner says so."""
    CLOSE_ONLY = "close_only"
    """A payment is owed for longer: positions can be managed, nothing new is opened."""
    ENDED = "ended"
    """Trial or subscription is over: the demo, and the management of what is open."""
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What someone may use at one moment, and why."""

    state: State
    features: frozenset[Feature]
    until: datetime | None
    """When this state ends by itself, if nothing happens; None: no end is known."""
    code: str
    """Stable reason, as `trial_running` or `cancelled_to_period_end`."""
    sentence: str
    """The reason in words, for the person it is about."""
    others: tuple[str, ...] = ()
    """Further facts that were weighed, in words, for staff."""

    def allows(self, feature: Feature) -> bool:
        """Say whether the feature is open."""
        return feature in self.features


@dataclass(frozen=True, slots=True)
class PlanView:
    """What is sold."""

    slug: str
    name: str
    price: Decimal
    """In whole units of the currency, as 59.99."""
    currency: str
    interval: str
    trial_hours: int


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """One invoice, as the payment provider has it."""

    number: str
    issued_at: datetime
    total: Decimal
    tax: Decimal
    currency: str
    status: str
    """draft, open, paid, uncollectible or void, or refunded."""
    hosted_url: str
    """The provider's page of it: pay, print, save."""
    pdf_url: str


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """A subscription, as the payment provider has it."""

    status: str
    """As Stripe says: trialing, active, past_due, unpaid, incomplete, canceled, paused …"""
    price: Decimal
    currency: str
    started_at: datetime
    period_ends_at: datetime | None
    is_ending: bool
    """It was cancelled and runs to the end of its period."""
    ended_at: datetime | None
    past_due_since: datetime | None
    action_url: str
    """Where the person has to act (confirm a payment, pay an invoice); empty: nowhere."""
    has_dispute: bool


@dataclass(frozen=True, slots=True)
class TrialView:
    """The trial of somebody."""

    started_at: datetime
    ends_at: datetime
    extended_by_s: int


@dataclass(frozen=True, slots=True)
class BillingView:
    """Everything the billing page shows of one person."""

    user_id: UUID
    entitlements: Entitlements
    plan: PlanView
    trial: TrialView | None
    trial_refused: str
    """Why there is no trial although the address was confirmed; empty otherwise."""
    subscription: SubscriptionView | None
    invoices: tuple[InvoiceView, ...]
    is_standin: bool
    """Payments are played by a local stand-in: no money moves."""
    provider_trouble: str
    """What to say while the payment provider does not answer; empty while it does."""


@dataclass(frozen=True, slots=True)
class GrantView:
    """Access or time that staff gave."""

    id: int
    user_id: UUID
    kind: str
    """trial_extension, full_access or keep_after_refund."""
    reason: str
    starts_at: datetime
    ends_at: datetime
    given_by: UUID
    confirmed_by: UUID | None
    waits: bool
    """A second person has to agree before it counts."""
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Revenue:
    """What comes in, for the staff console."""

    n_paying: int
    """People with a subscription that is paid for or in its days of grace."""
    mrr: Decimal
    """Their monthly prices together, before tax and discounts."""
    currency: str
    n_new_30d: int
    n_lost_30d: int
    churn_30d: float | None
    """Lost in 30 days over those who paid 30 days ago; None: nobody did."""


@dataclass(frozen=True, slots=True)
class DriftView:
    """One way in which our rows differed from the payment provider's before they were mended."""

    customer_id: str
    user_id: UUID | None
    thing: str
    """The id of the object at the provider."""
    what: str
    """A field, `missing`, `unknown`, `unknown_customer`, `two_live` or `missed_event`."""
    is_mended: bool
