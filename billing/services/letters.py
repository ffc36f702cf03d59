"""Mails of billing: one template each, its first line the subject, in the person's language."""

import re
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts.contracts import UserView


def write_to(user: UserView, template: str, **context: Any) -> None:
    """Put a mail into the outbox: call it inside the transaction that says it was sent."""
    zone = ZoneInfo(user.time_zone)
    with translation.override(user.language):
        text = render_to_string(
            f"billing/mail/{template}.txt", {"site": settings.SITE_URL, "zone": zone, **context}
        )
    # What a condition left out leaves empty lines behind.
    subject, _, body = re.sub(r"\n{3,}", "\n\n", text).strip().partition("\n")
    send_mail(subject.strip(), body.strip() + "\n", None, [user.email])
