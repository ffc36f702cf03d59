"""The way from the demo to automation: five steps that know where somebody is."""

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import api as billing
from billing.contracts import Feature, State
from learning import api as learning
from trading.contracts import AccountState, ProgressView, StepView
from trading.domain.ladder import NEEDED_ON_PAPER
from trading.models import BotSettings, TradingAccount
from trading.selectors.bots import paper_results
from trading.selectors.ladder import paper_count

_CODES = ("demo", "trial", "learn", "paper", "key")


def progress_of(user_id: UUID) -> ProgressView:
    """Return the five steps of somebody, and how their paper trades went."""
    entitled = billing.entitlements_for(user_id)
    n_paper = paper_count(user_id)
    has_learned = learning.has_passed_quiz(user_id)
    is_connected = (
        TradingAccount.objects.for_user(user_id)
        .filter(state=AccountState.CONNECTED.value)
        .exclude(venue="paper")
        .exists()
    )
    has_bot = BotSettings.objects.for_user(user_id).filter(is_automatic=True).exists()
    done = (
        True,
        entitled.state is not State.DEMO,
        has_learned,
        n_paper >= NEEDED_ON_PAPER,
        is_connected and has_bot,
    )
    steps = _steps(done, str(entitled.sentence), n_paper, is_connected)
    if not entitled.allows(Feature.PAPER) and not done[3]:
        steps = [
            *steps[:3],
            _with_link(steps[3], "/ai-trading/plans-pricing", _("See the plan")),
            steps[4],
        ]
    return ProgressView(tuple(steps), paper_results(user_id), NEEDED_ON_PAPER)


def _steps(
    done: Sequence[bool], entitlement: str, n_paper: int, is_connected: bool
) -> list[StepView]:
    left = max(0, NEEDED_ON_PAPER - n_paper)
    texts = {
        "demo": (
            _("Look around the demo"),
            _("Open a signal, the heatmap and the analysis tabs. No account is needed."),
            ("/ai-trading/dashboard", _("Open the dashboard")),
        ),
        "trial": (_("Start the trial"), entitlement, ("/account/billing", _("Plan and billing"))),
        "learn": (
            _("Learn what can be lost"),
            _(
                "Read the lessons and pass the quiz: what leverage does, what no stop can promise, "
                "which rights a key may have."
            ),
            ("/ai-trading/learn", _("Open the lessons")),
        ),
        "paper": (
            _("Follow ten signals on paper"),
            ngettext(
                "With paper money, at live prices. %(count)s of 10 has ended so far.",
                "With paper money, at live prices. %(count)s of 10 have ended so far.",
                n_paper,
            )
            % {"count": n_paper},
            ("/ai-trading/dashboard", _("Open a signal")),
        ),
        "key": _key_step(is_connected, left),
    }
    first_open = next((place for place, is_done in enumerate(done) if not is_done), len(done))
    found = []
    for place, code in enumerate(_CODES):
        title, sentence, (link, link_text) = texts[code]
        state = "done" if done[place] else "now" if place == first_open else "locked"
        found.append(StepView(place + 1, code, state, title, sentence, link, link_text, ""))
    return found


def _key_step(is_connected: bool, left: int) -> tuple[str, str, tuple[str, str]]:
    title = _("Connect a key and switch on the bot")
    if left:
        sentence = ngettext(
            "Opens after %(left)s more paper trade. A trade-only key without withdrawals; the "
            "smallest size first.",
            "Opens after %(left)s more paper trades. A trade-only key without withdrawals; the "
            "smallest size first.",
            left,
        ) % {"left": left}
        return title, sentence, ("/account/api-keys", _("See how it works"))
    if is_connected:
        return (
            title,
            _("The key is connected. Set your limits, then switch the bot on."),
            ("/account/bot", _("Bot and limits")),
        )
    return (
        title,
        _("A trade-only key without withdrawals. Start with the smallest size."),
        ("/account/api-keys", _("Connect a key")),
    )


def _with_link(step: StepView, link: str, text: str) -> StepView:
    return StepView(
        step.number, step.code, step.state, step.title, step.sentence, link, text, step.aside
    )
