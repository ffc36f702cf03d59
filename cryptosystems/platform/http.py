"""One error shape for every JSON answer: problem details (RFC 9457) with a stable code."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db.utils import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from cryptosystems.kernel.errors import CryptoSystemsError, InvalidInput, NotAllowed, RetryLater
from cryptosystems.platform.logging import request_id
from cryptosystems.platform.throttles import count_refused

log = structlog.get_logger(__name__)

PROBLEM: Final = "application/problem+json"
KEPT_HEADERS: Final = ("Allow", "Retry-After", "WWW-Authenticate")

_REFUSALS: Final = (APIException, InvalidInput, NotAllowed)
_WORDS: Final = {
    400: ("bad_request", "The request is not usable.", "Look at the address and the headers."),
    403: ("not_allowed", "Not allowed", "This may not be done from here."),
    404: ("not_found", "Not found", "There is nothing here under this name."),
    405: ("method_not_allowed", "Method not allowed", "This address does not know the method."),
    413: ("too_large", "Too large", "The request is longer than we take."),
    500: (
        "error",
        "That did not work",
        "It is our fault and we have noted it. Tell us the request id if it stays.",
    ),
}
_TITLES: Final = {
    "parse_error": "The request is not usable",
    "throttled": "Too many requests",
    "not_authenticated": "Sign in first",
    "authentication_failed": "This token or session is not valid",
}


class EngineSilent(APIException):
    """The engine has no answer yet, or is away."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The engine has no answer yet: it is starting or away. Try again in a moment."
    default_code = "engine_silent"


class NotJudged(APIException):
    """The engine follows this market but has no score for what was asked; the detail says why."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "not_judged"


def iso(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 with `Z`, milliseconds."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def problem_body(
    http_status: int, code: str, title: str, detail: str, **more: Any
) -> dict[str, Any]:
    """Return the fields of a problem answer."""
    return {
        "type": f"about:blank#{code}",
        "title": title,
        "status": http_status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
        **more,
    }


def problem(http_status: int, code: str, title: str, detail: str, **more: Any) -> Response:
    """Return a problem answer of a view."""
    body = problem_body(http_status, code, title, detail, **more)
    return Response(body, status=http_status, content_type=PROBLEM)


def plain_problem(http_status: int) -> HttpResponse:
    """Return a problem answer for what no view of the API has answered."""
    known = HTTPStatus(http_status)
    words = (known.name.lower(), known.phrase, known.description or known.phrase)
    code, title, detail = _WORDS.get(http_status, words)
    body = json.dumps(problem_body(http_status, code, title, detail))
    return HttpResponse(body, status=http_status, content_type=PROBLEM)


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn every exception of a view into problem details.

    One that came before the caller's request was counted counts it here: asking in vain is not
    free, and above the limit the answer is 429 whatever was wrong.
    """
    request = context.get("request")
    if request is not None and isinstance(error, _REFUSALS) and not isinstance(error, Throttled):
        wait_s = count_refused(request)
        error = Throttled(wait_s) if wait_s else error
    ours = _of_ours(error)
    if ours is not None:
        return ours
    answer = exception_handler(error, context)
    if answer is None:
        return _unforeseen(error)
    made = _of_drf(error, answer)
    for header in KEPT_HEADERS:
        if header in answer.headers:
            made[header] = answer.headers[header]
    return made


def _of_ours(error: Exception) -> Response | None:
    if isinstance(error, InvalidInput):
        return problem(400, error.code, "The request is not usable", str(error))
    if isinstance(error, NotAllowed):
        return problem(403, error.code, "Not allowed", str(error))
    if isinstance(error, RetryLater):
        made = problem(503, error.code, "Not now", str(error))
        if error.after_s is not None:
            made["Retry-After"] = str(max(1, round(error.after_s)))
        return made
    if isinstance(error, CryptoSystemsError):
        log.error("api_error", code=error.code, error=str(error))
        return problem(500, error.code, "That did not work", str(error))
    return None


def _of_drf(error: Exception, answer: Response) -> Response:
    if isinstance(error, Http404 | PermissionDenied):
        return problem(answer.status_code, *_WORDS[answer.status_code])
    if isinstance(error, ValidationError):
        errors = list(_fields(error.detail))
        said = " ".join(f"{one['field']}: {one['detail']}" for one in errors[:5])
        return problem(400, "invalid_input", "The request is not usable", said, errors=errors)
    code = str(getattr(error, "default_code", "error"))
    title = _TITLES.get(code, code.replace("_", " ").capitalize())
    if isinstance(error, Throttled):
        wait = answer.headers.get("Retry-After", "1")
        return problem(429, "too_many_requests", title, f"Wait {wait} s, then ask again.")
    data = answer.data
    detail = data.get("detail", data) if isinstance(data, dict) else data
    return problem(answer.status_code, code, title, str(detail))


def _fields(detail: Any, place: str = "") -> Iterator[dict[str, str]]:
    """Walk what a serializer has found wrong: one entry a sentence, with the field's name."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _fields(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _fields(inner, place)
    else:
        yield {"field": place or "body", "detail": str(detail)}


def _unforeseen(error: Exception) -> Response:
    if isinstance(error, RequestDataTooBig):
        return problem(413, *_WORDS[413])
    if isinstance(error, SuspiciousOperation):
        return problem(400, *_WORDS[400])
    if isinstance(error, OperationalError | InterfaceError):
        log.exception("api_without_database")
        return problem(503, "database_away", "Not now", "The database is away. Try again soon.")
    log.exception("api_failed", error=type(error).__name__)
    return problem(500, *_WORDS[500])
