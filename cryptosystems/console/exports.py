"""Files of whole tables: only for those who may, and never without a line in the audit log."""

from django.apps import apps
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from cryptosystems.platform.admin import RecordAdmin


def _tables(request: HttpRequest) -> list[RecordAdmin]:
    return [
        table
        for table in admin.site._registry.values()
        if isinstance(table, RecordAdmin) and table.has_export_permission(request)
    ]


def exports(request: HttpRequest) -> HttpResponse:
    """List what can be exported by this person."""
    rows = [
        {
            "app": table.opts.app_label,
            "model": table.opts.model_name,
            "name": table.opts.verbose_name_plural,
            "columns": [field.attname for field in table.shown_fields()],
        }
        for table in _tables(request)
    ]
    context = {**admin.site.each_context(request), "title": _("Exports"), "rows": rows}
    return render(request, "console/exports.html", context)


def export(request: HttpRequest, app: str, model: str) -> HttpResponseBase:
    """Send one table."""
    try:
        table = admin.site._registry.get(apps.get_model(app, model))
    except LookupError:
        raise Http404 from None
    if not isinstance(table, RecordAdmin):
        raise Http404
    return table.export_answer(request, table.get_queryset(request))
