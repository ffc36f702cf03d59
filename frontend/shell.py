"""What stands around every page."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from accounts import api as accounts
from accounts.contracts import UserView
from billing import api as billing
from billing.contracts import Entitlements
from cryptosystems.platform import announcements
from frontend.context import Badge, Shell
from frontend.standing import standing

_DEMO: Final = Badge(_("Demo"), "plain", _("Everything here can be seen without an account"))
_BADGES: Final = {
    "simulated": (
        Badge(
            _("Simulated market"),
            "sim",
            _("Prices come from our simulated exchange, not from Binance"),
        ),
    ),
    "replay": (
        Badge(
            _("Replay"),
            "replay",
            _(
                "Recorded candles of Binance are played again. Trades, order book, mark price "
                "and the path inside a candle are derived from them"
            ),
        ),
    ),
    "binance": (Badge(_("Live"), "live", _("Prices come from Binance USD-M Futures")),),
    "demo": (
        Badge(_("Live"), "live", _("Prices come from a live stream")),
        Badge(
            _("Binance demo"), "plain", _("The stream is Binance's demo market, not the real one")
        ),
    ),
}
_KEPT: Final = "_viewer_of_this_request"


_OF_SECURITY: Final = (
    "mfa_",
    "account_change_password",
    "account_set_password",
    "account_email",
    "account_reauthenticate",
)
"""Pages of the accounts library that belong to our page of security."""


def make_shell(page: str, request: HttpRequest | None = None, now: datetime | None = None) -> Shell:
    """Return the frame of a page: whose page it is, where prices come from, what staff announce."""
    now = now or timezone.now()
    person, rights = viewer(request) if request is not None else (None, None)
    badges = _BADGES[settings.MARKET]
    if person is None and settings.MARKET in ("simulated", "replay"):
        badges = (_DEMO, *badges)
    return Shell(
        page=page,
        badges=tuple(
            Badge(gettext(badge.word), badge.kind, gettext(badge.title)) for badge in badges
        ),
        now=now,
        person=person,
        entitlements=rights,
        standing=None if rights is None else standing(rights, now),
        notices=announcements.current(now),
    )


def viewer(request: HttpRequest) -> tuple[UserView | None, Entitlements | None]:
    """Return who asks and what they may use; read once a request."""
    found: tuple[UserView | None, Entitlements | None] | None = getattr(request, _KEPT, None)
    if found is None:
        found = (None, None)
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            person = accounts.user_by_id(user.pk)
            if person is not None:
                found = (person, billing.entitlements_for(person.id))
        setattr(request, _KEPT, found)
    return found


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give every template its frame (context processor); a page that names its own keeps it.

    It is made when a template asks for it: a page with a frame of its own costs nothing here.
    """
    match = getattr(request, "resolver_match", None)
    name = (match.url_name or "") if match else "error"
    if name.startswith(_OF_SECURITY):
        name = "security"
    return {
        "shell": SimpleLazyObject(lambda: make_shell(name, request)),
        "installable": settings.SERVICE_WORKER,
    }
