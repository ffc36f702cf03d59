"""Who calls the API with a token: `Authorization: Bearer cs_…`, and from nowhere else."""

from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts.contracts import TokenView
from accounts.models import User
from accounts.services.tokens import find_token
from cryptosystems.platform.addresses import client_address
from cryptosystems.platform.throttles import take

SCHEME: Final = "bearer"


class TokenAuthentication(BaseAuthentication):
    """Finds the token's owner.

    Unknown, revoked, expired, or of someone deactivated: one answer for all, so that nothing can be
    learned by trying. A request that shows a token is judged by it alone, whatever its cookies.
    """

    def authenticate(self, request: Request) -> tuple[User, TokenView] | None:
        """Return (user, token), or None where no token is shown."""
        scheme, _space, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        found = find_token(text.strip())
        if found is None:
            wait_s = take(f"refused:{client_address(request)}", settings.API_RATES["refused"])
            if wait_s:
                raise Throttled(wait_s)
            raise AuthenticationFailed(
                _("This token is not valid. Make a new one on your account's page “API tokens”.")
            )
        return found

    def authenticate_header(self, request: Request) -> str:
        """Name the way to sign in, for the 401."""
        return 'Bearer realm="api"'
