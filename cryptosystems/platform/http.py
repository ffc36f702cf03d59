"""One error shape for every JSON answer: problem details (RFC 9457) with a stable code."""

from typing import Any

from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from cryptosystems.kernel.errors import CryptoSystemsError, InvalidInput, NotAllowed, RetryLater


class EngineSilent(APIException):
    """The engine has no answer yet, or is away."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The engine has no answer yet: it is starting or away. Try again in a moment."
    default_code = "engine_silent"


class NotJudged(APIException):
    """The engine follows this market but has no score for what was asked; the detail says why."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "not_judged"


def problem(http_status: int, code: str, title: str, detail: str, **more: Any) -> Response:
    """Return a problem answer."""
    body = {
        "type": f"about:blank#{code}",
        "title": title,
        "status": http_status,
        "detail": detail,
        "code": code,
        **more,
    }
    return Response(body, status=http_status, content_type="application/problem+json")


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn exceptions of views into problem details; None leaves them to Django."""
    if isinstance(error, InvalidInput):
        return problem(400, error.code, "The request is not usable", str(error))
    if isinstance(error, NotAllowed):
        return problem(403, error.code, "Not allowed", str(error))
    if isinstance(error, RetryLater):
        return problem(503, error.code, "Not now", str(error))
    if isinstance(error, CryptoSystemsError):
        return problem(500, error.code, "That did not work", str(error))
    answer = exception_handler(error, context)
    if answer is None:
        return None
    if isinstance(error, Http404):
        return problem(404, "not_found", "Not found", "There is nothing here under this name.")
    code = getattr(error, "default_code", "error")
    data = answer.data
    detail = data.get("detail", data) if isinstance(data, dict) else data
    made = problem(
        answer.status_code, str(code), str(code).replace("_", " ").capitalize(), str(detail)
    )
    for header in ("WWW-Authenticate", "Retry-After"):
        if header in answer.headers:
            made[header] = answer.headers[header]
    return made
