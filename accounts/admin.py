"""Tables of people in the staff console: to be read; acts have their own page, with reasons."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, AuditEntry, Consent, User
from cryptosystems.platform.admin import RecordAdmin


@admin.register(User)
class UserAdmin(RecordAdmin):
    """People; a row leads to the page with everything about one."""

    hidden = ("password",)
    list_display = ("email", "id", "is_active", "is_staff", "joined_at", "verified_at")
    list_filter = ("is_active", "is_staff", "joined_at", "verified_at")
    search_fields = ("email", "=id")
    search_help_text = _("E-mail address, or the whole id")
    ordering = ("-joined_at",)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Lead to the person's page."""
        found = self.get_object(request, object_id)
        return (
            redirect("admin:accounts_user_changelist")
            if found is None
            else redirect("admin:person", found.pk)
        )


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """What was done: append-only."""

    list_display = ("sequence", "at", "action", "actor_kind", "actor_id", "subject_id")
    list_filter = ("actor_kind", "action", "at")
    search_fields = ("action", "=actor_id", "=subject_id", "=request_id")
    ordering = ("-sequence",)


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """Personal tokens, without anything that could be used as one."""

    hidden = ("digest",)
    list_display = ("prefix", "name", "user", "created_at", "last_used_at", "revoked_at")
    list_filter = ("revoked_at", "created_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__email")
    ordering = ("-created_at",)


@admin.register(Consent)
class ConsentAdmin(RecordAdmin):
    """What people agreed to."""

    list_display = ("user", "kind", "version", "at")
    list_filter = ("kind", "version")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-at",)
