"""What this room does by itself."""

from celery import shared_task
from django.core.management import call_command


@shared_task
def clear_sessions() -> None:
    """Forget sessions that are over: they still name who was signed in."""
    call_command("clearsessions")
