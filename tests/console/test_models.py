"""Which model speaks: staff promote one or go back, and the engine's own path takes it up."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from signals.features.catalogue import CATALOGUE
from signals.model import artifact
from signals.models import ModelVersion
from signals.store.registry import active_model, model_directory, promote_model
from tests.signals.pipeline.markets import model
from tests.support.people import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def old_and_new(settings: Any, tmp_path: Path) -> tuple[ModelVersion, ModelVersion]:
    """Two models with their files; the old one speaks."""
    settings.MODEL_DIR = tmp_path
    rows = []
    for name in ("old", "new"):
        path = model_directory() / f"{name}.npz"
        rows.append(
            ModelVersion.objects.create(
                version=name,
                origin="simulated",
                artifact=path.name,
                checksum=artifact.save(model(), path),
                catalogue_hash=CATALOGUE.hash,
                trained_at=NOON,
                data_from=NOON,
                data_until=NOON,
                report={},
            )
        )
    promote_model(rows[0], NOON)
    return rows[0], rows[1]


def _do(browser: Client, row: ModelVersion, act: str, reason: str = "it scores better") -> str:
    address = f"/admin/signals/modelversion/{row.pk}/{act}/"
    return browser.post(address, {"reason": reason}, follow=True).content.decode()


def _speaks() -> str:
    row = active_model("simulated")  # type: ignore[arg-type]
    assert row is not None
    return row.version


def test_a_model_is_promoted_and_rolled_back(
    operator: User, old_and_new: tuple[ModelVersion, ModelVersion]
) -> None:
    _old, new = old_and_new
    browser = signed_in(operator)
    assert "new speaks now" in _do(browser, new, "promote")
    assert _speaks() == "new"
    assert "old speaks now" in _do(browser, new, "roll_back", "it was worse after all")
    assert _speaks() == "old"
    told = {line.action: line.details for line in AuditEntry.objects.all()}
    assert told["model_promoted"] == {"model": "new", "before": "old", "reason": "it scores better"}
    assert told["model_rolled_back"]["model"] == "old"


def test_without_a_reason_nothing_changes(
    operator: User, old_and_new: tuple[ModelVersion, ModelVersion]
) -> None:
    assert "Write the reason" in _do(signed_in(operator), old_and_new[1], "promote", " ")
    assert _speaks() == "old"


def test_a_model_whose_file_is_damaged_is_not_promoted(
    operator: User, old_and_new: tuple[ModelVersion, ModelVersion]
) -> None:
    _old, new = old_and_new
    (model_directory() / new.artifact).write_bytes(b"damaged")
    assert "checksum" in _do(signed_in(operator), new, "promote")
    assert _speaks() == "old"


def test_the_first_model_has_nothing_to_go_back_to(
    operator: User, old_and_new: tuple[ModelVersion, ModelVersion]
) -> None:
    old, _new = old_and_new
    assert "No model spoke for this market before" in _do(signed_in(operator), old, "roll_back")
    assert _speaks() == "old"
