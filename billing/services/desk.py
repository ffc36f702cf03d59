"""What the staff console shows of billing beyond figures: the inbox, and links to the provider."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Count

from billing.models import Customer, ProviderEvent, Subscription
from billing.services.plans import is_standin

_DASHBOARD: Final = "https://dashboard.stripe.com"


def events_by_state() -> dict[str, int]:
    """Return how many events of the provider stand in each state of the inbox."""
    found = ProviderEvent.objects.values_list("state").annotate(n=Count("pk")).order_by()
    return {**dict.fromkeys(ProviderEvent.State.values, 0), **dict(found)}


def last_event_fault() -> tuple[str, datetime] | None:
    """Return what the newest event that could not be worked says, and when it came."""
    row = (
        ProviderEvent.objects.exclude(note="")
        .exclude(state=ProviderEvent.State.DONE)
        .order_by("-received_at")
        .first()
    )
    return None if row is None else (f"{row.type}: {row.note}", row.received_at)


def dashboard_url(kind: str, provider_id: str) -> str:
    """Return the provider's own page of an object; empty at the stand-in, which has none."""
    if is_standin() or not provider_id:
        return ""
    test = "" if settings.STRIPE_SECRET_KEY.startswith(("sk_live", "rk_live")) else "/test"
    return f"{_DASHBOARD}{test}/{kind}/{provider_id}"


def provider_links(user_id: UUID) -> list[tuple[str, str]]:
    """Return (id, address) of a person's customer and subscriptions at the provider."""
    customers = Customer.objects.for_user(user_id).values_list("provider_id", flat=True)
    subscriptions = Subscription.objects.for_user(user_id).order_by("-started_at")
    return [
        *((held, dashboard_url("customers", held)) for held in customers),
        *(
            (held, dashboard_url("subscriptions", held))
            for held in subscriptions.values_list("provider_id", flat=True)
        ),
    ]
