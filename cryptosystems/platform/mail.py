"""Mail that is not lost: a row first, sent by a worker, tried again, its text dropped after."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from cryptosystems.platform.models import OutgoingMail

log = structlog.get_logger(__name__)

MOST_ATTEMPTS: Final = 8
_PAUSES_S: Final = (30, 60, 300, 900, 3_600, 7_200, 14_400)
_BATCH: Final = 100


class OutboxBackend(BaseEmailBackend):
    """Django's mail backend of the product: `send_mail` writes a row a recipient."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store messages; a worker sends each once the transaction has committed."""
        stored = 0
        for message in email_messages:
            html = [
                text for text, kind in getattr(message, "alternatives", ()) if kind == "text/html"
            ]
            for address in message.recipients():
                row = OutgoingMail.objects.create(
                    to=address,
                    subject=" ".join(message.subject.split())[:200],
                    body=str(message.body),
                    html=html[0] if html else "",
                )
                transaction.on_commit(partial(_hand_over, row.pk))
                stored += 1
        return stored


def _hand_over(pk: int) -> None:
    """Ask a worker to send it now; where the broker is away, the sweeper finds the row."""
    from cryptosystems.platform.tasks import send_one

    try:
        send_one.delay(pk)
    except (OperationalError, OSError) as error:
        log.warning("mail_waits_for_the_sweeper", mail=pk, error=type(error).__name__)


def deliver(pk: int, now: datetime | None = None) -> bool:
    """Send one stored mail; True if it left. Two workers cannot both send it."""
    now = now or timezone.now()
    row = OutgoingMail.objects.filter(pk=pk, sent_at=None, given_up_at=None).first()
    if row is None or row.next_try_at > now:
        return False
    pause = _PAUSES_S[min(row.attempts, len(_PAUSES_S) - 1)]
    claimed = OutgoingMail.objects.filter(
        pk=pk, attempts=row.attempts, sent_at=None, given_up_at=None
    ).update(attempts=row.attempts + 1, next_try_at=now + timedelta(seconds=pause))
    if not claimed:
        return False
    message = EmailMultiAlternatives(row.subject, row.body, settings.DEFAULT_FROM_EMAIL, [row.to])
    if row.html:
        message.attach_alternative(row.html, "text/html")
    message.connection = get_connection(settings.DELIVERY_EMAIL_BACKEND)
    try:
        message.send()
    except Exception as error:  # a mail server may answer anything; the row says what it was
        gone = now if row.attempts + 1 >= MOST_ATTEMPTS else None
        OutgoingMail.objects.filter(pk=pk).update(
            last_error=type(error).__name__, given_up_at=gone, **(_TEXT_GONE if gone else {})
        )
        log.warning("mail_not_sent", mail=pk, attempts=row.attempts + 1, error=type(error).__name__)
        return False
    # Codes and links do not lie about once they are delivered.
    OutgoingMail.objects.filter(pk=pk).update(sent_at=now, last_error="", **_TEXT_GONE)
    return True


_TEXT_GONE: Final = {"body": "", "html": ""}


def sweep(now: datetime | None = None) -> int:
    """Send what is due and was not handed over; return how many left."""
    now = now or timezone.now()
    due = OutgoingMail.objects.filter(sent_at=None, given_up_at=None, next_try_at__lte=now)
    return sum(deliver(pk, now) for pk in due.order_by("pk").values_list("pk", flat=True)[:_BATCH])


def prune(now: datetime | None = None, keep_days: int = 30) -> int:
    """Forget mails that were sent or given up more than `keep_days` days ago."""
    limit = (now or timezone.now()) - timedelta(days=keep_days)
    done = OutgoingMail.objects.filter(created_at__lt=limit)
    return done.exclude(sent_at=None, given_up_at=None).delete()[0]
