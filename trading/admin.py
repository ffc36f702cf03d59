"""Trading in the staff console: to be read; switches are thrown by one and cleared by two."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from cryptosystems.kernel.errors import CryptoSystemsError, InvalidInput
from cryptosystems.platform.admin import RecordAdmin, pretty_json, staff_id_of
from trading import api
from trading.contracts import StopMode
from trading.models import (
    BotSettings,
    CashFlowRow,
    Fill,
    JournalEntry,
    KeyCheck,
    KillSwitch,
    SecretOpening,
    Trade,
    TradeOrder,
    TradingAccount,
)
from trading.services import stops

SWITCH_RIGHT = "console.switch"


class _OfSomebody(RecordAdmin):
    """Rows that belong to a person."""

    list_select_related = ("user",)


@admin.register(TradingAccount)
class TradingAccountAdmin(_OfSomebody):
    """Accounts at exchanges. No key and no secret is among what is shown."""

    hidden: ClassVar[tuple[str, ...]] = ("api_key", "sealed_secret", "uid_index")
    list_display = ("user", "venue", "label", "state", "key_tail", "checked_at", "created_at")
    list_filter = ("venue", "state", "key_kind")
    search_fields = ("user__email", "label")
    ordering = ("-created_at",)

    @admin.display(description=gettext_lazy("Key"))
    def key_tail(self, row: TradingAccount) -> str:
        """Return the end of the key's name."""
        return f"…{row.api_key[-4:]}" if row.api_key else ""


@admin.register(KeyCheck)
class KeyCheckAdmin(_OfSomebody):
    """What the permission tests found."""

    list_display = ("account", "name", "state", "sentence", "at")
    list_filter = ("name", "state")
    search_fields = ("user__email",)
    ordering = ("-at",)


@admin.register(SecretOpening)
class SecretOpeningAdmin(RecordAdmin):
    """The ledger: which process opened which account's secret, and what for."""

    list_display = ("at", "account_id", "user_id", "process", "purpose")
    list_filter = ("process", "purpose", "at")
    search_fields = ("account_id", "user_id")
    ordering = ("-pk",)


@admin.register(BotSettings)
class BotSettingsAdmin(_OfSomebody):
    """How bots are set."""

    list_display = (
        "account",
        "user",
        "mode",
        "is_automatic",
        "risk_percent",
        "pause_code",
        "equity",
    )
    list_filter = ("mode", "is_automatic", "pause_code")
    search_fields = ("user__email",)
    ordering = ("account",)


@admin.register(Trade)
class TradeAdmin(_OfSomebody):
    """What was done about signals."""

    list_display = (
        "decided_at",
        "user",
        "venue",
        "symbol",
        "side",
        "state",
        "reason",
        "stop_seen_at",
        "naked_since",
    )
    list_filter = ("state", "venue", "how", "decided_at")
    search_fields = ("user__email", "symbol", "id", "signal_id")
    ordering = ("-decided_at",)


@admin.register(TradeOrder)
class TradeOrderAdmin(_OfSomebody):
    """Orders of ours, each with the class its call ended in."""

    list_display = ("prepared_at", "user", "trade", "leg", "attempt", "state", "outcome", "code")
    list_filter = ("state", "outcome", "leg", "service")
    search_fields = ("user__email", "client_id", "exchange_id", "trade__id")
    ordering = ("-prepared_at",)


@admin.register(Fill)
class FillAdmin(_OfSomebody):
    """Executions; those that belong to nothing of ours have no trade."""

    list_display = ("at", "user", "symbol", "leg", "order_side", "quantity", "price", "reason")
    list_filter = ("leg", "reason", "at")
    search_fields = ("user__email", "symbol", "exchange_order_id")
    ordering = ("-at",)


@admin.register(CashFlowRow)
class CashFlowAdmin(_OfSomebody):
    """The exchange's own income lines."""

    list_display = ("at", "user", "kind", "symbol", "amount", "asset")
    list_filter = ("kind", "at")
    search_fields = ("user__email", "symbol")
    ordering = ("-at",)


@admin.register(JournalEntry)
class JournalAdmin(_OfSomebody):
    """The story of every trade and account, in order."""

    list_display = ("at", "user", "kind", "sentence", "actor", "release")
    list_filter = ("kind", "actor", "at")
    search_fields = ("user__email", "trade_id")
    ordering = ("-pk",)
    hidden: ClassVar[tuple[str, ...]] = ("details",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_fields(request, obj), "told"]

    @admin.display(description=gettext_lazy("Details"))
    def told(self, row: JournalEntry) -> SafeString:
        """Return the details with everything that looks like a secret covered."""
        return pretty_json(row.details)


@admin.register(KillSwitch)
class KillSwitchAdmin(RecordAdmin):
    """Switches of a person, a symbol or a model version; the platform's own are under Switches."""

    list_display = ("scope", "key", "mode", "reason", "thrown_at", "clear_asked_at", "cleared_at")
    list_filter = ("scope", "mode", "cleared_at")
    search_fields = ("key", "reason")
    ordering = ("-thrown_at",)
    change_form_outer_before_template = "trading/admin/switch.html"
    list_before_template = "trading/admin/switches.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("throw/", view(require_POST(self.throw)), name="trading_killswitch_throw"),
            path(
                "<int:pk>/clear/", view(require_POST(self.clear)), name="trading_killswitch_clear"
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        extra = {
            "may_switch": request.user.has_perm(SWITCH_RIGHT),
            "scopes": stops.SCOPES,
            "modes": [mode.value for mode in StopMode],
        }
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        extra = {"may_switch": request.user.has_perm(SWITCH_RIGHT)}
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **extra}
        )

    def throw(self, request: HttpRequest) -> HttpResponse:
        """Throw a switch; it acts on the next order in every process."""
        return self._do(request, "thrown", self._throw)

    def _throw(self, request: HttpRequest, staff_id: UUID) -> None:
        try:
            mode = StopMode(request.POST.get("mode", ""))
        except ValueError:
            raise InvalidInput(_("Choose what the switch is to stop.")) from None
        scope, key = request.POST.get("scope", ""), request.POST.get("key", "").strip()
        reason = request.POST.get("reason", "")
        api.throw_switch(scope, key[:64], mode, reason, staff_id=staff_id)

    def clear(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask that a switch be cleared, or agree to what somebody else asked."""

        def act(request: HttpRequest, staff_id: UUID) -> None:
            now = timezone.now()
            if request.POST.get("agree"):
                stops.agree_clear(pk, by=staff_id, now=now)
            else:
                stops.ask_clear(pk, by=staff_id, now=now)

        return self._do(request, "clear", act)

    def _do(self, request: HttpRequest, what: str, act: Any) -> HttpResponse:
        if not request.user.has_perm(SWITCH_RIGHT):
            raise PermissionDenied
        try:
            act(request, staff_id_of(request))
        except CryptoSystemsError as error:
            messages.error(request, str(error))
        else:
            done = _("The switch is thrown.") if what == "thrown" else _("It is noted.")
            messages.success(request, done)
        return redirect("admin:trading_killswitch_changelist")
