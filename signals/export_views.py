"""The address from which signals are taken as a file."""

from typing import Any, Final

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from cryptosystems.platform.csv_files import csv_answer, json_answer
from cryptosystems.platform.openapi import ref
from cryptosystems.platform.query import MOMENT_PATTERN, moment, one_of
from cryptosystems.platform.scopes import SIGNALS, caller_id, scope
from signals.delivery.payloads import iso
from signals.delivery.topics import SYMBOL_PATTERN
from signals.selectors.export import COLUMNS
from signals.selectors.visibility import live_origin
from signals.services.export import LONGEST, open_file
from signals.views import symbol_of

_FORMATS: Final = ("csv", "json")
_STATES: Final = ("open", "settled")
_TIMEFRAMES: Final = tuple(tf.value for tf in Timeframe)
_PARAMETERS: Final = ("format", "origin", "state", "symbol", "timeframe", "since", "until")


class CsvRenderer(JSONRenderer):
    """Lets `Accept: text/csv` in; the file is no work of a renderer, and an error stays JSON."""

    media_type = "text/csv"
    format = "csv"


def _moment(name: str, meaning: str) -> OpenApiParameter:
    schema = {"type": "string", "pattern": MOMENT_PATTERN, "examples": ["2026-01-31"]}
    return OpenApiParameter(name, schema, description=meaning)


@extend_schema(
    summary="Signals as a file",
    parameters=[
        OpenApiParameter("format", str, enum=_FORMATS, default="csv"),
        OpenApiParameter("origin", str, enum=[o.value for o in Origin]),
        OpenApiParameter("state", str, enum=_STATES),
        OpenApiParameter("symbol", {"type": "string", "pattern": SYMBOL_PATTERN}),
        OpenApiParameter("timeframe", str, enum=_TIMEFRAMES),
        _moment("since", f"issued at or after; {LONGEST.days} days before `until` if left out"),
        _moment("until", "issued before; now if left out"),
    ],
    responses={
        (200, "text/csv"): OpenApiResponse(
            OpenApiTypes.STR, description=f"The columns {', '.join(COLUMNS)}; the oldest first."
        ),
        (200, "application/json"): ref("SignalFile"),
    },
)
@scope(SIGNALS, query=_PARAMETERS)
@api_view(["GET"])
@renderer_classes([JSONRenderer, CsvRenderer])
def signal_export(request: Request) -> HttpResponseBase:
    """One origin's signals as CSV or JSON, with results and hashes. Needs a trial or a plan.

    Sent row by row; a file covers at most 366 days and 50,000 signals, and a person takes at most
    10 an hour. Prices are exact decimals, other figures are not rounded. An open signal has no
    result yet; one that was never entered has none either.
    """
    asked = one_of(request, "format", _FORMATS, "csv")
    made = open_file(
        caller_id(request),
        origin=str(one_of(request, "origin", tuple(Origin), live_origin())),
        state=one_of(request, "state", _STATES, None),
        symbol=symbol_of(request),
        timeframe=one_of(request, "timeframe", _TIMEFRAMES, None),
        since=moment(request, "since"),
        until=moment(request, "until"),
    )
    wanted = made.wanted
    name = f"signals-{wanted.origin}-{wanted.since:%Y%m%d}-{wanted.until:%Y%m%d}"
    if asked == "csv":
        return csv_answer(request._request, name, COLUMNS, made.rows)
    head: dict[str, Any] = {
        "origin": wanted.origin,
        "since": iso(wanted.since),
        "until": iso(wanted.until),
    }
    return json_answer(request._request, name, head, COLUMNS, made.rows)
