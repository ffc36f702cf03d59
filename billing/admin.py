"""Tables of money in the staff console: what the provider told us, to be read and never written."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from billing import api
from billing.models import Customer, Grant, Invoice, Plan, ProviderEvent, Subscription, Trial
from billing.services.desk import dashboard_url
from billing.services.plans import money
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.platform.admin import RecordAdmin, pretty_json, staff_id_of

REPLAY_RIGHT = "console.replay"


def _link(kind: str, provider_id: str) -> SafeString | str:
    address = dashboard_url(kind, provider_id)
    if not address:
        return provider_id
    return format_html(
        '<a class="console-link" href="{}" rel="noopener noreferrer" target="_blank">{}</a>',
        address,
        provider_id,
    )


class _OfSomebody(RecordAdmin):
    """Rows that belong to a person."""

    list_select_related = ("user",)


@admin.register(Subscription)
class SubscriptionAdmin(_OfSomebody):
    """Subscriptions as the provider had them at the last fetch."""

    list_display = ("user", "status", "price", "at_provider", "started_at", "period_ends_at")
    list_filter = ("status", "is_ending", "has_dispute", "is_refunded")
    search_fields = ("user__email", "provider_id")
    ordering = ("-started_at",)

    @admin.display(description=gettext_lazy("Price"), ordering="amount_minor")
    def price(self, row: Subscription) -> str:
        """Return the price in whole units."""
        return f"{money(row.amount_minor)} {row.currency.upper()}"

    @admin.display(description=gettext_lazy("At the provider"))
    def at_provider(self, row: Subscription) -> SafeString | str:
        """Link to the provider's page."""
        return _link("subscriptions", row.provider_id)


@admin.register(Customer)
class CustomerAdmin(_OfSomebody):
    """Who is which customer at the provider."""

    list_display = ("user", "at_provider", "created_at", "synced_at", "trouble")
    search_fields = ("user__email", "provider_id")
    ordering = ("-created_at",)

    @admin.display(description=gettext_lazy("At the provider"))
    def at_provider(self, row: Customer) -> SafeString | str:
        """Link to the provider's page."""
        return _link("customers", row.provider_id)


@admin.register(Invoice)
class InvoiceAdmin(_OfSomebody):
    """Invoices as the provider had them."""

    list_display = ("number", "user", "status", "total", "at_provider", "issued_at")
    list_filter = ("status", "issued_at")
    search_fields = ("number", "user__email", "provider_id")
    ordering = ("-issued_at",)

    @admin.display(description=gettext_lazy("Total"), ordering="total_minor")
    def total(self, row: Invoice) -> str:
        """Return the total in whole units."""
        return f"{money(row.total_minor)} {row.currency.upper()}"

    @admin.display(description=gettext_lazy("At the provider"))
    def at_provider(self, row: Invoice) -> SafeString | str:
        """Link to the provider's page."""
        return _link("invoices", row.provider_id)


@admin.register(Trial)
class TrialAdmin(_OfSomebody):
    """Trials; they are extended on the person's page, with a reason."""

    list_display = ("user", "started_at", "ends_at", "extended_by_s", "refused")
    list_filter = ("refused", "ends_at")
    search_fields = ("user__email",)
    ordering = ("-ends_at",)


@admin.register(Grant)
class GrantAdmin(_OfSomebody):
    """What staff gave; it is given on the person's page, with a reason."""

    list_display = ("user", "kind", "ends_at", "needs_second_person", "confirmed_by", "reason")
    list_filter = ("kind", "needs_second_person", "withdrawn_at")
    search_fields = ("user__email", "reason")
    ordering = ("-created_at",)


@admin.register(Plan)
class PlanAdmin(RecordAdmin):
    """What is sold. The price is the provider's; a new price object becomes a new row."""

    list_display = ("name", "version", "amount_minor", "currency", "interval", "is_offered")
    ordering = ("slug", "-version")


@admin.register(ProviderEvent)
class ProviderEventAdmin(RecordAdmin):
    """The webhook inbox: what came, how far it is, and a way to work it once more."""

    list_display = ("type", "provider_id", "state", "attempts", "received_at", "note")
    list_filter = ("state", "type", "received_at")
    search_fields = ("provider_id", "type", "customer_id")
    ordering = ("-received_at",)
    actions = (*RecordAdmin.actions, "replay_rows")
    change_form_outer_before_template = "console/replay.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = [name for name in super().get_fields(request, obj) if name != "payload"]
        return [*names, "payload_to_read"]

    @admin.display(description=gettext_lazy("Payload"))
    def payload_to_read(self, row: ProviderEvent) -> SafeString:
        """Show the payload with secrets covered."""
        return pretty_json(row.payload)

    def has_replay_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether this person may have an event worked again."""
        return request.user.has_perm(REPLAY_RIGHT)

    def get_urls(self) -> list[Any]:
        again = path(
            "<int:pk>/replay/",
            self.admin_site.admin_view(require_POST(self.replay)),
            name="billing_providerevent_replay",
        )
        return [again, *super().get_urls()]

    def replay(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have one event worked once more."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        self._replay(request, [pk])
        return redirect("admin:billing_providerevent_change", pk)

    @admin.action(
        permissions=["replay"], description=gettext_lazy("Work the chosen events once more")
    )
    def replay_rows(self, request: HttpRequest, queryset: Any) -> None:
        """Have several events worked once more."""
        self._replay(request, list(queryset.values_list("pk", flat=True)))

    def _replay(self, request: HttpRequest, pks: list[int]) -> None:
        asked = 0
        for pk in pks:
            try:
                api.replay_event(pk, staff_id=staff_id_of(request))
                asked += 1
            except CryptoSystemsError as error:
                messages.error(request, f"{pk}: {error}")
        if asked:
            messages.success(
                request, _("Asked to be worked once more: %(count)s.") % {"count": asked}
            )
