"""What every table of the staff console shares, and the platform's own tables.

A room describes its rows in its own `admin.py`; the console's site (`cryptosystems.console.site`)
gives them the second factor, the audit log and the frame.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from cryptosystems.platform.csv_files import csv_answer
from cryptosystems.platform.models import Announcement, OutgoingMail
from cryptosystems.platform.tenancy import TenantManager
from cryptosystems.platform.text import plain_text

EXPORT_RIGHT: Final = "console.export"
CONSOLE: Final = "the staff console"
_SECRET_NAME: Final = re.compile(
    r"secret|token|password|digest|private|api_?key|signature|client_reference", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(r"\b(?:sk|rk|whsec|pk)_[A-Za-z0-9_]{6,}|\bcst_[A-Za-z0-9_]{8,}")
MASK: Final = "•••"


def staff_id_of(request: HttpRequest) -> UUID:
    """Return who asks: the console lets nobody in who is not signed in."""
    staff_id = request.user.pk
    assert staff_id is not None
    return staff_id


def masked(value: Any) -> Any:
    """Return a JSON value with everything that looks like a secret covered."""
    if isinstance(value, dict):
        return {
            key: MASK if _SECRET_NAME.search(str(key)) and held else masked(held)
            for key, held in value.items()
        }
    if isinstance(value, list):
        return [masked(held) for held in value]
    return _SECRET_VALUE.sub(MASK, value) if isinstance(value, str) else value


def pretty_json(value: Any) -> SafeString:
    """Return a JSON value for reading: indented, secrets covered, escaped."""
    text = json.dumps(masked(value), indent=2, sort_keys=True, ensure_ascii=False, default=str)
    return format_html('<pre class="console-json">{}</pre>', text)


class ConsoleAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """A table whose rows staff may change; each change goes to the audit log, with its values."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True
    kept_elsewhere: ClassVar[tuple[str, ...]] = ()
    """Columns whose values another table keeps for good: the audit log does not repeat them."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows; a tenant's rows by their own door, under the console's name."""
        manager = self.model._default_manager
        if not isinstance(manager, TenantManager):
            rows: models.QuerySet[Any] = super().get_queryset(request)
            return rows
        held = manager.across_tenants(CONSOLE)
        ordering = self.get_ordering(request)
        return held.order_by(*ordering) if ordering else held

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        """Do an action on chosen rows; what cannot be the id of a row is no choice."""
        key = self.opts.pk
        for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                key.run_validators(key.to_python(text))
            except ValidationError:
                raise Http404 from None
            if "\0" in text:
                raise Http404
        return super().response_action(request, queryset)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "added", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._note(request, "deleted", obj, None)
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, what: str, obj: Any, message: Any) -> None:
        values = {
            field.name: getattr(obj, field.attname)
            for field in obj._meta.concrete_fields
            if not _SECRET_NAME.search(field.name) and field.name not in self.kept_elsewhere
        }
        self.admin_site.note(
            request,
            f"console_row_{what}",
            details={
                "model": obj._meta.label_lower,
                "row": str(obj.pk),
                "fields": _changed_fields(message),
                "values": json.loads(json.dumps(values, default=str)),
            },
        )


def _changed_fields(message: Any) -> list[str]:
    parts = message if isinstance(message, list) else []
    return [str(name) for part in parts for name in part.get("changed", {}).get("fields", [])]


class RecordAdmin(ConsoleAdmin):
    """A table of record: it can be read and exported, never added to, changed or deleted here."""

    hidden: ClassVar[tuple[str, ...]] = ()
    """Columns that are never shown and never exported: secrets, hashes of secrets, mail texts."""
    is_exportable: ClassVar[bool] = True
    actions: ClassVar[tuple[str, ...]] = ("export_rows",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Say whether this person may take rows away as a file."""
        return (
            self.is_exportable
            and request.user.has_perm(EXPORT_RIGHT)
            and self.has_view_permission(request)
        )

    def shown_fields(self) -> "list[models.Field[Any, Any]]":
        """Return the columns that may be seen."""
        return [field for field in self.opts.concrete_fields if field.name not in self.hidden]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.shown_fields()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)

    @admin.action(permissions=["export"], description=_("Export the chosen rows as CSV"))
    def export_rows(self, request: HttpRequest, queryset: Any) -> HttpResponseBase:
        """Send rows as a file."""
        return self.export_answer(request, queryset)

    def export_answer(self, request: HttpRequest, queryset: Any) -> HttpResponseBase:
        """Send rows as a file; who took how many is in the audit log first."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        fields = self.shown_fields()
        self.admin_site.note(
            request,
            "console_exported",
            details={"model": self.opts.label_lower, "rows": queryset.count()},
        )
        name = f"{self.opts.app_label}-{self.opts.model_name}"
        return csv_answer(
            request, name, [field.attname for field in fields], _rows(fields, queryset)
        )


def _rows(fields: "list[models.Field[Any, Any]]", queryset: Any) -> Iterator[list[Any]]:
    names = [field.attname for field in fields]
    for row in queryset.values_list(*names).iterator(chunk_size=500):
        yield [_cell(value) for value in row]


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(masked(value), sort_keys=True, default=str)
    return value


@admin.register(OutgoingMail)
class OutgoingMailAdmin(RecordAdmin):
    """Mail on its way; texts hold codes and links, so they are not shown."""

    hidden = ("body", "html")
    list_display = ("subject", "to", "created_at", "attempts", "sent_at", "given_up_at")
    list_filter = ("sent_at", "given_up_at")
    search_fields = ("to", "subject")
    ordering = ("-pk",)
    is_exportable = False


@admin.register(Announcement)
class AnnouncementAdmin(ConsoleAdmin):
    """Sentences on every page for a time."""

    list_display = ("text", "level", "starts_at", "ends_at")
    list_filter = ("level",)
    fields = ("text", "level", "starts_at", "ends_at")
    ordering = ("-starts_at",)

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)

        class Checked(form):  # type: ignore[misc, valid-type]
            """An announcement is plain text, and ends after it starts."""

            def clean_text(self) -> str:
                text = str(self.cleaned_data["text"])
                plain_text(text)
                return text

            def clean(self) -> Any:
                held = super().clean()
                start, end = held.get("starts_at"), held.get("ends_at")
                if start and end and end <= start:
                    self.add_error("ends_at", _("The end must lie after the start."))
                return held

        return Checked
