"""Mail is a row first: it survives a worker, a broker and a mail server that are away."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from cryptosystems.platform import mail as outbox
from cryptosystems.platform.models import OutgoingMail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def through_the_outbox(settings: Any) -> None:
    """The test runner puts its own backend in the product's place."""
    settings.EMAIL_BACKEND = "cryptosystems.platform.mail.OutboxBackend"


BROKEN = "tests.platform.broken_mail.Backend"


def post(subject: str = "Your code", body: str = "The code is 123456.") -> None:
    send_mail(subject, body, None, ["alice@example.com"], html_message=f"<p>{body}</p>")


def test_a_mail_leaves_when_its_transaction_commits() -> None:
    with transaction.atomic():
        post()
        assert mail.outbox == []
    [sent] = mail.outbox
    assert sent.to == ["alice@example.com"]
    assert "123456" in sent.body
    assert sent.alternatives[0].mimetype == "text/html"


def test_a_mail_of_a_transaction_that_failed_never_leaves() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        post()
        raise RuntimeError("the sign-up was not stored")
    assert mail.outbox == []
    assert not OutgoingMail.objects.exists()


def test_what_was_sent_does_not_lie_about() -> None:
    post()
    row = OutgoingMail.objects.get()
    assert row.sent_at is not None
    assert (row.body, row.html) == ("", "")


def test_a_mail_server_that_is_away_is_tried_again_and_then_given_up(settings: Any) -> None:
    settings.DELIVERY_EMAIL_BACKEND = BROKEN
    post()
    row = OutgoingMail.objects.get()
    assert (row.attempts, row.sent_at, row.last_error) == (1, None, "ConnectionRefusedError")
    assert outbox.sweep() == 0
    row.refresh_from_db()
    assert row.attempts == 1, "not before its pause is over"

    settings.DELIVERY_EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert outbox.sweep(timezone.now() + timedelta(minutes=1)) == 1
    assert len(mail.outbox) == 1

    settings.DELIVERY_EMAIL_BACKEND = BROKEN
    post("Another")
    later = timezone.now()
    for _ in range(outbox.MOST_ATTEMPTS):
        later += timedelta(hours=5)
        outbox.sweep(later)
    row = OutgoingMail.objects.get(subject="Another")
    assert row.given_up_at is not None
    assert row.body == ""


def test_a_broker_that_is_away_costs_a_minute_not_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    from kombu.exceptions import OperationalError

    from cryptosystems.platform import tasks

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.send_one, "delay", refuse)
    post()
    assert mail.outbox == []
    assert outbox.sweep() == 1
    assert len(mail.outbox) == 1


def test_two_workers_send_one_mail() -> None:
    OutgoingMail.objects.create(to="alice@example.com", subject="Once", body="x")
    row = OutgoingMail.objects.get()
    # The other worker claimed it between our look and our claim.
    OutgoingMail.objects.filter(pk=row.pk).update(
        attempts=1, next_try_at=timezone.now() + timedelta(seconds=30)
    )
    assert outbox.deliver(row.pk) is False
    assert mail.outbox == []


def test_a_header_cannot_be_smuggled_in_by_the_subject() -> None:
    OutgoingMail.objects.create(
        to="alice@example.com", subject="Hi\nBcc: all@example.com", body="x"
    )
    assert outbox.sweep() == 0
    assert mail.outbox == []


def test_old_rows_are_forgotten() -> None:
    post()
    assert outbox.prune(timezone.now() + timedelta(days=31)) == 1
    assert not OutgoingMail.objects.exists()
