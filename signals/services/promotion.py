"""Which model speaks, decided by staff: promote one, or go back to the one before.

The engine asks the registry every second and takes up what is active there, as it does after a
training; nothing else has to be told.
"""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import api as accounts
from cryptosystems.kernel.errors import NotAllowed
from cryptosystems.platform.switches import check_reason
from signals.features.catalogue import CATALOGUE
from signals.model import artifact
from signals.models import ModelVersion
from signals.store.registry import artifact_path, promote_model


def promote(version_id: int, *, reason: str, staff_id: UUID) -> ModelVersion:
    """Let a model speak for its market from now on.

    Raises
    ------
    InvalidInput
        If the reason is missing.
    NotAllowed
        If there is no such model, or it speaks already.
    NeedsOperator
        If its file is missing, damaged, or made for other factors: the engine would refuse it.
    """
    row = ModelVersion.objects.filter(pk=version_id).first()
    if row is None or row.status == ModelVersion.ACTIVE:
        raise NotAllowed("There is no such model, or it speaks already.", code="not_promotable")
    return _promote(row, "model_promoted", check_reason(reason), staff_id)


def roll_back(version_id: int, *, reason: str, staff_id: UUID) -> ModelVersion:
    """Replace an active model by the one of its market that spoke last before it.

    Raises
    ------
    InvalidInput
        If the reason is missing.
    NotAllowed
        If the model does not speak, or none spoke before it.
    NeedsOperator
        If the file of the one before cannot be used any more.
    """
    reason = check_reason(reason)
    row = ModelVersion.objects.filter(pk=version_id, status=ModelVersion.ACTIVE).first()
    if row is None:
        raise NotAllowed("This model does not speak now.", code="not_active")
    before = predecessor(row)
    if before is None:
        raise NotAllowed("No model spoke for this market before.", code="no_predecessor")
    return _promote(before, "model_rolled_back", reason, staff_id)


def predecessor(row: ModelVersion) -> ModelVersion | None:
    """Return the model of the same market that spoke last before this one."""
    earlier = ModelVersion.objects.filter(origin=row.origin, status=ModelVersion.RETIRED)
    return earlier.exclude(promoted_at=None).order_by("-promoted_at").first()


def _promote(row: ModelVersion, action: str, reason: str, staff_id: UUID) -> ModelVersion:
    artifact.load(artifact_path(row), checksum=row.checksum, catalogue_hash=CATALOGUE.hash)
    with transaction.atomic():
        before = ModelVersion.objects.filter(origin=row.origin, status=ModelVersion.ACTIVE)
        details = {
            "model": row.version,
            "before": before.values_list("version", flat=True).first(),
            "reason": reason[:300],
        }
        promote_model(row, timezone.now())
        accounts.audit(
            action, subject_id=None, actor_id=staff_id, actor_kind="staff", details=details
        )
    return row
