"""The model registry: artifacts on disk, their rows, and which one is active."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from cryptosystems.kernel.errors import NeedsOperator
from cryptosystems.kernel.origin import Origin
from signals.models import ModelVersion


def model_directory() -> Path:
    """Return the directory of artifacts, made if it is missing."""
    path = Path(settings.MODEL_DIR)
    path.mkdir(parents=True, exist_ok=True)
    return path


def artifact_path(version: ModelVersion) -> Path:
    """Return where the artifact of `version` lies.

    Raises
    ------
    NeedsOperator
        If the file is not there.
    """
    path = model_directory() / version.artifact
    if not path.is_file():
        raise NeedsOperator(
            f"the artifact of model {version.version} is missing ({version.artifact}); "
            "train again with `manage.py train` or restore the model directory"
        )
    return path


def register_model(
    *,
    version: str,
    origin: Origin,
    artifact: str,
    checksum: str,
    catalogue_hash: str,
    trained_at: datetime,
    data_from: datetime,
    data_until: datetime,
    report: dict[str, Any],
) -> ModelVersion:
    """Add a candidate to the registry."""
    row = ModelVersion(
        version=version,
        origin=origin,
        artifact=artifact,
        checksum=checksum,
        catalogue_hash=catalogue_hash,
        trained_at=trained_at,
        data_from=data_from,
        data_until=data_until,
        report=report,
    )
    row.full_clean()
    row.save(force_insert=True)
    return row


def promote_model(version: ModelVersion, at: datetime) -> None:
    """Make `version` the one that speaks for its origin; the former one retires."""
    with transaction.atomic():
        ModelVersion.objects.filter(origin=version.origin, status=ModelVersion.ACTIVE).exclude(
            pk=version.pk
        ).update(status=ModelVersion.RETIRED)
        version.status = ModelVersion.ACTIVE
        version.promoted_at = at
        version.save(update_fields=["status", "promoted_at"])


def active_model(origin: Origin) -> ModelVersion | None:
    """Return the active model of `origin`, if there is one."""
    return ModelVersion.objects.filter(origin=origin, status=ModelVersion.ACTIVE).first()
