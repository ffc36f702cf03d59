"""`/healthz`, `/readyz` and `/metrics`."""

from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django_prometheus.exports import ExportToDjangoView

from signals.api import is_bus_alive, status
from trading.api import executor_status

_LOOPBACK = ("127.0.0.1", "::1")


def healthz(request: HttpRequest) -> JsonResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether database, Redis and engine serve; 503 while any does not.

    How execution stands is told beside it: a web process serves people without an executor too,
    and they need it most when they want to look at what is open.
    """
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
    body = {"ready": ready, "checks": checks, "feeds": feeds, "execution": _execution()}
    return JsonResponse(body, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok"
    except DatabaseError as error:
        return f"{type(error).__name__}"


def _execution() -> dict[str, Any] | None:
    """Return how execution stands; None while the database does not answer."""
    try:
        told = executor_status()
    except DatabaseError:
        return None
    return {
        "state": "running" if told.is_running else "silent",
        "unknown_orders": told.n_unknown,
        "oldest_unknown_s": told.oldest_unknown_s,
        "without_stop": told.n_naked,
        "longest_without_stop_s": told.longest_naked_s,
    }


def _execution_metrics() -> str:
    """Return gauges of execution. They come from rows, so every web process tells the same."""
    try:
        told = executor_status()
    except DatabaseError:
        return ""
    figures = (
        ("up", "Whether an executor has spoken within 15 s.", int(told.is_running)),
        ("lanes", "Accounts that have a lane.", told.n_lanes),
        ("open_trades", "Trades that are entering, open, closing or parked.", told.n_open),
        ("unknown_orders", "Orders whose outcome is not known.", told.n_unknown),
        ("oldest_unknown_seconds", "Age of the oldest of them.", told.oldest_unknown_s or 0),
        ("naked_positions", "Positions without a confirmed stop.", told.n_naked),
        ("longest_naked_seconds", "For how long, the longest.", told.longest_naked_s or 0),
        ("mismatched_accounts", "Accounts whose books differed when compared.", told.n_mismatched),
        ("exchange_away", "Whether the exchange counts as not in service.", int(bool(told.away))),
        ("clock_offset_ms", "The exchange's clock against ours.", told.clock_offset_ms),
        ("weight_used", "Request weight of the last minute.", told.weight_used),
    )
    return "".join(
        f"# HELP cryptosystems_executor_{name} {words}\n"
        f"# TYPE cryptosystems_executor_{name} gauge\n"
        f"cryptosystems_executor_{name} {value}\n"
        for name, words, value in figures
        if value is not None
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus counters: for loopback, or with the token."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    trusted = bool(token) and compare_digest(given, token)
    if not trusted and request.META.get("REMOTE_ADDR") not in _LOOPBACK:
        return HttpResponseForbidden("metrics are not public")
    answer: HttpResponse = ExportToDjangoView(request)
    answer.content += _execution_metrics().encode()
    return answer
