"""Runs the permission test of every account that waits for one, beside the lanes.

Accounts that work are asked again each day, and at once after the exchange refused their key: rights
that have grown end entries. A refused key without a lane of its own is tried again here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog
from django.db.models import F, Q

from cryptosystems.kernel.clock import to_datetime
from trading.contracts import AccountState, Venue
from trading.domain.venue import Quote, TradingRules
from trading.exchanges.port import ExchangePort
from trading.executor.checks import KeyTest
from trading.executor.database import Database
from trading.executor.market import Market
from trading.models import TradingAccount
from trading.services.keys import KEY_LOST

log = structlog.get_logger(__name__)

SYMBOL: Final = "BTCUSDT"
"""The market whose stop is tried out."""
QUOTE_S: Final = 10.0
AGAIN_S: Final = 5.0
AT_ONCE: Final = 4
DAILY: Final = timedelta(hours=24)
REFUSED_AGAIN: Final = timedelta(minutes=10)
"""How often a refused key is tried while nothing of it is open; its lane tries each minute."""


class Ports(Protocol):
    """What a test needs of the venues."""

    async def port_for(self, account: TradingAccount) -> ExchangePort: ...

    def market_for(self, account: TradingAccount) -> Market: ...

    def want(self, account_id: UUID, venue: Venue, symbols: frozenset[str]) -> None: ...


@dataclass(slots=True)
class KeyTests:
    """All tests that run now; one for each account."""

    ports: Ports
    db: Database
    now_ms: Callable[[], int]
    _running: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)

    async def turn(self) -> None:
        """Start the tests that wait, a few at a time."""
        for pk, task in list(self._running.items()):
            if task.done():
                del self._running[pk]
        for row in await self.db.run(_waiting, to_datetime(self.now_ms())):
            if len(self._running) >= AT_ONCE:
                return
            if row.pk not in self._running:
                self._running[row.pk] = asyncio.create_task(self._test(row))

    async def _test(self, row: TradingAccount) -> None:
        port: ExchangePort | None = None
        try:
            port = await self.ports.port_for(row)
            self.ports.want(row.pk, Venue(row.venue), frozenset({SYMBOL}))
            market = self.ports.market_for(row)
            rules = market.rules(SYMBOL)
            quote = await _quote(market)
            is_over = rules is not None and await self._run(row, port, rules, quote)
        except Exception as error:  # the next turn tries again; other tests go on
            log.warning("key_test_failed", account=str(row.pk), error=repr(error)[:200])
            is_over = False
        finally:
            self.ports.want(row.pk, Venue(row.venue), frozenset())
            if port is not None:
                await port.close()
        if not is_over:
            await asyncio.sleep(AGAIN_S)

    async def _run(
        self,
        row: TradingAccount,
        port: ExchangePort,
        rules: TradingRules,
        quote: Callable[[], Quote | None],
    ) -> bool:
        is_repeated = row.state != AccountState.CHECKING.value
        test = KeyTest(port, row, self.db, self.now_ms, rules, quote, is_repeated=is_repeated)
        return await test.run()

    async def close(self) -> None:
        """End what runs; the rows say which tests are to be run again."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)


async def _quote(market: Market) -> Callable[[], Quote | None]:
    """Wait a while for the first price."""
    for _ in range(int(QUOTE_S / 0.25)):
        if market.quote(SYMBOL) is not None:
            break
        await asyncio.sleep(0.25)
    return lambda: market.quote(SYMBOL)


def _waiting(now: datetime) -> list[TradingAccount]:
    """Return whose keys are to be tested: those of people who wait first, then who is due."""
    rows = TradingAccount.objects.across_tenants("executor: keys to be tested")
    rows = rows.exclude(venue=Venue.PAPER.value)
    asked = list(rows.filter(state=AccountState.CHECKING.value).order_by("created_at"))
    is_old = Q(checked_at=None) | Q(checked_at__lte=now - DAILY)
    works = Q(state=AccountState.CONNECTED.value) & is_old
    is_refused = Q(state=AccountState.SUSPENDED.value, code=KEY_LOST) & (
        Q(checked_at=None) | Q(checked_at__lte=now - REFUSED_AGAIN)
    )
    due = rows.filter(works | is_refused).order_by(F("checked_at").asc(nulls_first=True))
    return asked + list(due[:AT_ONCE])
