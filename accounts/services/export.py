"""Everything we hold about a person, as JSON and CSV, made by walking the models.

Which tables are in it is not written down anywhere: a model with a foreign key to the user is in
it by itself. What opens an account (hashes, sealed secrets) is left out.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.services import audit
from cryptosystems.platform.tenancy import TenantModel

_SECRET_FIELDS: Final = frozenset(
    {
        *("password", "digest", "session_key", "hint", "secret", "key", "seed"),
        *("api_key", "sealed_secret", "uid_index"),
    }
)
"""Never exported, in whatever table: they open something, or are keyed hashes."""
_SEALED_DATA: Final = frozenset({"mfa.authenticator", "usersessions.usersession"})
"""Tables of others whose column `data` holds secrets or machinery."""
_OF_STAFF: Final = frozenset({"admin.logentry"})
"""Work of staff on rows of other people: theirs to know, not the member's of staff."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def export_of(user_id: UUID) -> bytes:
    """Return a zip with one JSON and one CSV file a table."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        names = []
        for name, rows in tables_of(user_id):
            names.append({"table": name, "rows": len(rows)})
            archive.writestr(
                f"{name}.json",
                json.dumps(rows, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False),
            )
            archive.writestr(f"{name}.csv", _csv(rows))
        about = {"made_at": timezone.now(), "user": user_id, "tables": names}
        archive.writestr("about.json", json.dumps(about, cls=DjangoJSONEncoder, indent=2))
    with transaction.atomic():
        audit.append("data_exported", subject_id=user_id, actor_id=user_id, actor_kind="user")
    return held.getvalue()


def tables_of(user_id: UUID) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield every table that holds rows of this person, with the rows."""
    yield _name(User), [_row(user) for user in User.objects.filter(pk=user_id)]
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if _points_to_user(field) and _name(model) not in _OF_STAFF:
                rows = _rows(model).filter(**{field.name: user_id}).order_by("pk")
                if rows:
                    name = _name(model) if field.name == "user" else f"{_name(model)}.{field.name}"
                    yield name, [_row(row) for row in rows]
    entries = AuditEntry.objects.filter(subject_id=user_id).order_by("sequence")
    if entries:
        yield _name(AuditEntry), [_row(entry) for entry in entries]


def _points_to_user(field: Any) -> bool:
    return (
        isinstance(field, models.ForeignKey | models.OneToOneField) and field.related_model is User
    )


def _rows(model: type[models.Model]) -> models.QuerySet[Any]:
    if issubclass(model, TenantModel):
        return model.objects.across_tenants("export: each query names its user")
    return model._base_manager.all()


def _name(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}.{model._meta.model_name}"


def _row(row: models.Model) -> dict[str, Any]:
    hidden = _SECRET_FIELDS | ({"data"} if _name(type(row)) in _SEALED_DATA else set())
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in hidden
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([safe_cell(value) for value in row.values()])
    return text.getvalue()


def safe_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet runs as a formula."""
    if isinstance(value, dict | list):
        value = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
