"""The exchange's time, carried on by our monotonic clock; and whether we may rely on it.

Our wall clock is never asked. In a replay market the exchange's clock runs faster than ours,
by `speed`.
"""

from collections.abc import Callable, Sequence
from statistics import median
from time import monotonic
from typing import Final

import structlog

from trading.exchanges.client import FuturesClient
from trading.exchanges.outcomes import read_json
from trading.exchanges.wire import Unreadable, whole

log = structlog.get_logger(__name__)

N_ANSWERS: Final = 5
RESYNC_S: Final = 60.0
UNKNOWN_AFTER_S: Final = 300.0
"""Without an answer for so long the time is not sure."""
MOST_JUMP_MS: Final = 1_000.0
"""Between two synchronisations; more, and the time is not sure until they agree again."""

Answer = tuple[int, float, float]
"""Exchange time ms, and our monotonic time before the question and after the answer."""


class VenueClock:
    """`now_ms` is the exchange's time as of the last synchronisation, carried on."""

    def __init__(self, speed: float = 1.0, monotonic_s: Callable[[], float] = monotonic) -> None:
        self.speed = speed
        self._monotonic_s = monotonic_s
        self._offset_ms: float | None = None
        self._synced_s = 0.0
        self._is_doubted = False
        self.round_trip_ms = 0.0

    def now_ms(self) -> int:
        """Return the exchange's time; only meaningful once synchronised."""
        return int((self._offset_ms or 0.0) + self._monotonic_s() * 1_000 * self.speed)

    def is_sure(self) -> bool:
        """Say whether orders may rest on this time."""
        return (
            self._offset_ms is not None
            and not self._is_doubted
            and self._monotonic_s() - self._synced_s <= UNKNOWN_AFTER_S
        )

    def doubt(self) -> None:
        """The exchange refused our time stamp: nothing is sure until the next synchronisation."""
        self._is_doubted = True

    def sync(self, answers: Sequence[Answer]) -> None:
        """Take the median of several answers, each less half its round trip."""
        offset_ms = median(
            told - (asked + answered) / 2 * 1_000 * self.speed for told, asked, answered in answers
        )
        self.round_trip_ms = median(answered - asked for _, asked, answered in answers) * 1_000
        before = self._offset_ms
        has_jumped = before is not None and abs(offset_ms - before) > MOST_JUMP_MS * self.speed
        if has_jumped:
            log.warning("venue_clock_jumped", by_ms=round(offset_ms - (before or 0.0)))
        self._is_doubted = has_jumped
        self._offset_ms = offset_ms
        self._synced_s = self._monotonic_s()

    def real_seconds(self, market_ms: float) -> float:
        """Return how long a stretch of the exchange's time takes on our clock, seconds."""
        return market_ms / 1_000 / self.speed

    async def ask(self, client: FuturesClient, n: int = N_ANSWERS) -> bool:
        """Synchronise by asking the exchange; False, and unchanged, where it did not answer."""
        answers: list[Answer] = []
        for _ in range(n):
            asked_s = self._monotonic_s()
            reply = await client.send("fapiPublicGetTime", is_signed=False)
            answered_s = self._monotonic_s()
            try:
                told = whole(read_json(reply.body), "serverTime")
            except (Unreadable, AttributeError):
                continue
            if reply.status == 200 and told > 0:
                answers.append((told, asked_s, answered_s))
        if len(answers) * 2 <= n:
            return False
        self.sync(answers)
        return True
