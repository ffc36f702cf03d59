"""Asks a worker for a stored event."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def wake(pk: int) -> None:
    """Hand an event to a worker; where the broker is away, the sweeper finds the row."""
    try:
        current_app.tasks["billing.tasks.work_event"].delay(pk)
    except (OperationalError, OSError) as error:
        log.warning("event_waits_for_the_sweeper", event=pk, error=type(error).__name__)
