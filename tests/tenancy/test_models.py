"""Every row that belongs to somebody stands behind the wall, is exported, and goes with its owner."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.apps import apps

from accounts import api as accounts
from cryptosystems.platform.tenancy import TenantManager, TenantModel, TenantWall
from tests.support.people import person
from tests.tenancy.estate import models_with_an_owner, settle, tenant_models

pytestmark = pytest.mark.django_db

WORD, OTHER = "aliceword", "charlieword"
LIBRARIES = {
    # Rows of libraries: their own views start from the session's user, and no query of ours
    # reads them but through accounts.
    "account.EmailAddress",
    "mfa.Authenticator",
    "usersessions.UserSession",
    "admin.LogEntry",
}


@pytest.fixture
def alice() -> Any:
    return person("alice")


@pytest.fixture
def charlie() -> Any:
    return person("charlie")


def test_no_model_of_ours_points_to_a_user_from_outside_the_wall() -> None:
    outside = {
        model._meta.label for model in models_with_an_owner() if not issubclass(model, TenantModel)
    }
    assert outside <= LIBRARIES
    assert len(tenant_models()) >= 8, "the walk found nothing to walk over"


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model.__name__)
def test_the_wall_holds_for_each_model(model: type[TenantModel], alice: Any, charlie: Any) -> None:
    assert isinstance(model._default_manager, TenantManager)
    row = settle(alice, WORD)[model]
    settle(charlie, OTHER)
    assert [found.pk for found in model.objects.for_user(alice.pk)] == [row.pk]
    assert not model.objects.for_user(charlie.pk).filter(pk=row.pk).exists()
    with pytest.raises(TenantWall):
        model.objects.filter(pk=row.pk)


def test_an_export_holds_each_model_and_nobody_else(alice: Any, charlie: Any) -> None:
    settle(alice, WORD)
    settle(charlie, OTHER)
    archive = ZipFile(BytesIO(accounts.export_of(alice.pk)))
    texts = {name: archive.read(name).decode() for name in archive.namelist()}
    whole = "\n".join(texts.values())
    assert alice.email in whole
    assert OTHER not in whole and charlie.email not in whole and str(charlie.pk) not in whole
    for model in tenant_models():
        kept = [name for name in texts if model._meta.model_name in name and name.endswith("json")]
        assert kept, f"{model.__name__} is not in the export: {sorted(texts)}"
        assert json.loads(texts[kept[0]]), f"{model.__name__} is empty in the export"


def test_nothing_of_somebody_is_left_after_deletion(alice: Any, charlie: Any) -> None:
    settle(alice, WORD)
    settle(charlie, OTHER)
    before = traces(WORD, alice.email, str(alice.pk))
    assert len(before) >= len(tenant_models())

    accounts.delete_everything(alice.pk)

    left = traces(WORD, alice.email)
    assert left == []
    # The audit log names people by id alone, and an id that leads nowhere tells nothing.
    assert {label for label, _ in traces(str(alice.pk))} <= {"accounts.AuditEntry"}
    assert len(traces(OTHER)) >= len(tenant_models()) - 1, "Charlie's rows are untouched"


def traces(*words: str) -> list[tuple[str, str]]:
    """Search every text of every table."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed:
            continue  # a name without a table
        manager: Any = model._base_manager
        for row in manager.values():
            text = " ".join(str(value) for value in row.values())
            found += [(model._meta.label, word) for word in words if word in text]
    return found


def test_the_search_for_traces_finds_what_is_there(alice: Any) -> None:
    assert ("accounts.User", alice.email) in traces(alice.email)
