"""Our rules on top of allauth."""

import re
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import audit, mail
from cryptosystems.platform import switches
from cryptosystems.platform.addresses import client_address
from cryptosystems.platform.encryption import open_sealed, seal

_OWN_PATH: Final = re.compile(r"/(?!/)[!-\[\]-~]{0,500}")
_PASSKEY: Final = "mfa_reauthenticate:webauthn"
_WAYS: Final = {
    "reauthenticate": _("Use your password"),
    "mfa_reauthenticate": _("Use a code"),
    _PASSKEY: _("Use a passkey"),
}
FACTOR_CONTEXT: Final = "mfa.authenticator.data"
"""What second factors are sealed for. Allauth does not say whose secret it hands over, so the
person cannot be part of it."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Sign-up, sign-in and mail."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed. Write to us if that is a mistake."),
        "duplicate_email": _("This is your address already. Enter another one."),
        "email_password_mismatch": _(
            "Address and password do not fit together. Check both, or reset the password."
        ),
        "enter_current_password": _("That is not your current password. Type it again."),
        "incorrect_code": _("That code does not fit. Check the newest mail or your app."),
        "incorrect_password": _("That is not your password. Type it again."),
        "invalid_password_reset": _("This link was used or is too old. Ask for a new one."),
        "same_as_current": _("This is your address already. Enter another one."),
        "too_many_login_attempts": _(
            "Too many attempts for now. Wait five minutes, or reset the password."
        ),
        "rate_limited": _("Too many attempts for now. Wait a few minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether new accounts can be made: staff may close sign-up."""
        return switches.is_on("sign_up")

    def new_user(self, request: HttpRequest) -> User:
        """Begin an account in the language that its owner reads just now."""
        user: User = super().new_user(request)
        user.language = get_language() or user.language
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        """Read the address where the rest of the product reads it."""
        return client_address(request)

    def is_safe_url(self, url: str | None) -> bool:
        """Lead back to pages of this site alone: a path of plain characters."""
        return bool(url and _OWN_PATH.fullmatch(url) and super().is_safe_url(url))

    def get_http_user_agent(self, request: HttpRequest) -> str:
        """Return the browser for mails: one line, short."""
        return " ".join(request.headers.get("User-Agent", "").split())[:200] or "unknown"

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: Any = None
    ) -> EmailMultiAlternatives:
        """Write a mail as all of ours are written."""
        return mail.compose(
            template_prefix, email, {**context, "site_url": settings.SITE_URL}, self.request
        )

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Offer the second factors alone to whoever has some: a password may have leaked.

        A passkey comes first where there is no app.
        """
        methods = {way["id"]: way for way in super().get_reauthentication_methods(user)}
        for name, description in _WAYS.items():
            if name in methods:
                methods[name]["description"] = description
        if len(methods) > 1:
            del methods["reauthenticate"]
        has_app = Authenticator.objects.filter(user=user.pk, type="totp").exists()
        return sorted(methods.values(), key=lambda way: (way["id"] == _PASSKEY) == has_app)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Log a wrong password for a known account; an unknown address leaves no trace."""
        user = User.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        if user is not None:
            audit.append("sign_in_failed", subject_id=user.pk)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Second factors: sealed at rest, in our words."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "That code does not fit or was used. A new one appears every 30 seconds."
        ),
        "unverified_email": _("Confirm your e-mail address first; then add a second step."),
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret before it becomes part of a row."""
        return seal(text.encode(), FACTOR_CONTEXT)

    def decrypt(self, encrypted_text: str) -> str:
        """Open a sealed secret."""
        return open_sealed(encrypted_text, FACTOR_CONTEXT).decode()

    def generate_authenticator_name(self, user: User, type: Any) -> str:  # noqa: A002
        """Suggest a name for a new key."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return gettext("Passkey") if not count else gettext("Passkey %d") % (count + 1)

    def _get_site_name(self) -> str:
        return "CryptoSystems"
