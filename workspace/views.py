"""A workspace as JSON; thin: everything is the services'."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from cryptosystems.kernel.decimals import plain
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.http import iso
from cryptosystems.platform.openapi import ref
from cryptosystems.platform.scopes import ACCOUNT, SIGNALS, caller_id, scope
from workspace import api, domain
from workspace.contracts import AlertKind

_OF = OpenApiParameter(
    "symbol",
    {"type": "string", "pattern": domain.SYMBOL.pattern, "examples": ["BTCUSDT"]},
    OpenApiParameter.PATH,
)
_TOKEN = OpenApiParameter("token", {"type": "string", "maxLength": 43}, OpenApiParameter.PATH)


def _body(view: Any) -> Any:
    """Return a frozen view as JSON: numbers as text, times in UTC."""
    if isinstance(view, Enum):
        return view.value
    if isinstance(view, Decimal):
        return plain(view.normalize())
    if isinstance(view, UUID):
        return str(view)
    if isinstance(view, datetime):
        return iso(view)
    if isinstance(view, tuple):
        return [_body(each) for each in view]
    if hasattr(view, "__dataclass_fields__"):
        return {field.name: _body(getattr(view, field.name)) for field in fields(view)}
    return view


def _object(request: Request, *known: str, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    data = request.data
    if not isinstance(data, dict) or not data or set(data) - set(known):
        raise InvalidInput(f"Send one JSON object with {', '.join(known)}.")
    missing = [name for name in needed if name not in data]
    if missing:
        raise InvalidInput(f"{missing[0]} is missing.")
    return {str(name): inner for name, inner in data.items()}


def _known_symbol(symbol: str) -> str:
    if not domain.SYMBOL.fullmatch(symbol):
        raise Http404
    return symbol


@extend_schema(summary="Your workspace", responses={200: ref("Workspace")})
@scope(ACCOUNT)
@api_view(["GET"])
def workspace(request: Request) -> Response:
    """Saved layouts, watch-lists and alerts; drawings are read with their chart."""
    return Response(_body(api.workspace_of(caller_id(request))))


@extend_schema(
    summary="Drawings on a chart",
    methods=["GET"],
    parameters=[_OF],
    responses={200: ref("Drawings")},
)
@extend_schema(
    summary="Save the drawings on a chart",
    methods=["PUT"],
    parameters=[_OF],
    request={"application/json": ref("DrawingsChange")},
    responses={200: ref("Drawings")},
)
@scope(ACCOUNT)
@api_view(["GET", "PUT"])
def drawings(request: Request, symbol: str) -> Response:
    """One set a symbol. `version` says what was read; another device's change is not overwritten."""
    user_id = caller_id(request)
    symbol = _known_symbol(symbol)
    if request.method == "PUT":
        data = _object(request, "items", "version", needed=("items", "version"))
        version = data["version"]
        if not isinstance(version, int) or isinstance(version, bool) or version < 0:
            raise InvalidInput("version is the whole number that came with the drawings")
        return Response(_body(api.save_drawings(user_id, symbol, data["items"], version)))
    return Response(_body(api.drawings_of(user_id, symbol)))


@extend_schema(
    summary="Save a new layout",
    request={"application/json": ref("LayoutOrder")},
    responses={201: ref("Layout")},
)
@scope(ACCOUNT)
@api_view(["POST"])
def layout_list(request: Request) -> Response:
    """It becomes the current one, which opens on every device."""
    data = _object(request, "name", "body", needed=("name", "body"))
    made = api.add_layout(caller_id(request), data["name"], data["body"])
    return Response(_body(made), status=201)


@extend_schema(
    summary="Change a layout",
    methods=["PATCH"],
    request={"application/json": ref("LayoutChange")},
    responses={200: ref("Layout")},
)
@extend_schema(summary="Delete a layout", methods=["DELETE"], responses={204: None})
@scope(ACCOUNT)
@api_view(["PATCH", "DELETE"])
def layout(request: Request, layout_id: UUID) -> Response:
    """Name, body, whether it is current, whether it has a link to be shared by."""
    user_id = caller_id(request)
    held = {row.id for row in api.workspace_of(user_id).layouts}
    if layout_id not in held:
        raise Http404
    if request.method == "DELETE":
        api.delete_layout(user_id, layout_id)
        return Response(status=204)
    data = _object(request, "name", "body", "is_current", "is_shared")
    for flag in ("is_current", "is_shared"):
        if not isinstance(data.get(flag, False), bool):
            raise InvalidInput(f"{flag} is true or false")
    return Response(_body(api.change_layout(user_id, layout_id, data)))


@extend_schema(summary="A shared layout", parameters=[_TOKEN], responses={200: ref("SharedLayout")})
@scope(SIGNALS, public=True)
@api_view(["GET"])
def shared_layout(request: Request, token: str) -> Response:
    """Name and arrangement; nothing of the person who shares it."""
    found = api.shared_layout(token)
    if found is None:
        raise Http404
    return Response({"name": found[0], "body": found[1]})


@extend_schema(
    summary="Replace your watch-lists",
    request={"application/json": ref("WatchListsChange")},
    responses={200: ref("WatchLists")},
)
@scope(ACCOUNT)
@api_view(["PUT"])
def watch_lists(request: Request) -> Response:
    """All of them, in their order."""
    data = _object(request, "lists", needed=("lists",))
    return Response({"lists": _body(api.save_watch_lists(caller_id(request), data["lists"]))})


@extend_schema(summary="Your alerts", methods=["GET"], responses={200: ref("AlertList")})
@extend_schema(
    summary="Set an alert",
    methods=["POST"],
    request={"application/json": ref("AlertOrder")},
    responses={201: ref("Alert")},
)
@scope(ACCOUNT)
@api_view(["GET", "POST"])
def alert_list(request: Request) -> Response:
    """An alert goes off once, judged on the server, whether or not a page is open."""
    user_id = caller_id(request)
    if request.method == "GET":
        return Response({"results": _body(api.alerts_of(user_id))})
    data = _object(request, "symbol", "kind", "level", "note", needed=("symbol", "kind"))
    kinds = [kind.value for kind in AlertKind]
    if data["kind"] not in kinds:
        raise InvalidInput(f"kind is one of {', '.join(kinds)}")
    made = api.add_alert(
        user_id,
        symbol=data["symbol"],
        kind=AlertKind(data["kind"]),
        level=data.get("level"),
        note=data.get("note", ""),
    )
    return Response(_body(made), status=201)


@extend_schema(summary="Delete an alert", responses={204: None})
@scope(ACCOUNT)
@api_view(["DELETE"])
def alert(request: Request, alert_id: UUID) -> Response:
    """One that waits or one that has gone off."""
    if not api.delete_alert(caller_id(request), alert_id):
        raise Http404
    return Response(status=204)


@extend_schema(summary="Note alerts as seen", request=None, responses={204: None})
@scope(ACCOUNT)
@api_view(["POST"])
def alerts_seen(request: Request) -> Response:
    """All that have gone off so far."""
    api.see_alerts(caller_id(request))
    return Response(status=204)
