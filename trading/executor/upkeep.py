"""What a lane asks for now and then, whatever its trades want: strange fills, and its equity."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from trading.exchanges.port import ReadFailed
from trading.executor import coins, income, reads, standing
from trading.executor.market import Breaker
from trading.executor.reads import Desk
from trading.reconciliation.state import TradeFacts

IDENTIFY_MS: Final = 2_000
IDENTIFY_LATE_MS: Final = 15_000
"""While there are none, unless the stream tells of a fill."""
CONVERT_MS: Final = 20_000
"""Fees in other coins are looked for so often."""
EQUITY_MS: Final = 60_000
MOVED_MS: Final = 6_000
"""So long after money came or went the account is read, and again until the list tells of it."""


@dataclass(slots=True)
class Upkeep:
    """Of one account."""

    desk: Desk
    breaker: Breaker
    pace: Callable[[], float]
    _identify_ms: int = 0
    _equity_ms: int = 0
    _convert_ms: int = 0
    _coins: coins.Coins = field(default_factory=coins.Coins)
    _moved_ms: int = 0
    """When a transfer that the income list does not tell of yet is asked for again."""

    def heard_fill(self) -> None:
        """Look for strange fills at the next pass."""
        self._identify_ms = 0

    async def do(self, trades: Iterable[TradeFacts], now_ms: int) -> None:
        """Ask for whatever is due.

        Raises
        ------
        KeyRefused
            If the exchange does not take the key.
        """
        try:
            await self._identify(now_ms)
            await self._convert(now_ms)
            await self._read_equity(trades, now_ms)
        except ReadFailed as error:
            self.breaker.failed(now_ms, error.after_s)

    async def _identify(self, now_ms: int) -> None:
        """Ask whose the fills are that matched nothing; bounded, and never in the way."""
        if now_ms < self._identify_ms:
            return
        self._identify_ms = now_ms + IDENTIFY_MS
        if not await reads.identify_parked(self.desk, now_ms):
            self._identify_ms = now_ms + IDENTIFY_LATE_MS

    async def _convert(self, now_ms: int) -> None:
        """Convert fees in other coins now and then."""
        if now_ms < self._convert_ms:
            return
        self._convert_ms = now_ms + CONVERT_MS
        await self._coins.convert(self.desk, now_ms)

    async def _read_equity(self, trades: Iterable[TradeFacts], now_ms: int) -> None:
        """Read what the account is worth while something is open, for the breakers (EX-24)."""
        next_ms = now_ms + int(EQUITY_MS * self.pace())
        desk, moved = self.desk, self.desk.memory.moved_ms
        if moved is not None:
            self._equity_ms = max(self._moved_ms, moved + MOVED_MS)
        elif not any(trade.open_quantity > 0 for trade in trades):
            self._equity_ms = next_ms  # what it was worth before is known from the plan
            return
        if now_ms < self._equity_ms:
            return
        self._equity_ms, self._moved_ms = next_ms, now_ms + MOVED_MS
        account = await desk.port.account()
        desk.memory.is_hedged = account.is_hedged
        # Money that left looks like a loss until the income list has told of it.
        is_odd = moved is not None or await desk.db.run(
            standing.seems_reached, desk.ref, account, now_ms
        )
        if is_odd and not await income.read(desk, now_ms):
            return
        await desk.db.run(
            standing.take_equity, desk.ref, account, now_ms=now_ms, holding=desk.holding
        )
