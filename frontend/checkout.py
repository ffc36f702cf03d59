"""The way from a form of ours to the payment provider's pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse

from billing import api as billing

P = ParamSpec("P")
_STRIPE: Final = ("https://checkout.stripe.com", "https://billing.stripe.com")


def payment_origins() -> tuple[str, ...]:
    """Return where a form may end up: browsers hold redirects of a form to the policy as well."""
    if billing.is_standin() and settings.STRIPE_API_BASE:
        at = urlsplit(settings.STRIPE_API_BASE)
        return (f"{at.scheme}://{at.netloc}",)
    return _STRIPE


def lets_forms_reach_payments(
    view: Callable[P, HttpResponse],
) -> Callable[P, HttpResponse]:
    """Widen `form-action` of this page alone, by the payment provider's hosts alone."""

    @wraps(view)
    def widened(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        answer: Any = view(*args, **kwargs)
        # What django-csp's own decorators set; theirs take the hosts at import, ours at the call.
        answer._csp_update = {"form-action": [*payment_origins()]}
        return answer  # type: ignore[no-any-return]

    return widened
