"""What lies in people's mailboxes."""

import re

from django.core import mail
from django.core.mail import EmailMessage


def newest_mail(address: str) -> EmailMessage:
    """Return the newest mail to an address."""
    return next(message for message in reversed(mail.outbox) if message.to == [address])


def newest_code(address: str) -> str:
    """Return the code of the newest mail."""
    return _only_line(r"[A-Z]{4}-[A-Z]{4}", address)


def newest_link(address: str) -> str:
    """Return the path of the link in the newest mail."""
    return re.sub(r"^https?://[^/]+", "", _only_line(r"https?://\S+", address))


def _only_line(pattern: str, address: str) -> str:
    text = newest_mail(address).body
    found = re.search(rf"^{pattern}$", text, re.M)
    assert found is not None, text
    return found.group()
