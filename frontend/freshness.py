"""A fresh proof of who acts, for what lets more happen with somebody's money.

Asked for adding risk only. What reduces it (exits, the kill switch, a lower limit) never waits.
"""

from typing import cast

from allauth.account.internal.flows import reauthentication
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import api as accounts
from cryptosystems.kernel.errors import NotAllowed
from frontend.people import user_id_of


def proof_first(request: HttpRequest) -> HttpResponse | None:
    """Return the way to the proof, where the last one is older than five minutes; else None.

    A form that was sent goes on by itself afterwards. Who has a second factor proves it by that.

    Raises
    ------
    NotAllowed
        Without a second factor: a password alone opens no risk on an exchange.
    """
    if not accounts.has_second_factor(user_id_of(request)):
        raise NotAllowed(
            _(
                "This needs a second factor: set up a passkey or an app under Security, then come "
                "back. Reducing risk never needs one."
            ),
            code="second_factor",
        )
    if reauthentication.did_recently_reauthenticate(request):
        return None
    found = reauthentication.suspend_request(request, reverse("account_reauthenticate"))
    return cast("HttpResponse", found)
