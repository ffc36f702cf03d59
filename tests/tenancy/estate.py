"""An estate: one row of everything that can belong to somebody, each marked with one word.

Made from the models, so that a new one is in it by itself.
"""

import uuid
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from cryptosystems.platform.tenancy import TenantModel

CONNECTED = {"venue": "simulated", "state": "connected", "key_kind": "ed25519"}
"""Her trading account is one with a key: the first of the choices would be paper, which has none."""
ROOMS = (
    *("accounts", "billing", "learning", "workspace", "signals", "trading"),
    *("platform", "cryptosystems"),
)


def models_with_an_owner() -> list[type[models.Model]]:
    """Return every model, ours or a library's, that points to a user."""
    user = get_user_model()
    return [
        model
        for model in apps.get_models()
        if model is not user and any(f.related_model is user for f in model._meta.concrete_fields)
    ]


def tenant_models() -> list[type[TenantModel]]:
    """Return every model behind the tenant wall."""
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


def settle(user: Any, word: str) -> dict[type[TenantModel], TenantModel]:
    """Give somebody one row of everything, with `word` in every text that can hold it."""
    held: dict[type[TenantModel], TenantModel] = {}
    waiting = tenant_models()
    while waiting:
        ready = [model for model in waiting if _parents(model) <= held.keys()]
        assert ready, f"these point to each other in a ring: {waiting}"
        for model in ready:
            held[model] = model.objects.add_for(user.pk, **_values(model, word, held))
        waiting = [model for model in waiting if model not in held]
    return held


def _parents(model: type[models.Model]) -> set[Any]:
    """Return the tenant models that a row of this one points to."""
    related = {field.related_model for field in model._meta.concrete_fields}
    return {each for each in related if each and each is not model} & set(tenant_models())


def _values(model: type[models.Model], word: str, held: dict[Any, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.name == "user" or isinstance(field, models.AutoField):
            continue
        if field.choices:
            values[field.name] = field.choices[0][0]
        elif isinstance(field, models.URLField):
            values[field.name] = f"https://example.com/{word}"
        elif isinstance(field, models.CharField | models.TextField):
            text = f"{word}-{uuid.uuid4().hex[:6]}" if field.unique else word
            values[field.name] = text[: field.max_length or 100]
        elif isinstance(field, models.UUIDField):
            values[field.name] = uuid.uuid4()
        elif isinstance(field, models.DateTimeField):
            # What ends lies ahead, what began lies behind.
            ahead = field.name.startswith(("ends", "period", "expires"))
            values[field.name] = timezone.now() + timedelta(days=3 if ahead else -1)
        elif isinstance(field, models.JSONField):
            values[field.name] = [word] if field.default is list else {"word": word}
        elif isinstance(field, models.BooleanField):
            values[field.name] = field.default if field.has_default() else False
        elif isinstance(field, models.IntegerField | models.FloatField | models.DecimalField):
            values[field.name] = 1
        elif field.related_model in held:
            values[field.name] = held[field.related_model]
        elif isinstance(field, models.ForeignKey):
            raise AssertionError(f"say how the estate fills {model.__name__}.{field.name}")
    if model.__name__ == "TradingAccount":
        values |= CONNECTED
    if "refused" in values:
        values["refused"] = ""  # her trial was given
    for name in ("revoked_at", "withdrawn_at", "ended_at", "past_due_since", "told_end_at"):
        if name in values:
            values[name] = None
    return values
