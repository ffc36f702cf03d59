"""What pages answer with after a form."""

from django.http import HttpResponseRedirect

from cryptosystems.kernel.errors import CryptoSystemsError, InvalidInput, NotAllowed, RetryLater


class SeeOther(HttpResponseRedirect):
    """After a POST: go there, by GET."""

    status_code = 303


def status_of(error: CryptoSystemsError) -> int:
    """Return the status that goes with an error which the page shows in words."""
    if isinstance(error, InvalidInput):
        return 400
    if isinstance(error, NotAllowed):
        return 403
    if isinstance(error, RetryLater) and error.after_s:
        return 429
    return 503
