"""Request ids and the headers that every answer carries."""

import re
import uuid
from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse

from cryptosystems.platform.http import KEPT_HEADERS, PROBLEM, plain_problem

Handler = Callable[[HttpRequest], HttpResponse]

_OURS: Final = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestId:
    """Gives each request an id (a proxy's, if it is well-formed) and binds it to the log."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _OURS.fullmatch(given) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._get_response(request)
        response["X-Request-ID"] = request_id
        return response


class ApiProblems:
    """Gives every error below `/api/` the one shape, also where no view of the API answered.

    And tells caches to keep none of its answers: they differ by who asks, and by the second.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if not request.path.startswith("/api/"):
            return response
        response = self._shaped(response)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response

    def _shaped(self, response: HttpResponse) -> HttpResponse:
        if response.status_code < 400:
            return response
        if response.headers.get("Content-Type", "").startswith(PROBLEM):
            return response
        made = plain_problem(response.status_code)
        for header in KEPT_HEADERS:
            if header in response.headers:
                made[header] = response.headers[header]
        return made


class PrivacyHeaders:
    """Switches off browser features that no page of ours uses."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        return response
