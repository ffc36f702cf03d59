"""Tables of signals and models in the staff console: the record is read, never written."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.platform.admin import RecordAdmin, pretty_json, staff_id_of
from signals.models import ChainEntry, ModelVersion, RejectedSetup, Settlement, Signal
from signals.services import promotion

TRAIN_RIGHT = "console.train"


@admin.register(Signal)
class SignalAdmin(RecordAdmin):
    """Signals as they were issued."""

    list_display = ("number", "origin", "symbol", "timeframe", "side", "issued_at", "stands")
    list_filter = ("origin", "side", "timeframe", "trigger", "current__state", "issued_at")
    list_select_related = ("current",)
    search_fields = ("symbol", "=id", "=number", "model_version")
    ordering = ("-number",)

    @admin.display(description=gettext_lazy("State"))
    def stands(self, row: Signal) -> str:
        """Return where it stands now."""
        return row.current.state


@admin.register(Settlement)
class SettlementAdmin(RecordAdmin):
    """How signals ended."""

    list_display = ("signal", "result", "net_r", "gross_r", "closed_at")
    list_filter = ("result", "signal__origin", "closed_at")
    list_select_related = ("signal",)
    search_fields = ("signal__symbol", "=signal__id")
    ordering = ("-closed_at",)


@admin.register(RejectedSetup)
class RejectedSetupAdmin(RecordAdmin):
    """Setups that a gate turned down, and what became of them."""

    list_display = ("at", "origin", "symbol", "timeframe", "side", "gate", "result", "net_r")
    list_filter = ("origin", "gate", "timeframe", "result", "at")
    search_fields = ("symbol",)
    ordering = ("-pk",)


@admin.register(ChainEntry)
class ChainEntryAdmin(RecordAdmin):
    """The links that make signals and settlements tamper-evident."""

    list_display = ("sequence", "kind", "signal_id", "hash")
    list_filter = ("kind",)
    search_fields = ("=signal_id", "=hash")
    ordering = ("-sequence",)


@admin.register(ModelVersion)
class ModelVersionAdmin(RecordAdmin):
    """Trained models with their out-of-sample scores; promote one, or roll back."""

    list_display = ("version", "origin", "status", "trained_at", "data_until", "promoted_at")
    list_filter = ("origin", "status")
    search_fields = ("version",)
    ordering = ("-trained_at",)
    change_form_outer_before_template = "console/model.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = [name for name in super().get_fields(request, obj) if name != "report"]
        return [*names, "scores"]

    @admin.display(description=gettext_lazy("Report"))
    def scores(self, row: ModelVersion) -> SafeString:
        """Show how it scored on what it had not seen."""
        return pretty_json(row.report)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a model with what may be done to it."""
        row: Any = self.get_object(request, object_id)
        shown: HttpResponse = super().change_view(
            request,
            object_id,
            form_url,
            {
                "may_train": request.user.has_perm(TRAIN_RIGHT),
                "before": None if row is None else promotion.predecessor(row),
                **(extra_context or {}),
            },
        )
        return shown

    def get_urls(self) -> list[Any]:
        acts = [
            path(
                f"<int:pk>/{act}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"signals_modelversion_{act}",
            )
            for act, view in (("promote", self.promote), ("roll_back", self.roll_back))
        ]
        return [*acts, *super().get_urls()]

    def promote(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let this model speak."""
        return self._do(request, pk, promotion.promote)

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let the one before speak again."""
        return self._do(request, pk, promotion.roll_back)

    def _do(self, request: HttpRequest, pk: int, act: Callable[..., ModelVersion]) -> HttpResponse:
        if not request.user.has_perm(TRAIN_RIGHT):
            raise PermissionDenied
        staff_id = staff_id_of(request)
        try:
            row = act(pk, reason=request.POST.get("reason", ""), staff_id=staff_id)
        except CryptoSystemsError as error:
            messages.error(request, str(error))
            return redirect("admin:signals_modelversion_change", pk)
        messages.success(
            request,
            _("%(model)s speaks now. The engine takes it up within seconds.")
            % {"model": row.version},
        )
        return redirect("admin:signals_modelversion_change", row.pk)
