"""Many signals at once: copies of one that was published, each an hour after the one before."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from signals.models import Signal, SignalState
from signals.services.publish import publish
from tests.support.setups import make_draft


def make_signals(n: int, first_at: datetime, **changes: Any) -> list[Signal]:
    """Store so many open signals and return them, the oldest first."""
    publish(make_draft())
    pattern = Signal.objects.order_by("number").values().first()
    assert pattern is not None
    last = Signal.objects.order_by("-number").values_list("number", flat=True)[0]
    rows = [
        Signal(
            **{
                **pattern,
                "id": uuid4(),
                "number": last + 1 + k,
                "issued_at": first_at + timedelta(hours=k),
                "hash": uuid4().hex * 2,
                **changes,
            }
        )
        for k in range(n)
    ]
    Signal.objects.bulk_create(rows, batch_size=200)
    SignalState.objects.bulk_create(
        [SignalState(signal=row, state="waiting", updated_at=row.issued_at) for row in rows],
        batch_size=200,
    )
    return rows
