"""All of the market: rows of symbols, columns of what is known about them.

`apply` is O(1) an event and never raises on bad market data: what cannot be believed is
counted and left out, and the column it would have touched goes stale by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import Side
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from signals.market.book import BookColumns
from signals.market.candles import CandleBuilder
from signals.market.derivatives import DerivativeColumns
from signals.market.events import (
    BookPartial,
    BookTop,
    CandleGap,
    CandleUpdate,
    FundingSettled,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Trade,
)
from signals.market.liquidations import LiquidationColumns
from signals.market.panel import Append, CandlePanel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

PANEL_LENGTHS: Final[Mapping[Timeframe, int]] = {
    Timeframe.M1: 1_500,
    Timeframe.M5: 700,
    Timeframe.M15: 900,
    Timeframe.H1: 900,
    Timeframe.H4: 500,
    Timeframe.D1: 200,
}
"""1m reaches back a day, so that a hole in any longer candle can be repaired."""

_CLOCK_TOLERANCE_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class Closed:
    """Candles of one timeframe and open time that closed since the last call."""

    timeframe: Timeframe
    open_ms: int
    rows: BoolArray


class MarketState:
    """Columns of every symbol; rows are handed out once and kept."""

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        capacity: int | None = None,
        panel_lengths: Mapping[Timeframe, int] = PANEL_LENGTHS,
    ) -> None:
        names = list(symbols)
        self.n = max(capacity or 0, len(names), 1)
        self.symbols: list[str] = []
        self.index: dict[str, int] = {}
        self.active: BoolArray = np.zeros(self.n, dtype=bool)
        self.panels = {tf: CandlePanel(tf, self.n, panel_lengths[tf]) for tf in TIMEFRAMES}
        self.builder = CandleBuilder(self.panels)
        self.book = BookColumns(self.n)
        self.derivatives = DerivativeColumns(self.n)
        self.liquidations = LiquidationColumns(self.n)
        self.price: FloatArray = np.full(self.n, np.nan)
        """Last traded price as the 1m candle has it."""
        self.price_received_ms: IntArray = np.zeros(self.n, dtype=np.int64)
        self.price_event_ms: IntArray = np.zeros(self.n, dtype=np.int64)
        self.counters: Counter[str] = Counter()
        self.conflicts: list[tuple[str, Timeframe, int, tuple[float, ...]]] = []
        """Closed candles that came again with other values; the caller takes them away."""
        self.repaired: list[tuple[str, Timeframe, int]] = []
        self._closed: dict[tuple[Timeframe, int], BoolArray] = {}
        self._minutes = self.panels[Timeframe.M1]
        self._handlers: dict[type, Callable[[int, Any], None]] = {
            CandleUpdate: self._candle,
            CandleGap: self._gap,
            Trade: self._trade,
            BookTop: self._top,
            BookPartial: self._partial,
            MarkPrice: self._mark,
            FundingSettled: self._funding,
            OpenInterest: self._open_interest,
            Liquidation: self._liquidation,
        }
        for symbol in names:
            self.add_symbol(symbol)

    def add_symbol(self, symbol: str) -> int:
        """Give `symbol` a row, or wake the one it has.

        Raises
        ------
        ValueError
            If every row is taken.
        """
        row = self.index.get(symbol)
        if row is None:
            if len(self.symbols) >= self.n:
                raise ValueError(f"no row left for {symbol}: all {self.n} are taken")
            row = len(self.symbols)
            self.symbols.append(symbol)
            self.index[symbol] = row
        self.active[row] = True
        return row

    def retire_symbol(self, symbol: str) -> None:
        """Stop counting on a symbol (delisted, halted); its row and history stay."""
        row = self.index.get(symbol)
        if row is not None:
            self.active[row] = False

    def apply(self, event: Any) -> None:
        """Take one market event."""
        row = self.index.get(event.symbol)
        if row is None:
            self.counters["unknown_symbol"] += 1
            return
        handler = self._handlers.get(type(event))
        if handler is None:
            self.counters["unknown_event"] += 1
            return
        handler(row, event)

    def _candle(self, row: int, event: CandleUpdate) -> None:
        close, high, low, open_ = event.close, event.high, event.low, event.open
        # Chained comparisons are false for NaN, so this refuses NaN too.
        if not (0.0 < low <= open_ <= high and low <= close <= high < float("inf")):
            self.counters["bad_candle"] += 1
            return
        volume, quote, taker = event.volume, event.quote_volume, event.taker_buy_volume
        if not (volume >= 0.0 and quote >= 0.0 and taker >= 0.0):
            self.counters["bad_candle"] += 1
            return
        open_ms = event.open_ms
        if open_ms % 60_000 or abs(event.event_ms - open_ms) > _CLOCK_TOLERANCE_MS:
            self.counters["bad_clock"] += 1
            return
        values = (open_, high, low, close, volume, quote, taker, event.n_trades)
        if event.is_closed:
            self.close_minute(row, open_ms, values)
            if open_ms < int(self._minutes.forming_open_ms[row]):
                return
        elif open_ms < int(self._minutes.forming_open_ms[row]) or (
            open_ms <= int(self._minutes.last_open_ms[row])
        ):
            self.counters["late_candle"] += 1
            return
        else:
            self._minutes.forming[:, row] = values
            self._minutes.forming_open_ms[row] = open_ms
        self.price[row] = close
        self.price_event_ms[row] = event.event_ms
        self.price_received_ms[row] = event.received_ms

    def close_minute(self, row: int, open_ms: int, values: tuple[float, ...]) -> None:
        """Take a closed 1m candle, from the stream or from REST."""
        for timeframe, opened_ms, became in self.builder.close(row, open_ms, values):
            if became is Append.NEW:
                key = (timeframe, opened_ms)
                rows = self._closed.get(key)
                if rows is None:
                    rows = self._closed[key] = np.zeros(self.n, dtype=bool)
                rows[row] = True
            elif became is Append.REPAIRED:
                self.repaired.append((self.symbols[row], timeframe, opened_ms))
            elif became is Append.DUPLICATE:
                self.counters["duplicate_candle"] += 1
            elif became is Append.CONFLICT:
                self.counters["conflicting_candle"] += 1
                self.conflicts.append((self.symbols[row], timeframe, opened_ms, values))
            else:
                self.counters["ancient_candle"] += 1

    def _gap(self, row: int, event: CandleGap) -> None:
        self.counters["gaps"] += 1

    def _trade(self, row: int, event: Trade) -> None:
        if not 0.0 < event.price < float("inf"):
            self.counters["bad_trade"] += 1
            return
        self.price[row] = event.price
        self.price_event_ms[row] = event.event_ms
        self.price_received_ms[row] = event.received_ms

    def _top(self, row: int, event: BookTop) -> None:
        if not 0.0 < event.bid_price < event.ask_price < float("inf"):
            self.counters["crossed_book"] += 1
            self.book.forget(row)
            return
        self.book.set_top(
            row, event.bid_price, event.bid_qty, event.ask_price, event.ask_qty, event.received_ms
        )

    def _partial(self, row: int, event: BookPartial) -> None:
        bids, asks = event.bids, event.asks
        if not bids or not asks or not 0.0 < bids[0][0] < asks[0][0] < float("inf"):
            self.counters["crossed_book"] += 1
            self.book.forget(row)
            return
        self.book.set_levels(row, bids, asks, event.received_ms)

    def _mark(self, row: int, event: MarkPrice) -> None:
        if not 0.0 < event.mark_price < float("inf"):
            self.counters["bad_mark"] += 1
            return
        self.derivatives.set_mark(
            row,
            event.mark_price,
            event.index_price,
            event.funding_rate,
            event.next_funding_ms,
            event.received_ms,
        )

    def _funding(self, row: int, event: FundingSettled) -> None:
        self.derivatives.settle_funding(row, event.funding_rate, event.event_ms)

    def _open_interest(self, row: int, event: OpenInterest) -> None:
        if not 0.0 <= event.quantity < float("inf"):
            self.counters["bad_open_interest"] += 1
            return
        self.derivatives.set_open_interest(row, event.quantity, event.received_ms)

    def _liquidation(self, row: int, event: Liquidation) -> None:
        if not (event.price > 0.0 and event.quantity > 0.0):
            self.counters["bad_liquidation"] += 1
            return
        side = 0 if event.side is Side.LONG else 1
        self.liquidations.add(row, side, event.price, event.price * event.quantity, event.event_ms)

    def tick(self, now_ms: int) -> None:
        """Once a second: decays, averages, bands."""
        self.book.tick(now_ms)

    def drain_closed(self) -> list[Closed]:
        """Return what closed since the last call, oldest close first, shortest timeframe first."""
        if not self._closed:
            return []
        order = {tf: place for place, tf in enumerate(TIMEFRAMES)}
        taken = sorted(
            self._closed.items(), key=lambda kv: (kv[0][0].close_of(kv[0][1]), order[kv[0][0]])
        )
        self._closed = {}
        return [Closed(timeframe, open_ms, rows) for (timeframe, open_ms), rows in taken]

    def load_candles(
        self, timeframe: Timeframe, row: int, open_ms: IntArray, values: FloatArray
    ) -> None:
        """Warm one panel from history: (k,) times and (k, 8) values, oldest first."""
        self.panels[timeframe].load(row, open_ms, values)
        if timeframe is Timeframe.M1:
            self.builder.resume(row)
            if open_ms.size:
                self.price[row] = values[-1, 3]

    def staleness(self, now_ms: int) -> dict[str, FloatArray]:
        """Return the age of each kind of input, seconds, shape (n,); infinite before the first."""
        return {
            "candle": _age(self.price_received_ms, now_ms),
            "book": _age(self.book.received_ms, now_ms),
            "mark": _age(self.derivatives.mark_received_ms, now_ms),
            "open_interest": _age(self.derivatives.open_interest_ms, now_ms),
        }


def _age(received_ms: IntArray, now_ms: int) -> FloatArray:
    return np.where(received_ms > 0, np.maximum(0, now_ms - received_ms) / 1000.0, np.inf)
