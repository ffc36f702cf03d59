"""The answer to somebody who tries too often."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

_HOURLY: Final = frozenset({"account_signup", "account_reset_password"})


def too_many(request: HttpRequest) -> HttpResponse:
    """Say that it was too often, and when the longest of the limits is over."""
    response = render(request, "429.html", status=429)
    match = request.resolver_match
    hourly = match is not None and match.url_name in _HOURLY
    response["Retry-After"] = "3600" if hourly else "60"
    return response
