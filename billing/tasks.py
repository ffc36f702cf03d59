"""Background work of the billing room. Every one may run twice at once and do no harm."""

import structlog
from celery import shared_task

from billing.services import checkout, deletion, dunning, inbox, locks, reconcile, trials
from cryptosystems.kernel.errors import CryptoSystemsError

log = structlog.get_logger(__name__)


@shared_task
def work_event(pk: int) -> None:
    """Work one stored event."""
    inbox.work(pk)


@shared_task
def sweep_events() -> None:
    """Work events that no worker was woken for, or that are due again; forget old ones."""
    inbox.sweep()
    inbox.prune()


@shared_task
def sweep_trials() -> None:
    """Make missing trials; remind of ends, tell of ends, and write about debts."""
    trials.make_missing()
    trials.remind()
    trials.tell_ends()
    dunning.remind_of_debts()


@shared_task
def reconcile_changed() -> None:
    """Compare with the provider whatever changed lately."""
    try:
        reconcile.reconcile_changed()
    except CryptoSystemsError as error:
        log.warning("not_reconciled", error=error.code)


@shared_task
def reconcile_all() -> None:
    """Compare everything with the provider; look for trials that nobody made; tidy up."""
    trials.make_missing(of_everybody=True)
    checkout.prune()
    locks.forget_idle()
    try:
        reconcile.reconcile_all()
    except CryptoSystemsError as error:
        log.error("not_reconciled", error=error.code)


@shared_task
def close_accounts() -> None:
    """Stop renewals of those who asked to go; delete those who asked long enough ago."""
    deletion.stop_renewals()
    deletion.close_accounts()
