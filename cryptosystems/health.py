"""`/healthz`, `/readyz` and `/metrics`."""

from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django_prometheus.exports import ExportToDjangoView

from signals.api import is_bus_alive, status

_LOOPBACK = ("127.0.0.1", "::1")


def healthz(request: HttpRequest) -> JsonResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether database, Redis and engine serve; 503 while any does not."""
    checks: dict[str, Any] = {
        "database": _database(),
        "redis": "ok" if is_bus_alive() else "silent",
    }
    told = status() if checks["redis"] == "ok" else None
    if told is None:
        checks["engine"] = "silent"
    elif not told["ready"]:
        checks["engine"] = told["warming"]["text"] if told["warming"] else "starting"
    else:
        checks["engine"] = "ok"
    feeds = None if told is None else told["feeds"]
    ready = all(value == "ok" for value in checks.values())
    body = {"ready": ready, "checks": checks, "feeds": feeds}
    return JsonResponse(body, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok"
    except DatabaseError as error:
        return f"{type(error).__name__}"


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus counters: for loopback, or with the token."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    trusted = bool(token) and compare_digest(given, token)
    if not trusted and request.META.get("REMOTE_ADDR") not in _LOOPBACK:
        return HttpResponseForbidden("metrics are not public")
    answer: HttpResponse = ExportToDjangoView(request)
    return answer
