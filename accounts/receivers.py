"""What follows from allauth's events, all of it inside this room: the audit log and dates."""

from typing import Any

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts.middleware import begin
from accounts.models import User
from accounts.services import audit, sessions
from cryptosystems.platform import bell
from cryptosystems.platform.addresses import client_address


def _log(action: str, user: User, **details: Any) -> None:
    audit.append(action, subject_id=user.pk, actor_id=user.pk, actor_kind="user", details=details)


@receiver(account.user_signed_up)
def signed_up(user: User, **_more: Any) -> None:
    """Log a new account."""
    _log("signed_up", user)


@receiver(account.email_confirmed)
def address_confirmed(email_address: EmailAddress, **_more: Any) -> None:
    """Set, once, when a person became real: the trial counts from the first confirmation."""
    user = email_address.user
    with transaction.atomic():
        User.objects.filter(pk=user.pk, verified_at=None).update(verified_at=timezone.now())
        _log("address_verified", user)


@receiver(account.user_logged_in)
def signed_in(request: HttpRequest, user: User, **_more: Any) -> None:
    """Start the session's clocks; note device and way of signing in."""
    begin(request)
    records = request.session.get("account_authentication_methods") or []
    ways = [str(record.get("type") or record.get("method")) for record in records]
    with transaction.atomic():
        sessions.remember_device(
            user.pk, request.headers.get("User-Agent", ""), client_address(request)
        )
        _log("signed_in", user, ways=ways[-3:])


@receiver(account.user_logged_out)
def signed_out(user: User | None, request: HttpRequest, **_more: Any) -> None:
    """Log the end of a session and forget its row."""
    if user is not None and getattr(user, "pk", None):
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        _log("signed_out", user)
        bell.ring(user.pk)


@receiver(account.password_changed)
@receiver(account.password_set)
def password_changed(request: HttpRequest, user: User, **_more: Any) -> None:
    """Sign every other browser out."""
    with transaction.atomic():
        _log("password_changed", user)
        sessions.end_all(user.pk, except_key=request.session.session_key or "")


@receiver(account.password_reset)
def password_reset(request: HttpRequest, user: User, **_more: Any) -> None:
    """Sign every browser out; for a day keys and bot rest."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(security_changed_at=timezone.now())
        _log("password_reset", user)
        sessions.end_all(user.pk)


@receiver(account.email_confirmation_sent)
def email_change_asked(request: HttpRequest, signup: bool, **_more: Any) -> None:
    """Log that a signed-in person asked for another address."""
    if request.user.is_authenticated and not signup:
        _log("email_change_asked", request.user)


@receiver(account.email_changed)
def email_changed(user: User, from_email_address: EmailAddress | None, **_more: Any) -> None:
    """Log it; neither address is written down. The first address is no change."""
    if from_email_address is not None:
        _log("email_changed", user)


@receiver(mfa.authenticator_added)
def factor_added(user: User, authenticator: Authenticator, **_more: Any) -> None:
    """Log a new second factor; recovery codes come with the first by themselves."""
    _log("factor_added", user, kind=str(authenticator.type))


@receiver(mfa.authenticator_removed)
def factor_removed(user: User, authenticator: Authenticator, **_more: Any) -> None:
    """Log it; for a day keys and bot rest."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(security_changed_at=timezone.now())
        _log("factor_removed", user, kind=str(authenticator.type))


@receiver(mfa.authenticator_reset)
def codes_renewed(user: User, **_more: Any) -> None:
    """Log new recovery codes: the old ones are void."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(security_changed_at=timezone.now())
        _log("recovery_codes_renewed", user)


@receiver(mfa.authentication_failed)
def second_step_failed(user: User, **_more: Any) -> None:
    """Log a wrong code."""
    audit.append("second_step_failed", subject_id=user.pk)


@receiver(account.authentication_step_completed)
def confirmed_again(user: User, method: str, **more: Any) -> None:
    """Log that a person proved again who they are."""
    if more.get("reauthenticated"):
        _log("confirmed_again", user, way=str(more.get("type") or method))
