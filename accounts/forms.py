"""Allauth's forms with one rule for every field: bounded, plain, in our look and words."""

from collections.abc import Callable
from typing import Any, Final

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.adapters import SecondFactorAdapter
from accounts.models import Consent, User
from accounts.services import people
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.platform.text import check_free_text, plain_text

MOST_PASSWORD: Final = 128
_MOST_JSON: Final = 20_000
_MOST: Final = {"email": 254, "login": 254, "code": 32, "name": 60}
_LABELS: Final = {
    "email": _("E-mail"),
    "login": _("E-mail"),
    "code": _("Code"),
    "oldpassword": _("Current password"),
    "remember": _("Stay signed in on this device"),
    "password2": _("New password again"),
}


class Guarded(forms.Form):
    """Bounds and checks every field before allauth sees it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            _guard(name, field)
        if "password2" in self.fields:
            self.fields["password1"].label = _("New password")


def _guard(name: str, field: forms.Field) -> None:
    if name in _LABELS:
        field.label = _LABELS[name]
    field.widget.attrs.pop("placeholder", None)
    if isinstance(field, forms.BooleanField) or field.widget.is_hidden:
        return
    field.widget.attrs["class"] = "input input-l"
    if not isinstance(field, forms.CharField):
        return
    if isinstance(field.widget, forms.PasswordInput):
        # Any characters are welcome in a password; only its length is bounded, before hashing.
        field.help_text = ""
        _bound(field, MOST_PASSWORD)
        return
    _bound(field, _MOST.get(name, 254))
    field.validators.append(plain_text)
    if name == "code":
        field.widget.attrs |= {"autocomplete": "one-time-code", "autocapitalize": "characters"}


def _bound(field: forms.CharField, most: int) -> None:
    field.max_length = most
    field.widget.attrs["maxlength"] = str(most)
    field.validators.append(MaxLengthValidator(most))
    # Validators run one after the other, and allauth hashes only a field that passed; a far
    # longer text is cut off here, so that no later check has to read it.
    field.to_python = _refuse_longer(field.to_python, most)  # type: ignore[method-assign, assignment]


def _refuse_longer(convert: Callable[[Any], Any], most: int) -> Callable[[Any], Any]:
    def to_python(value: Any) -> Any:
        if isinstance(value, str) and len(value) > most:
            raise ValidationError(_("Use at most %(most)s characters."), params={"most": most})
        return convert(value)

    return to_python


class SignupForm(Guarded, account.SignupForm):  # type: ignore[misc]  # allauth ships no types
    """E-mail, password, and that the risk is understood."""

    accept = forms.BooleanField(
        label=_(
            "I have read the risk notice and the terms: I can lose all the money I put at risk."
        ),
        error_messages={"required": _("Read the risk notice and the terms, then tick the box.")},
    )

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Create the user; where the address is taken, do the same work and say the same."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        user, response = super().try_save(request)
        return user, response

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        """Keep what was agreed to, in which version and when."""
        super().custom_signup(request, user)
        people.record_consent(user.pk, Consent.Kind.RISK, settings.RISK_NOTICE_VERSION, None)
        people.record_consent(user.pk, Consent.Kind.TERMS, settings.TERMS_VERSION, None)


class LoginForm(Guarded, account.LoginForm):  # type: ignore[misc]
    """Sign-in."""


class AddEmailForm(Guarded, account.AddEmailForm):  # type: ignore[misc]
    """A new address, which counts once it is confirmed."""


class ChangeEmailForm(Guarded, account.ChangeEmailForm):  # type: ignore[misc]
    """Another address while the first is not confirmed yet."""


class ChangePasswordForm(Guarded, account.ChangePasswordForm):  # type: ignore[misc]
    """A new password, by the current one."""


class SetPasswordForm(Guarded, account.SetPasswordForm):  # type: ignore[misc]
    """A first password."""


class ResetPasswordForm(Guarded, account.ResetPasswordForm):  # type: ignore[misc]
    """Asks for a link by mail."""


class ResetPasswordKeyForm(Guarded, account.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, by the link."""


class ReauthenticateForm(Guarded, account.ReauthenticateForm):  # type: ignore[misc]
    """The password again, before something sensitive."""


class ConfirmCodeForm(Guarded, account.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    """The code from the mail."""


class SecondStepForm(Guarded, mfa.AuthenticateForm):  # type: ignore[misc]
    """A code of the app, or a recovery code, at sign-in."""


class SecondStepAgainForm(Guarded, mfa.ReauthenticateForm):  # type: ignore[misc]
    """The same before something sensitive."""


class ActivateTotpForm(Guarded, totp.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app."""


class _NamedKey(Guarded):
    """A key's name is kept in its composed form."""

    def clean_name(self) -> str:
        parent = getattr(super(), "clean_name", None)
        name = str(parent() if parent else self.cleaned_data["name"])
        try:
            return check_free_text(name)
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None


class CredentialField(forms.JSONField):
    """What a browser says of a key; too long or too deeply nested is no JSON to us."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(_bounded(value))
        except RecursionError:
            raise SecondFactorAdapter().validation_error("incorrect_code") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show nothing of what was refused: the browser fills it anew."""
        return None


def _bounded(value: Any) -> Any:
    return "[" if isinstance(value, str) and len(value) > _MOST_JSON else value


class _Credential(Guarded):
    """What a browser says of a key is parsed from bytes that anybody may have made up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        return _or_incorrect(super().clean) or {}

    def clean_credential(self) -> Any:
        parent = getattr(super(), "clean_credential", None)
        return _or_incorrect(parent) if parent else self.cleaned_data["credential"]


def _or_incorrect(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except (ValidationError, DatabaseError):
        raise
    except Exception:  # parsers and signature checks of made-up bytes may raise anything
        raise SecondFactorAdapter().validation_error("incorrect_code") from None


class PasskeyForm(_Credential, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A key as the second step."""


class PasskeySignInForm(_Credential, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey instead of a password."""


class PasskeyAgainForm(_Credential, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A key before something sensitive."""


class AddPasskeyForm(_NamedKey, _Credential, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey or security key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].label = _("Sign in with this key alone (passkey)")
        self.fields["passwordless"].help_text = _(
            "The device then asks for your fingerprint, face or PIN. Without it, the key is a "
            "second step after the password."
        )
        self.fields["passwordless"].initial = True


class EditPasskeyForm(_NamedKey, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a key."""
