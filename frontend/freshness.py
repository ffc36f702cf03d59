"""A fresh proof of who acts, for what lets more happen with somebody's money.

Asked for adding risk only. What reduces it (exits, the kill switch, a lower limit) never waits.
"""

from typing import cast

from allauth.account.internal.flows import reauthentication
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


def proof_first(request: HttpRequest) -> HttpResponse | None:
    """Return the way to the proof, where the last one is older than five minutes; else None.

    A form that was sent goes on by itself afterwards. Who has a second factor proves it by that.
    """
    if reauthentication.did_recently_reauthenticate(request):
        return None
    found = reauthentication.suspend_request(request, reverse("account_reauthenticate"))
    return cast("HttpResponse", found)
