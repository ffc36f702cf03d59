"""From a signal to rows: one a bot that takes signals, or one of somebody's own hand."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.kernel.identifiers import deterministic_id
from cryptosystems.kernel.instruments import Side
from cryptosystems.platform.bell import ring
from signals import api as signals
from signals.contracts import TradableSignal
from trading.contracts import AccountState, BotMode, TradeState
from trading.models import BotSettings, Trade, TradingAccount
from trading.risk.rules import Candidate, wanted
from trading.services.journal import note
from trading.services.settings import limits_of, paper_account


def choose_for_bots(signal: TradableSignal, now: datetime) -> list[UUID]:
    """Make one row for every account whose bot takes signals; return the accounts' ids.

    A signal that a person's filters leave out makes a row too, skipped with the reason. A row that
    is there already stays as it is: however often this runs, one row stands.
    """
    rows = (
        BotSettings.objects.across_tenants("executor: a signal to every bot")
        .select_related("account")
        .filter(
            is_automatic=True,
            mode=BotMode.TRADING.value,
            account__state=AccountState.CONNECTED.value,
        )
    )
    made = [_row(signal, row, now) for row in rows.iterator(chunk_size=500)]
    if made:
        manager = Trade.objects.across_tenants("executor: a signal to every bot")
        manager.bulk_create(made, ignore_conflicts=True, batch_size=200)
    return [trade.account_id for trade in made]


def _row(signal: TradableSignal, bot: BotSettings, now: datetime) -> Trade:
    trade = _trade(signal, bot.account, "bot", now)
    candidate = Candidate(
        signal.symbol, signal.side, signal.timeframe, signal.confidence, by_hand=False
    )
    denied = wanted(candidate, limits_of(bot))
    if denied is not None:
        trade.state = TradeState.SKIPPED.value
        trade.reason, trade.sentence = denied.code, denied.sentence
        trade.closed_at = now
    return trade


def _trade(signal: TradableSignal, account: TradingAccount, how: str, now: datetime) -> Trade:
    return Trade(
        id=deterministic_id("trade", str(account.pk), str(signal.id)),
        user_id=account.user_id,
        account=account,
        signal_id=signal.id,
        signal_number=signal.number,
        symbol=signal.symbol,
        side=signal.side.value,
        timeframe=signal.timeframe,
        confidence=signal.confidence,
        model_version=signal.model_version,
        origin=signal.origin,
        venue=account.venue,
        how=how,
        signal=signal_dict(signal),
        decided_at=now,
        updated_at=now,
    )


def signal_dict(signal: TradableSignal) -> dict[str, Any]:
    """Return a signal as JSON holds it."""
    return {
        "id": str(signal.id),
        "number": signal.number,
        "origin": signal.origin,
        "symbol": signal.symbol,
        "base": signal.base,
        "timeframe": signal.timeframe,
        "side": signal.side.value,
        "issued_ms": signal.issued_ms,
        "entry_low": str(signal.entry_low),
        "entry_high": str(signal.entry_high),
        "valid_until_ms": signal.valid_until_ms,
        "stop": str(signal.stop),
        "targets": [[str(price), str(share)] for price, share in signal.targets],
        "expires_ms": signal.expires_ms,
        "confidence": signal.confidence,
        "p_low": signal.p_low,
        "strength": signal.strength,
        "atr": str(signal.atr),
        "model_version": signal.model_version,
        "decimals": signal.decimals,
        "is_open": signal.is_open,
    }


def signal_from_dict(held: dict[str, Any]) -> TradableSignal:
    """Return the signal of such a dict."""
    return TradableSignal(
        **{
            **held,
            "id": UUID(held["id"]),
            "side": Side(held["side"]),
            "entry_low": Decimal(held["entry_low"]),
            "entry_high": Decimal(held["entry_high"]),
            "stop": Decimal(held["stop"]),
            "atr": Decimal(held["atr"]),
            "targets": tuple((Decimal(p), Decimal(s)) for p, s in held["targets"]),
        }
    )


def follow(user_id: UUID, signal_id: UUID, now: datetime | None = None) -> Trade:
    """Follow a signal on paper, by hand; following it twice is the same row.

    Raises
    ------
    NotAllowed
        Without the right to paper trading, or if the bot of the paper account has taken it.
    InvalidInput
        If there is no such signal, or its entry time is over.
    """
    now = now or timezone.now()
    billing.require(user_id, Feature.PAPER)
    signal = signals.tradable_signal(signal_id)
    if signal is None:
        raise InvalidInput(_("There is no such signal."))
    account = paper_account(user_id, now)
    held = Trade.objects.for_user(user_id).filter(account=account, signal_id=signal_id).first()
    if held is not None:
        return _by_hand(held)
    if signal.origin not in signals.ORIGINS or signal.origin != signals.live_origin():
        raise NotAllowed(_("Only signals of the market that runs here can be followed."))
    # A replay lives in another year; there the executor judges by the market's own time.
    is_late = settings.MARKET != "replay" and now.timestamp() * 1000 >= signal.valid_until_ms
    if not signal.is_open or is_late:
        raise InvalidInput(_("The entry time of this signal is over. Follow the next one."))
    trade = _trade(signal, account, "by_hand", now)
    with transaction.atomic():
        Trade.objects.across_tenants("one person follows a signal").bulk_create(
            [trade], ignore_conflicts=True
        )
        stands = _by_hand(Trade.objects.for_user(user_id).get(account=account, signal_id=signal_id))
        note(stands, "followed", _("You follow this signal on paper."), now=now, actor="user")
        ring(user_id)
    return stands


def _by_hand(held: Trade) -> Trade:
    """Return what stands for a signal on an account, unless the bot was there first."""
    if held.how == "by_hand":
        return held
    if held.state == TradeState.SKIPPED.value:
        words = _("The bot of your paper account has passed this signal over: %(why)s") % {
            "why": held.sentence
        }
    else:
        words = _("The bot of your paper account has taken this signal.")
    once = _("An account takes a signal once; how it went stands among your executions.")
    raise NotAllowed(f"{words} {once}", code="held_by_bot")
