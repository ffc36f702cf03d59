"""Personal tokens: made once and shown once, kept as a hash, tied to scopes."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.contracts import TokenView
from accounts.models import ApiToken, User
from accounts.services import audit
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform import switches
from cryptosystems.platform.text import check_free_text

MOST_LIVE: Final = 10
MOST_NAME: Final = 60
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exact `last_used_at` is: one write a minute, however busy a token is."""
_SHOWN: Final = 11
_FORM: Final = re.compile(r"cs_[A-Za-z0-9_-]{43}")


def create_token(
    user_id: UUID,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> tuple[TokenView, str]:
    """Make a token and return it with its text, which nobody can read again afterwards.

    Raises
    ------
    InvalidInput
        If name, scopes or expiry do not fit, or the person has ten live tokens.
    NotAllowed
        While staff have closed the making of tokens.
    """
    if not switches.is_on("api_tokens"):
        raise NotAllowed(
            _("No new tokens are made right now. Those you have go on working."), code="closed"
        )
    now = now or timezone.now()
    name = check_free_text(name, most=MOST_NAME).strip()
    if not name:
        raise InvalidInput(_("Give the token a name, so that you know it again."))
    wanted = set(scopes)
    known = [scope.value for scope in ApiToken.Scope]
    if not wanted or not wanted <= set(known):
        raise InvalidInput(_("Choose scopes among %(known)s.") % {"known": ", ".join(known)})
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(_("The expiry lies in the past; choose a later day, or none."))
    text = "cs_" + secrets.token_urlsafe(32)
    with transaction.atomic():
        # The row of the owner is the lock: two requests cannot both make the tenth token.
        User.objects.select_for_update().only("pk").get(pk=user_id)
        if ApiToken.objects.for_user(user_id).filter(_live(now)).count() >= MOST_LIVE:
            raise InvalidInput(
                _("You have %(n)s live tokens. Revoke one first.") % {"n": MOST_LIVE}
            )
        row = ApiToken.objects.add_for(
            user_id,
            name=name,
            prefix=text[:_SHOWN],
            digest=_digest(text),
            scopes=[scope for scope in known if scope in wanted],
            created_at=now,
            expires_at=expires_at,
        )
        _note("token_created", user_id, row)
    return view_of(row), text


def tokens_of(user_id: UUID) -> list[TokenView]:
    """Return someone's tokens, newest first, revoked and expired ones too."""
    rows = ApiToken.objects.for_user(user_id).order_by("-created_at", "pk")
    return [view_of(row) for row in rows]


def revoke_token(user_id: UUID, token_id: UUID, now: datetime | None = None) -> bool:
    """End a token at once; False if this person has no live token of that id."""
    with transaction.atomic():
        mine = ApiToken.objects.for_user(user_id).filter(pk=token_id)
        if not mine.filter(revoked_at=None).update(revoked_at=now or timezone.now()):
            return False
        _note("token_revoked", user_id, mine.get())
    return True


def find_token(text: str, now: datetime | None = None) -> tuple[User, TokenView] | None:
    """Return whose live token this is, and note that it was used; None for any other text."""
    if not _FORM.fullmatch(text):
        return None
    now = now or timezone.now()
    rows = ApiToken.objects.across_tenants("a token itself says whose it is")
    row = rows.select_related("user").filter(_live(now), digest=_digest(text)).first()
    if row is None or not row.user.is_active:
        return None
    rows.filter(Q(last_used_at=None) | Q(last_used_at__lte=now - SEEN_EVERY), pk=row.pk).update(
        last_used_at=now
    )
    return row.user, view_of(row)


def view_of(row: ApiToken) -> TokenView:
    """Return what may be shown of a token."""
    return TokenView(
        id=row.pk,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _live(now: datetime) -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _note(action: str, user_id: UUID, row: ApiToken) -> None:
    # No name: the log outlives the account, and a name may tell who somebody was.
    details = {"token": str(row.pk), "prefix": row.prefix, "scopes": row.scopes}
    audit.append(action, subject_id=user_id, actor_id=user_id, actor_kind="user", details=details)
