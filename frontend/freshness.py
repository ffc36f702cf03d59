"""A fresh proof of who acts, for what lets more happen with somebody's money.

Asked for adding risk only. What reduces it (exits, the kill switch, a lower limit) never waits.
"""

from typing import cast
from urllib.parse import urlencode

from allauth.account.internal.flows import reauthentication
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import api as accounts
from cryptosystems.kernel.errors import NotAllowed
from frontend.people import user_id_of


def proof_first(request: HttpRequest, *, forget_and_return_to: str = "") -> HttpResponse | None:
    """Return the way to the proof, where the last one is older than five minutes; else None.

    A form that was sent goes on by itself afterwards: until then it lies in the session. One that
    may hold a secret must not lie there: it is forgotten, and the person comes back to an address
    to fill it in again. Who has a second factor proves it by that.

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
    door = reverse("account_reauthenticate")
    if forget_and_return_to:
        messages.info(request, _("What you pasted was not kept. Paste it again after the proof."))
        return HttpResponseRedirect(f"{door}?{urlencode({'next': forget_and_return_to})}")
    found = reauthentication.suspend_request(request, door)
    return cast("HttpResponse", found)
