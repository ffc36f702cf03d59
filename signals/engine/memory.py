"""Keeps what the engine thinks: every market and timeframe it judges, once a minute.

A judgement between closes is stored only where it tells something new: another side, another
verdict of a gate, or a chance that moved by a point. Work is done in small bites, so that the loop
that closes candles never waits for it.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from cryptosystems.kernel.timeframes import Timeframe
from signals.engine.views import MarketViews
from signals.store.judgements import JudgementRow, pack

MINUTE_MS: Final = 60_000
MOVED: Final = 0.01
BITE: Final = 8
_SETTLED_MS: Final = 4_000
"""After a minute's close, until every symbol's candle has come and been scored."""


@dataclass(slots=True)
class Memory:
    """What was last stored of each market, and whose turn it is."""

    _round_ms: int = 0
    _waiting: deque[tuple[Timeframe, list[str]]] = field(default_factory=deque)
    _stored: dict[tuple[str, str], tuple[int, float, tuple[object, ...]]] = field(
        default_factory=dict
    )

    @property
    def is_idle(self) -> bool:
        """Whether the round of this minute is done."""
        return not self._waiting

    def bite(self, views: MarketViews, now_ms: int) -> list[JudgementRow]:
        """Judge the next few markets; return the rows that tell something new."""
        minute_ms = (now_ms - _SETTLED_MS) // MINUTE_MS
        if not self._waiting:
            if minute_ms <= self._round_ms:
                return []
            self._round_ms = minute_ms
            for timeframe, symbols in views.judged_markets():
                for start in range(0, len(symbols), BITE):
                    self._waiting.append((timeframe, symbols[start : start + BITE]))
            return []
        timeframe, symbols = self._waiting.popleft()
        held = views.standing_of(timeframe)
        rows = (self._row(views, symbol, timeframe, held) for symbol in symbols)
        return [row for row in rows if row is not None]

    def _row(
        self, views: MarketViews, symbol: str, timeframe: Timeframe, held: object
    ) -> JudgementRow | None:
        found = views.judgement(symbol, timeframe.value, held)
        if found is None:
            return None
        at_ms, factors, gates, market = found
        verdict = (factors["side"], *(gate["passed"] for gate in gates["gates"]))
        candle = at_ms // timeframe.duration_ms
        chance = factors["probability"]
        last = self._stored.get((symbol, timeframe.value))
        is_close = last is None or last[0] != candle
        is_news = last is None or last[2] != verdict or abs(last[1] - chance) >= MOVED
        if not is_close and not is_news:
            return None
        self._stored[symbol, timeframe.value] = (candle, chance, verdict)
        return (timeframe.value, symbol, at_ms, is_close, chance, pack(factors, gates, market))
