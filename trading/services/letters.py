"""Mails of trading: one template each, its first line the subject, in the person's language."""

import re
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation

from accounts import api as accounts


def write_to(user_id: UUID, template: str, **context: Any) -> None:
    """Put a mail into the outbox: call it inside the transaction that says it was sent."""
    user = accounts.user_by_id(user_id)
    if user is None:
        return
    with translation.override(user.language):
        text = render_to_string(
            f"trading/mail/{template}.txt",
            {"site": settings.SITE_URL, "zone": ZoneInfo(user.time_zone), **context},
        )
    # What a condition left out leaves empty lines behind.
    subject, _, body = re.sub(r"\n{3,}", "\n\n", text).strip().partition("\n")
    send_mail(subject.strip(), body.strip() + "\n", None, [user.email])
