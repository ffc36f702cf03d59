"""Exchange keys as JSON. Keys are made and ended on the page, signed in, after a second factor."""

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from cryptosystems.platform.openapi import ref
from cryptosystems.platform.scopes import ACCOUNT, caller_id, scope
from trading import api
from trading.bodies import body
from trading.contracts import AccountView, Venue


def key_body(user_id: UUID, account: AccountView) -> dict[str, Any]:
    """Return one account with the lines of its permission test."""
    checks = [body(check) for check in api.checks_of(user_id, account.id)]
    return {**body(account), "checks": checks}


@extend_schema(
    summary="Your exchange keys",
    description=(
        "Without anything secret: a key's name by its last four characters. Keys are connected and "
        "revoked at /account/api-keys, where your second factor is asked; no address of the API "
        "takes one."
    ),
    responses={200: ref("KeyList")},
)
@scope(ACCOUNT)
@api_view(["GET"])
def key_list(request: Request) -> Response:
    """Return the caller's connected accounts."""
    user_id = caller_id(request)
    found = [a for a in api.accounts_of(user_id) if a.venue is not Venue.PAPER]
    return Response({"results": [key_body(user_id, account) for account in found]})


@extend_schema(summary="One exchange key", responses={200: ref("Key")})
@scope(ACCOUNT)
@api_view(["GET"])
def key(request: Request, account_id: UUID) -> Response:
    """Return one account with its permission test: each line with what was found."""
    user_id = caller_id(request)
    account = api.account(user_id, account_id)
    if account is None or account.venue is Venue.PAPER:
        raise Http404
    return Response(key_body(user_id, account))
