"""What the socket topic `account` carries of trading: small, and whole each time."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from cryptosystems.kernel.decimals import plain
from trading.contracts import TradeState
from trading.models import BotSettings, JournalEntry, Trade
from trading.selectors.ladder import paper_count
from trading.selectors.standing import HELD, lost_percent
from trading.selectors.trades import CONFIRM_S, positions_of


def _iso(at: datetime | None) -> str | None:
    return (
        None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    )


def live_state(user_id: UUID) -> dict[str, Any]:
    """Return open positions with the proof of their stops, offers, modes and counters.

    `cursor` is the newest journal line: a page that has seen a smaller one shows something old.
    Moments, never ages: the same state is the same text, and is not sent twice.
    """
    closing = _closing(user_id)
    now = timezone.now()
    newest = JournalEntry.objects.for_user(user_id).order_by("-id").values_list("id", flat=True)
    positions = [
        {
            "trade": str(p.trade_id),
            "account": str(p.account_id),
            "venue": p.venue.value,
            "symbol": p.symbol,
            "base": p.base,
            "decimals": p.decimals,
            "side": p.side,
            "quantity": plain(p.quantity),
            "entry": plain(p.entry_price),
            "stop": plain(p.stop_price),
            "stop_level": p.stop_level,
            "r_distance": plain(p.r_distance),
            "proof": p.proof.value,
            "proof_at": _iso(p.proof_at),
            "proof_id": p.proof_id,
            "close_at": _iso(closing.get(p.trade_id)),
            "realised": plain(p.realised),
            "targets": [target["state"] for target in p.targets],
            "note": p.note,
        }
        for p in positions_of(user_id)
    ]
    offers = Trade.objects.for_user(user_id).filter(
        state=TradeState.OFFERED.value, approved_at__isnull=True, offer_until__gt=now
    )
    bots = BotSettings.objects.for_user(user_id).select_related("account")
    return {
        "cursor": newest.first() or 0,
        "positions": positions,
        "offers": [
            {
                "trade": str(trade.pk),
                "account": str(trade.account_id),
                "venue": trade.venue,
                "symbol": trade.symbol,
                "base": trade.signal.get("base", trade.symbol),
                "side": trade.side,
                "timeframe": trade.timeframe,
                "until": _iso(trade.offer_until),
                "stop": trade.plan.get("stop"),
                "targets": [
                    [target["price"], target["quantity"]]
                    for target in trade.plan.get("targets", ())
                ],
            }
            for trade in offers[:20]
        ],
        "bots": [
            {
                "account": str(bot.account_id),
                "venue": bot.account.venue,
                "state": bot.account.state,
                "mode": bot.mode,
                "automatic": bot.is_automatic,
                "pause": bot.pause_code,
                "lost_percent": _lost_percent(bot, now),
            }
            for bot in bots
        ],
        "paper_done": paper_count(user_id),
    }


def _closing(user_id: UUID) -> dict[UUID, datetime]:
    """Return by trade when a position without a confirmed stop is closed at market."""
    rows = Trade.objects.for_user(user_id).filter(state__in=HELD, naked_since__isnull=False)
    found = rows.values_list("pk", "naked_since")
    return {pk: since + timedelta(seconds=CONFIRM_S) for pk, since in found if since is not None}


def _lost_percent(bot: BotSettings, now: datetime) -> str | None:
    """Return the share lost today as text; None while nobody has read the account's equity."""
    share = lost_percent(bot, now)
    return None if share is None else plain(share)
