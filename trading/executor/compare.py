"""A person's accounts compared with their exchanges, on demand: everything is read, nothing sent."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from cryptosystems.kernel.errors import CryptoSystemsError
from trading.contracts import AccountState, Venue
from trading.exchanges.port import ExchangePort, KeyRefused, ReadFailed
from trading.executor import store
from trading.executor.database import Threads
from trading.executor.venues import LiveVenues
from trading.models import Fill, TradingAccount
from trading.reconciliation.differences import Difference, differences, missing_fills
from trading.reconciliation.state import TradeFacts

PROCESS = "reconcile"
_WITHOUT_KEY = (AccountState.DRAFT.value, AccountState.REVOKED.value)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found for one account."""

    account: TradingAccount
    found: tuple[Difference, ...] = ()
    unread: str = ""
    """Why it could not be compared; empty where it was."""


async def compare(user_id: UUID) -> list[Report]:
    """Compare every account of a person that has a key. Paper is our own book, with nothing beside."""
    db = Threads()
    venues = LiveVenues(PROCESS, db)
    try:
        accounts = await db.run(_accounts, user_id)
        return list(await asyncio.gather(*(_report(venues, db, one) for one in accounts)))
    finally:
        await venues.close()
        db.close()


def _accounts(user_id: UUID) -> list[TradingAccount]:
    rows = TradingAccount.objects.for_user(user_id).exclude(venue=Venue.PAPER.value)
    return list(rows.exclude(state__in=_WITHOUT_KEY))


async def _report(venues: LiveVenues, db: Threads, account: TradingAccount) -> Report:
    port: ExchangePort | None = None
    try:
        port = await venues.port_for(account)
        now_ms = venues.market_for(account).now_ms()
        # Rows first: what is done between both reads is shown as there and not yet here.
        trades = await db.run(store.load, account.user_id, account.pk)
        positions, orders = await port.positions(), await port.open_orders()
        found = differences(trades, positions, orders, read_ms=now_ms)
        for symbol, since_ms in _since(trades).items():
            told = await port.fills(symbol, since_ms)
            found += missing_fills(await db.run(_known, account, symbol), told)
        return Report(account, tuple(found))
    except (ReadFailed, KeyRefused, CryptoSystemsError) as error:
        return Report(account, unread=str(error) or type(error).__name__)
    finally:
        if port is not None:
            await port.close()


def _since(trades: list[TradeFacts]) -> dict[str, int]:
    """Return from when on each symbol's fills are of trades that are not over."""
    found: dict[str, int] = {}
    for trade in trades:
        sent = [order.sent_ms for order in trade.orders if order.sent_ms is not None]
        if sent:
            found[trade.symbol] = min(*sent, found.get(trade.symbol, min(sent)))
    return found


def _known(account: TradingAccount, symbol: str) -> set[str]:
    rows = Fill.objects.for_user(account.user_id).filter(account=account, symbol=symbol)
    return set(rows.values_list("exchange_trade_id", flat=True))
