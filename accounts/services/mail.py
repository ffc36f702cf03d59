"""Mails of this room: written once as text; the HTML part is made from it."""

import re
from typing import Any, Final

from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.template.loader import render_to_string

_URL: Final = re.compile(r"https?://\S+")
_CODE: Final = re.compile(r"[A-Z0-9]{3,8}(-[A-Z0-9]{3,8})*")


def compose(
    prefix: str, to: str, context: dict[str, Any], request: HttpRequest | None = None
) -> EmailMultiAlternatives:
    """Return a mail from `<prefix>_subject.txt` and `<prefix>_message.txt`.

    Paragraphs stand apart by an empty line. One that is only a link or only a code is drawn as
    such in the HTML part; everything in it is escaped.
    """
    context = {"email": to, **context}
    subject = " ".join(render_to_string(f"{prefix}_subject.txt", context).split())
    text = render_to_string(f"{prefix}_message.txt", context, request).strip()
    message = EmailMultiAlternatives(subject, text + "\n", to=[to])
    page = {"subject": subject, "paragraphs": _paragraphs(text)}
    message.attach_alternative(render_to_string("frontend/mail/frame.html", page), "text/html")
    return message


def _paragraphs(text: str) -> list[dict[str, Any]]:
    found = []
    for part in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        only = lines[0] if len(lines) == 1 else ""
        kind = "link" if _URL.fullmatch(only) else "code" if _CODE.fullmatch(only) else "text"
        found.append({"kind": kind, "lines": lines, "only": only})
    return found
