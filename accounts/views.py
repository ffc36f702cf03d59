"""The account's JSON addresses that need no other room: tokens and the person's own log."""

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api
from accounts.contracts import AuditView, TokenView
from cryptosystems.platform.http import iso
from cryptosystems.platform.openapi import count_parameter, ref
from cryptosystems.platform.query import MOST_CURSOR, count
from cryptosystems.platform.scopes import ACCOUNT, caller_id, scope

MOST_LINES = 100


def token_body(token: TokenView) -> dict[str, Any]:
    """Return a token as JSON; the token itself is not among it, nobody has it any more."""
    return {
        "id": str(token.id),
        "name": token.name,
        "prefix": token.prefix,
        "scopes": list(token.scopes),
        "created_at": iso(token.created_at),
        "expires_at": iso(token.expires_at),
        "last_used_at": iso(token.last_used_at),
        "revoked_at": iso(token.revoked_at),
    }


def line_body(line: AuditView) -> dict[str, Any]:
    """Return a line of the log as JSON; who of the staff acted is not told."""
    return {
        "sequence": line.sequence,
        "at": iso(line.at),
        "action": line.action,
        "title": str(line.title),
        "by": line.actor_kind,
        "details": line.details,
    }


@extend_schema(
    summary="Your tokens",
    description=(
        "Newest first, revoked ones too. A token is made on the page /account/api-tokens, after "
        "the password was asked again; no address of the API makes one."
    ),
    responses={200: ref("TokenList")},
)
@scope(ACCOUNT)
@api_view(["GET"])
def token_list(request: Request) -> Response:
    """Return the caller's tokens."""
    return Response({"results": [token_body(token) for token in api.tokens_of(caller_id(request))]})


@extend_schema(
    summary="Revoke a token",
    description="It stops at once. Signed in only; with the header `X-CSRFToken`.",
    responses={204: OpenApiResponse(description="Revoked.")},
)
@scope(ACCOUNT)
@api_view(["DELETE"])
def token_detail(request: Request, token_id: UUID) -> Response:
    """End one of the caller's tokens."""
    if not api.revoke_token(caller_id(request), token_id):
        raise Http404
    return Response(status=204)


@extend_schema(
    summary="What was done to your account",
    parameters=[
        count_parameter("cursor", MOST_CURSOR, "`next` of the page before"),
        count_parameter("limit", MOST_LINES, "lines a page; 50 where it is left out"),
    ],
    responses={200: ref("AuditList")},
)
@scope(ACCOUNT, query=("cursor", "limit"))
@api_view(["GET"])
def audit_list(request: Request) -> Response:
    """Return the caller's own lines of the log, newest first."""
    limit = count(request, "limit", 50, MOST_LINES)
    before = count(request, "cursor", 0, MOST_CURSOR) or None
    lines = api.audit_of(caller_id(request), before=before, limit=limit + 1)
    following = lines[limit - 1].sequence if len(lines) > limit else None
    return Response({"next": following, "results": [line_body(line) for line in lines[:limit]]})
