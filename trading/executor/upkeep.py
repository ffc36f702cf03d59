"""What a lane asks for now and then, whatever its trades want: strange fills, and its equity."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from trading.exchanges.port import ReadFailed
from trading.executor import reads, standing
from trading.executor.market import Breaker
from trading.executor.reads import Desk
from trading.reconciliation.state import TradeFacts

IDENTIFY_MS: Final = 2_000
IDENTIFY_LATE_MS: Final = 15_000
"""While there are none, unless the stream tells of a fill."""
EQUITY_MS: Final = 60_000


@dataclass(slots=True)
class Upkeep:
    """Of one account."""

    desk: Desk
    breaker: Breaker
    pace: Callable[[], float]
    _identify_ms: int = 0
    _equity_ms: int = 0

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

    async def _read_equity(self, trades: Iterable[TradeFacts], now_ms: int) -> None:
        """Read what the account is worth while something is open, for the breakers (EX-24)."""
        next_ms = now_ms + int(EQUITY_MS * self.pace())
        if not any(trade.open_quantity > 0 for trade in trades):
            self._equity_ms = next_ms  # what it was worth before is known from the plan
            return
        if now_ms < self._equity_ms:
            return
        self._equity_ms = next_ms
        desk = self.desk
        account = await desk.port.account()
        desk.memory.is_hedged = account.is_hedged
        await desk.db.run(
            standing.take_equity, desk.ref, account, now_ms=now_ms, holding=desk.holding
        )
