"""A market that does what it is told: prices stand until somebody sets them, nothing is random.

For tests of trading, where a stop has to be touched at a known moment. Prices are set with
`/sim/price`, at once or along a straight line of market time; the book stands one tick on either
side of the price; a minute nobody touched is a flat candle.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np

from trading.simulator.books import Sides, Snapshot
from trading.simulator.feed import BEAT_MS, Columns, FloatArray, Happenings
from trading.simulator.tape import (
    MINUTE_MS,
    N_TAPE,
    T_BUY,
    T_CLOSE,
    T_HIGH,
    T_LOW,
    T_OPEN,
    T_QUOTE,
    T_TRADES,
    T_VOLUME,
    IntArray,
    Scale,
    Tape,
)
from trading.simulator.universe import make_universe, plain_price

MOST_DAYS: Final = 1.0
_LEVELS: Final = 20
_LEVEL_NOTIONAL: Final = 250_000.0
_HOUR_MS: Final = 3_600_000
_STEPS_A_LOOK: Final = 10
"""What is traded between two looks at the market, so that there is a trade at every price."""
_FUNDING_RATE: Final = 0.0001


@dataclass(slots=True)
class Ramp:
    """A straight line from one price to another, market time."""

    from_price: float
    to_price: float
    begin_ms: int
    end_ms: int

    def at(self, at_ms: int) -> float:
        if at_ms >= self.end_ms:
            return self.to_price
        share = (at_ms - self.begin_ms) / (self.end_ms - self.begin_ms)
        return self.from_price + (self.to_price - self.from_price) * share


@dataclass(slots=True)
class BookShape:
    """What stands in a symbol's book."""

    quantity: float | None = None
    """Base asset at each level; None: as much as 250,000 USDT."""
    bids: list[tuple[float, float]] | None = None
    """(price, quantity) as told, best first; None: one level a tick."""
    asks: list[tuple[float, float]] | None = None


class ScriptedWorld:
    """See the module."""

    beat_ms = BEAT_MS
    recorded_streams: frozenset[str] = frozenset()

    def __init__(self, *, n: int, now_ms: int, days: float = 0.1) -> None:
        self.rules = [contract.rules for contract in make_universe(n, seed=1)]
        self.n = n
        self.scales = [Scale.of(rules) for rules in self.rules]
        self._tick = np.array([scale.tick for scale in self.scales])
        self._hours = np.array([rules.funding_interval_hours for rules in self.rules])
        self._price = np.array([plain_price(place) for place in range(n)])
        self._mark = self._price.copy()
        self._pinned = np.zeros(n, dtype=bool)
        """Marks that were set and do not follow the price."""
        self._rate = np.full(n, _FUNDING_RATE)
        self._ramps: dict[tuple[int, str], Ramp] = {}
        self._books = [BookShape() for _ in range(n)]
        self._funding: list[list[tuple[int, float, float]]] = [[] for _ in range(n)]
        minutes = max(60, int(min(days, MOST_DAYS) * 1_440))
        first = now_ms - now_ms % MINUTE_MS - minutes * MINUTE_MS
        self.tape = Tape(self.scales, first, minutes + 4_096)
        flat = self._flat()
        self.tape.append(np.repeat(flat[:, None], minutes, axis=1))
        self._forming = flat
        self.now_ms = now_ms
        self.columns = self._columns()

    # --- the script ---------------------------------------------------------------------------

    def set_price(
        self,
        place: int,
        price: float | None,
        *,
        mark: float | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Set a price, a mark price, or both; without a mark price it follows the price."""
        end_ms = self.now_ms + int(seconds * 1000)
        for name, goal, column in (("price", price, self._price), ("mark", mark, self._mark)):
            if goal is None:
                continue
            if not goal > 0:
                raise ValueError(f"a price must be > 0, was {goal}")
            self._ramps.pop((place, name), None)
            if end_ms > self.now_ms:
                self._ramps[place, name] = Ramp(float(column[place]), goal, self.now_ms, end_ms)
            else:
                column[place] = goal
        if price is not None:
            self._pinned[place] = mark is not None
            if mark is None:
                self._ramps.pop((place, "mark"), None)
        elif mark is not None:
            self._pinned[place] = True
        self._follow()
        self.columns = self._columns()

    def set_book(self, place: int, shape: BookShape) -> None:
        """Set what stands in a book."""
        self._books[place] = shape

    def set_funding(self, place: int, rate: float) -> None:
        """Set the rate of the next settlements."""
        self._rate[place] = rate
        self.columns = self._columns()

    # --- playing ------------------------------------------------------------------------------

    def advance(self, to_ms: int) -> Happenings:
        happened = Happenings()
        while self.tape.next_ms + MINUTE_MS <= to_ms:
            minute_ms = self.tape.next_ms
            self._move(minute_ms + MINUTE_MS)
            self.tape.append(self._forming[:, None])
            self._forming = self._flat()
            happened.closed.append(minute_ms)
            if self._settle(minute_ms + MINUTE_MS):
                happened.settled.append(minute_ms + MINUTE_MS)
        self._move(to_ms)
        self.columns = self._columns()
        return happened

    def _move(self, to_ms: int) -> None:
        self.now_ms = max(self.now_ms, to_ms)
        for (place, name), ramp in list(self._ramps.items()):
            column = self._price if name == "price" else self._mark
            column[place] = ramp.at(self.now_ms)
            if self.now_ms >= ramp.end_ms:
                del self._ramps[place, name]
        self._follow()

    def _follow(self) -> None:
        """Bring mark prices and the running minute up to the prices of now."""
        free = ~self._pinned
        self._mark[free] = self._price[free]
        ticks = np.rint(self._price / self._tick).astype(np.int64)
        self._forming[:, T_CLOSE] = ticks
        self._forming[:, T_HIGH] = np.maximum(self._forming[:, T_HIGH], ticks)
        self._forming[:, T_LOW] = np.minimum(self._forming[:, T_LOW], ticks)
        self._trade(self._forming, ticks)

    def _trade(self, rows: IntArray, ticks: IntArray) -> None:
        """Add what is traded between two looks, at these prices."""
        rows[:, T_VOLUME] += _STEPS_A_LOOK
        rows[:, T_BUY] += _STEPS_A_LOOK // 2
        rows[:, T_TRADES] += 2
        steps = np.array([scale.step for scale in self.scales])
        quote = _STEPS_A_LOOK * steps * ticks * self._tick * 100
        rows[:, T_QUOTE] += np.rint(quote).astype(np.int64)

    def _settle(self, at_ms: int) -> bool:
        due = at_ms % (self._hours * _HOUR_MS) == 0
        for place in np.nonzero(due)[0]:
            row = (at_ms, float(self._rate[place]), float(self._mark[place]))
            self._funding[place].append(row)
        return bool(due.any())

    def _flat(self) -> IntArray:
        """Return a minute of every symbol in which nothing but the price of now was traded."""
        rows = np.zeros((self.n, N_TAPE), dtype=np.int64)
        ticks = np.rint(self._price / self._tick).astype(np.int64)
        rows[:, [T_OPEN, T_HIGH, T_LOW, T_CLOSE]] = ticks[:, None]
        self._trade(rows, ticks)
        return rows

    def _columns(self) -> Columns:
        hours_ms = (self._hours * _HOUR_MS).astype(np.int64)
        nothing: FloatArray = np.zeros(self.n)
        return Columns(
            price=self._price.copy(),
            mark=self._mark.copy(),
            index=self._mark.copy(),
            funding_rate=self._rate.copy(),
            next_funding_ms=(self.now_ms // hours_ms + 1) * hours_ms,
            open_interest=_LEVEL_NOTIONAL * 100 / self._price,
            spread=self._tick / self._price,
            depth=_LEVEL_NOTIONAL * _LEVELS / self._price,
            imbalance=nothing,
            forming=self._forming.copy(),
        )

    # --- what is asked ------------------------------------------------------------------------

    def levels(self, symbol: int, most: int) -> Sides:
        """Return the book as it was told to be, in ticks and steps."""
        scale, shape = self.scales[symbol], self._books[symbol]
        price = round(float(self._price[symbol]) / scale.tick)
        size = shape.quantity or _LEVEL_NOTIONAL / float(self._price[symbol])
        steps = max(1, round(size / scale.step))
        sides: list[list[tuple[int, int]]] = []
        for told, sign in ((shape.bids, -1), (shape.asks, 1)):
            if told is None:
                rows = [(price + sign * k, steps) for k in range(1, min(most, _LEVELS) + 1)]
            else:
                rows = [(round(p / scale.tick), round(q / scale.step)) for p, q in told[:most]]
            sides.append([(ticks, held) for ticks, held in rows if ticks > 0])
        return sides[0], sides[1]

    def recorded_book(self, symbol: int) -> Snapshot | None:
        return None

    def funding_history(self, symbol: int) -> list[tuple[int, float, float]]:
        return list(self._funding[symbol])

    def interest_history(
        self, symbol: int, from_ms: int, to_ms: int, step_ms: int
    ) -> list[tuple[int, float, float]]:
        first = -(-max(from_ms, self.tape.first_ms) // step_ms) * step_ms
        held = float(self.columns.open_interest[symbol])
        value = held * float(self._price[symbol])
        return [(at, held, value) for at in range(first, min(to_ms, self.now_ms) + 1, step_ms)]

    def truth(self, symbol: int) -> dict[str, list[float]]:
        """Return nothing: nobody else trades here."""
        return {}

    def info(self) -> dict[str, Any]:
        return {"world": "scripted", "start_ms": self.tape.first_ms}

    def checkpoint(self) -> None:
        """Nothing to keep: the script is told again."""


def shape_of(order: dict[str, Any]) -> BookShape:
    """Return the book a control order asks for."""

    def side(name: str) -> list[tuple[float, float]] | None:
        rows = order.get(name)
        if rows is None:
            return None
        return [(float(Decimal(str(p))), float(Decimal(str(q)))) for p, q in rows]

    quantity = order.get("quantity")
    return BookShape(None if quantity is None else float(quantity), side("bids"), side("asks"))
