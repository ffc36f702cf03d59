"""What the ladder counts, from rows."""

from uuid import UUID

from learning import api as learning
from trading.contracts import TradeState, Venue
from trading.domain.ladder import Event, Rung, automation_opens, climb, quiz_opens
from trading.models import JournalEntry, Trade

BREACH = "breach"


def paper_count(user_id: UUID) -> int:
    """Return how many followed paper trades were entered and have ended."""
    return (
        Trade.objects.for_user(user_id)
        .filter(venue=Venue.PAPER.value, how="by_hand", state=TradeState.CLOSED.value)
        .count()
    )


def automation_held(user_id: UUID, venue: str) -> tuple[str, str]:
    """Return code and sentence of what is missing before a bot can be switched on; or two blanks.

    Ten trades on paper come first; where real money is at stake, the quiz too.
    """
    missing = automation_opens(paper_count(user_id))
    if missing:
        return "paper_first", missing
    if venue != Venue.PAPER.value and not learning.has_passed_quiz(user_id):
        return "quiz_first", quiz_opens()
    return "", ""


def rung_of(user_id: UUID, account_id: UUID) -> Rung:
    """Return where one account stands: closed trades of its bot, and breaches, in order."""
    closed = (
        Trade.objects.for_user(user_id)
        .filter(
            account_id=account_id,
            how="bot",
            state=TradeState.CLOSED.value,
            closed_at__isnull=False,
        )
        .values_list("closed_at", flat=True)
    )
    breaches = (
        JournalEntry.objects.for_user(user_id)
        .filter(account_id=account_id, kind=BREACH)
        .values_list("at", flat=True)
    )
    events = [(at, Event.CLOSED) for at in closed if at is not None]
    events += [(at, Event.BREACH) for at in breaches]
    return climb(event for _, event in sorted(events, key=lambda pair: pair[0]))
