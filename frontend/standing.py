"""Where someone stands, in words: the twin of `static/frontend/js/account.js`."""

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext, ngettext

from billing.contracts import Entitlements, State
from frontend.context import Standing

LAST_DAY: Final = timedelta(days=1)


def standing(rights: Entitlements, now: datetime) -> Standing:
    """Return the words beside the account menu, and the banner while something is owed."""
    words, kind, banner = "", "plain", ""
    if rights.state is State.TRIAL and rights.until is not None:
        remaining = rights.until - now
        words = trial_words(remaining)
        kind = "warn" if remaining <= LAST_DAY else "plain"
    elif rights.state is State.ENDED or rights.state is State.DEMO:
        words = gettext("Demo")
    elif rights.state is State.STAFF:
        words = gettext("Staff")
    elif rights.state is State.GRACE:
        words, kind, banner = gettext("Payment failed"), "warn", rights.sentence
    elif rights.state is State.CLOSE_ONLY:
        words, kind, banner = gettext("Payment owed"), "warn", rights.sentence
    return Standing(words, kind, banner, rights.until)


def trial_words(remaining: timedelta) -> str:
    """Return what is left of a trial: days rounded up, on the last day hours, then minutes."""
    if remaining <= timedelta(0):
        return gettext("Trial ended")
    if remaining > LAST_DAY:
        days = -(-remaining // LAST_DAY)
        return ngettext("Trial, %(n)d day left", "Trial, %(n)d days left", days) % {"n": days}
    if remaining > timedelta(hours=1):
        hours = -(-remaining // timedelta(hours=1))
        return gettext("Trial, %(n)d h left") % {"n": hours}
    minutes = -(-remaining // timedelta(minutes=1))
    return gettext("Trial, %(n)d min left") % {"n": minutes}
