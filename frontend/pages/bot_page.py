"""The context of the bot page."""

from django.http import HttpRequest

from cryptosystems.kernel.errors import CryptoSystemsError
from frontend.limits_form import LimitsForm, form_of
from frontend.people import user_id_of
from frontend.sayings import sayings
from frontend.shell import make_shell
from frontend.trading_context import AccountTab, BotPage
from learning import api as learning
from trading import api as trading
from trading.contracts import AccountView, BotView, Venue


def make_bot(
    request: HttpRequest,
    account: AccountView | None,
    tabs: tuple[AccountTab, ...],
    *,
    form: LimitsForm | None = None,
    trouble: str = "",
    lock: str = "",
) -> BotPage:
    """Return the page's context; without an account it says why there is none."""
    view = None if account is None else trading.bot_view(user_id_of(request), account.id)
    return BotPage(
        shell=make_shell("bot", request),
        tabs=tabs,
        account=account if view is None else view.account,
        bot=view,
        form=form if form is not None or view is None else form_of(view.limits),
        sayings={} if view is None else _sayings(request, view, form),
        lost_share=0.0 if view is None else _lost_share(view),
        trouble=trouble,
        lock=lock,
        needs_quiz=_needs_quiz(request, view),
    )


def _sayings(request: HttpRequest, view: BotView, form: LimitsForm | None) -> dict[str, str]:
    """Return each limit's consequence: of what was typed, where that is a number at all."""
    changes = form.changes() if form is not None and form.is_valid() else {}
    try:
        found = trading.preview(user_id_of(request), view.account.id, changes)
    except CryptoSystemsError:
        # What was typed is refused, and the page says so: show what holds now.
        changes = {}
        found = trading.preview(user_id_of(request), view.account.id, changes)
    return sayings(found, {**view.limits, **changes}, view)


def _needs_quiz(request: HttpRequest, view: BotView | None) -> bool:
    if view is None or view.account.venue is Venue.PAPER:
        return False
    return not learning.has_passed_quiz(user_id_of(request))


def _lost_share(view: BotView) -> float:
    """Return how much of the daily-loss limit is used up, 0..1."""
    limit = float(view.limits.get("daily_loss_percent") or 0)
    lost = max(0.0, float(view.lost_today_percent))
    return min(1.0, lost / limit) if limit > 0 else 0.0
