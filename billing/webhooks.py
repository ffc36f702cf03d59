"""The door for signed events of the payment provider.

The raw body is checked before anything else is done with it; what fails is not stored. What
holds is stored and answered at once: the provider is not asked anything inside the request.
"""

import json
import time
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from billing.providers.port import EventData
from billing.services import inbox
from billing.services.waking import wake

log = structlog.get_logger(__name__)

LARGEST: Final = 256 * 1024
TOLERANCE_S: Final = 300


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    """Take one signed event: 200 once it is stored, 400 if it is not to be believed."""
    if request.method != "POST":
        answer = _problem(405, "method_not_allowed", "Events are posted here.")
        answer["Allow"] = "POST"
        return answer
    body = _body(request)
    if body is None:
        return _problem(413, "too_large", f"An event has at most {LARGEST} bytes.")
    header = request.headers.get("Stripe-Signature", "")
    if not _is_signed(body, header, int(time.time())):
        log.warning("webhook_refused", reason="signature")
        return _problem(400, "bad_signature", "The signature does not fit the body and the time.")
    event = _parsed(body)
    if event is None:
        log.warning("webhook_refused", reason="content")
        return _problem(400, "bad_event", "This is not an event for this account and mode.")
    is_new = inbox.store(event, wake)
    return JsonResponse({"received": True, "new": is_new})


def _body(request: HttpRequest) -> bytes | None:
    """Return the raw body; None if it is too large, without reading a body that says so."""
    try:
        if int(request.headers.get("Content-Length") or 0) > LARGEST:
            return None
        body = request.body
    except (RequestDataTooBig, UnreadablePostError, ValueError):
        return None
    return body if len(body) <= LARGEST else None


def _is_signed(body: bytes, header: str, now_s: int) -> bool:
    """Say whether any secret of ours signed exactly this body within five minutes of now."""
    import stripe

    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_S)
        except (stripe.SignatureVerificationError, ValueError, TypeError):
            continue
        # The library looks for old ones only; one from the future could be kept and used later.
        return _signed_at(header) <= now_s + TOLERANCE_S
    return False


def _signed_at(header: str) -> int:
    """Return the time that the library checked: the first one."""
    return next(int(part[2:]) for part in header.split(",") if part.startswith("t="))


def _parsed(body: bytes) -> EventData | None:
    """Return the event if it is one of this account and of the mode of our key."""
    from billing.providers import stripe_shapes

    try:
        raw: Any = json.loads(body)
        event = stripe_shapes.event(raw)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
        return None
    is_foreign = bool(raw.get("account")) or event.is_live != _is_live_key()
    if is_foreign or not 0 < len(event.id) <= 64 or raw.get("object") != "event":
        return None
    return event


def _is_live_key() -> bool:
    return settings.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))


def _problem(status: int, code: str, detail: str) -> HttpResponse:
    body = {
        "type": f"about:blank#{code}",
        "title": "The event was not taken",
        "status": status,
        "detail": detail,
        "code": code,
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")
