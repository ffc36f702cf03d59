"""The account as JSON: who somebody is, what they may use and why, what they paid."""

from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api as accounts
from accounts.contracts import UserView
from billing import api
from billing.contracts import Entitlements, InvoiceView
from cryptosystems.platform.http import iso
from cryptosystems.platform.openapi import ref
from cryptosystems.platform.scopes import ACCOUNT, caller_id, scope
from cryptosystems.platform.serializers import (
    StrictChoice,
    StrictFlag,
    StrictSerializer,
    StrictText,
)

READ_ONLY = ("id", "email", "joined_at", "verified_at", "deletion_due_at", "entitlement")


class AccountChange(StrictSerializer):
    """What somebody may change of their account here."""

    time_zone = StrictText(max_length=64)
    number_format = StrictChoice(choices=("point", "comma", "space"))
    theme = StrictChoice(choices=("system", "dark", "light"))
    is_colour_blind_safe = StrictFlag()
    language = StrictChoice(choices=tuple(code for code, _ in settings.LANGUAGES))

    def validate_time_zone(self, name: str) -> str:
        """Refuse a name that is not in the time zone database."""
        if name not in available_timezones():
            raise serializers.ValidationError("Choose a time zone such as Europe/Berlin.")
        return name

    def refused(self, name: str) -> str:
        """Say of a field that is shown but not changed here that it is only read."""
        return "This is only read." if name in READ_ONLY else super().refused(name)


def entitlement_body(found: Entitlements) -> dict[str, Any]:
    """Return what somebody may use, as JSON."""
    return {
        "state": found.state.value,
        "features": sorted(feature.value for feature in found.features),
        "until": iso(found.until),
        "code": found.code,
        "sentence": str(found.sentence),
    }


def account_body(user: UserView) -> dict[str, Any]:
    """Return a person's own account, as JSON."""
    return {
        "id": str(user.id),
        "email": user.email,
        "joined_at": iso(user.joined_at),
        "verified_at": iso(user.verified_at),
        "time_zone": user.time_zone,
        "number_format": user.number_format,
        "theme": user.theme,
        "is_colour_blind_safe": user.is_colour_blind_safe,
        "language": user.language,
        "deletion_due_at": iso(user.deletion_due_at),
        "entitlement": entitlement_body(api.entitlements_for(user.id)),
    }


def _money(amount: Decimal) -> str:
    return f"{amount:f}"


def invoice_body(invoice: InvoiceView) -> dict[str, Any]:
    """Return an invoice as JSON; money is text, so that no reader rounds it."""
    return {
        "number": invoice.number,
        "issued_at": iso(invoice.issued_at),
        "total": _money(invoice.total),
        "tax": _money(invoice.tax),
        "currency": invoice.currency,
        "status": invoice.status,
        "hosted_url": invoice.hosted_url,
        "pdf_url": invoice.pdf_url,
    }


@extend_schema(methods=["GET"], summary="Your account", responses={200: ref("Account")})
@extend_schema(
    methods=["PATCH"],
    summary="Change your settings",
    description="Signed in only; with the header `X-CSRFToken`. Send what is to change.",
    request={"application/json": ref("AccountChange")},
    responses={200: ref("Account")},
)
@scope(ACCOUNT)
@api_view(["GET", "PATCH"])
def account(request: Request) -> Response:
    """Return the caller's account, after a change where one is asked for."""
    if request.method == "PATCH":
        change = AccountChange(data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        return Response(
            account_body(accounts.save_settings(caller_id(request), **change.validated_data))
        )
    user = accounts.user_by_id(caller_id(request))
    if user is None:
        raise Http404
    return Response(account_body(user))


@extend_schema(summary="What you may use", responses={200: ref("Entitlement")})
@scope(ACCOUNT)
@api_view(["GET"])
def entitlement(request: Request) -> Response:
    """Return the caller's state, its end and its reason."""
    return Response(entitlement_body(api.entitlements_for(caller_id(request))))


@extend_schema(summary="Your invoices", responses={200: ref("InvoiceList")})
@scope(ACCOUNT)
@api_view(["GET"])
def invoice_list(request: Request) -> Response:
    """Return the caller's invoices, newest first."""
    found = api.billing_view(caller_id(request))
    return Response({"results": [invoice_body(invoice) for invoice in found.invoices]})
