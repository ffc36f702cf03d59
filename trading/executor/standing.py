"""What is allowed to an account now, from rows; and what a refused key does to it."""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.platform import bell, leases
from trading.contracts import AccountState, BotMode, StopMode
from trading.domain.orders import Leg
from trading.domain.venue import VenueAccount
from trading.executor import hooks
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.models import BotSettings, Trade, TradingAccount
from trading.reconciliation.guards import Guard
from trading.reconciliation.state import Standing, TradeFacts
from trading.selectors.standing import OPEN
from trading.services import after, journal, letters, permits
from trading.services.keys import KEY_LOST
from trading.services.stops import Modes, of_modes, strongest

log = structlog.get_logger(__name__)

__all__ = ["key_found", "key_lost", "standings"]

_KEY_WORDS: Final = (
    "The exchange refuses this key. Your stops stay at the exchange. Check the key there, or close "
    "by hand; we try again every minute."
)


def standings(
    ref: AccountRef, trades: list[TradeFacts], now_ms: int, modes: Modes | None = None
) -> dict[UUID, Standing]:
    """Return how each trade stands: kill switches, and the mode of the bot.

    `modes` are the switches in force where they were read just now for all lanes together.
    """
    if not trades:
        return {}
    account = TradingAccount(pk=ref.account_id, user_id=ref.user_id)
    # Asked only while an entry rests: for what is held it changes nothing.
    is_shut = any(entry_rests(trade) for trade in trades) and permits.is_shut(
        ref.user_id, ref.account_id
    )
    bots = BotSettings.objects.for_user(ref.user_id).filter(account_id=ref.account_id)
    mode = bots.values_list("mode", flat=True).first()
    found, thrown = {}, {}
    for trade in trades:
        key = (trade.symbol, trade.model_version)
        if key not in thrown:
            has_switches = hooks.has(Guard.SWITCHES)
            switch = _switch(account, key, modes) if has_switches else None
            shut = StopMode.CLOSE_ONLY if is_shut else None
            thrown[key] = strongest(mode for mode in (switch, shut) if mode)
        is_off = trade.is_by_bot and mode == BotMode.OFF.value
        found[trade.id] = Standing(stop_mode=thrown[key], is_managed=not is_off)
    return found


def _switch(account: TradingAccount, key: tuple[str, str], modes: Modes | None) -> StopMode | None:
    if modes is None:
        return permits.stop_mode(account, *key)
    return of_modes(modes, account.user_id, *key)


def entry_rests(trade: TradeFacts) -> bool:
    entry = trade.last(Leg.ENTRY)
    return entry is not None and entry.state.may_rest


def take_equity(
    ref: AccountRef, account: VenueAccount, *, now_ms: int, holding: leases.Holding | None = None
) -> None:
    """Keep what the account is worth, and weigh the breakers: fees and funding alone can reach one.

    Where the person wants it so, a reached limit of the day closes what is open (EX-24).
    """
    now = to_datetime(now_ms)
    with fenced(holding):
        rows = BotSettings.objects.for_user(ref.user_id).select_related("account")
        row = rows.filter(account_id=ref.account_id).first()
        if row is None:
            return
        _read(row, account)
        if not after.take_transfers(row, now):
            return
        row.equity_at = now
        row.save(update_fields=["equity", "unrealised", "equity_at", "peak_equity"])
        if after.check_breakers(row, now):
            _close_all(ref, now)


def seems_reached(ref: AccountRef, account: VenueAccount, now_ms: int) -> bool:
    """Say whether a limit looks reached by this reading; nothing is written."""
    rows = BotSettings.objects.for_user(ref.user_id).filter(account_id=ref.account_id)
    row = rows.first()
    if row is None:
        return False
    _read(row, account)
    return after.seems_reached(row, to_datetime(now_ms))


def _read(row: BotSettings, account: VenueAccount) -> None:
    row.equity = account.margin_balance
    row.unrealised = account.margin_balance - account.wallet


def _close_all(ref: AccountRef, now: datetime) -> None:
    trades = Trade.objects.for_user(ref.user_id).filter(
        account_id=ref.account_id, state__in=OPEN, close_asked_at=None
    )
    for trade in trades:
        trade.close_asked_at = trade.updated_at = now
        trade.save(update_fields=["close_asked_at", "updated_at"])
        journal.note(
            trade,
            "close_asked",
            "The day's loss limit closes what is open, as you set it.",
            now=now,
        )


def key_lost(ref: AccountRef, message: str, *, now_ms: int) -> None:
    """Suspend the account once and say so; positions and stops stay as they are."""
    now = to_datetime(now_ms)
    rows = TradingAccount.objects.for_user(ref.user_id)
    changed = rows.filter(pk=ref.account_id, state=AccountState.CONNECTED.value).update(
        state=AccountState.SUSPENDED.value, code=KEY_LOST, sentence=_KEY_WORDS
    )
    if not changed:
        return
    row = rows.get(pk=ref.account_id)
    journal.note(row, KEY_LOST, _KEY_WORDS, details={"message": message[:200]}, now=now)
    letters.write_to(row.user_id, "key_suspended", label=row.label, sentence=row.sentence)
    bell.ring(ref.user_id)
    log.error("execution_alarm", code=KEY_LOST, account=str(ref.account_id))


def key_found(ref: AccountRef, *, now_ms: int) -> None:
    """The key works again: whoever was suspended for it alone may go on."""
    rows = TradingAccount.objects.for_user(ref.user_id)
    changed = rows.filter(
        pk=ref.account_id, state=AccountState.SUSPENDED.value, code=KEY_LOST
    ).update(state=AccountState.CONNECTED.value, code="", sentence="", checked_at=None)
    if changed:  # its rights are asked at once: they may be others than before (SE-11)
        row = rows.get(pk=ref.account_id)
        journal.note(row, "key_works", "The exchange takes the key again.", now=to_datetime(now_ms))
        bell.ring(ref.user_id)
