"""Tasks of the platform: mail."""

from celery import shared_task

from cryptosystems.platform import mail


@shared_task
def send_one(pk: int) -> None:
    """Send one stored mail."""
    mail.deliver(pk)


@shared_task
def sweep_mail() -> None:
    """Send what a worker was not told of, or could not send before; forget old rows."""
    mail.sweep()
    mail.prune()
