"""Asks a worker for a stored event."""

import structlog
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def wake(pk: int) -> None:
    """Hand an event to a worker; where the broker is away, the sweeper finds the row."""
    # Tasks use the services that use this: they are met when one is needed.
    from billing.tasks import work_event

    try:
        work_event.delay(pk)
    except (OperationalError, OSError) as error:
        log.warning("event_waits_for_the_sweeper", row=pk, error=type(error).__name__)
