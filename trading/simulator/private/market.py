"""The market as matching wants it: rules by symbol, and quotes with the range since the last one."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from cryptosystems.kernel.decimals import from_float
from cryptosystems.kernel.instruments import InstrumentRules
from trading.domain.venue import Quote, RiskBracket, TradingRules
from trading.simulator.books import Books
from trading.simulator.feed import World
from trading.simulator.tape import MINUTE_MS, T_CLOSE, T_HIGH, T_LOW

BAND: Final = Decimal("0.05")
LIQUIDATION_FEE: Final = Decimal("0.0125")
MOST_BASE: Final = Decimal(10_000_000)
MOST_BASE_AT_MARKET: Final = Decimal(1_000_000)
MOST_ORDERS: Final = 200
_LEVELS: Final = 20
_MARK_DECIMALS: Final = Decimal("0.00000001")


def trading_rules(rules: InstrumentRules, status: str) -> TradingRules:
    """Return the exact rules of a contract, the same that `exchangeInfo` tells."""
    return TradingRules(
        symbol=rules.symbol,
        base_asset=rules.base_asset,
        tick=rules.tick_size,
        step=rules.step_size,
        min_quantity=rules.step_size,
        max_quantity=MOST_BASE,
        market_max_quantity=MOST_BASE_AT_MARKET,
        min_notional=rules.min_notional,
        price_up=1 + BAND,
        price_down=1 - BAND,
        market_bound=BAND,
        liquidation_fee=LIQUIDATION_FEE,
        brackets=tuple(
            RiskBracket(
                from_float(b.floor),
                from_float(b.cap),
                b.max_leverage,
                from_float(b.maintenance_rate),
                from_float(b.maintenance_amount),
            )
            for b in rules.brackets
        ),
        status=status,
        max_orders=MOST_ORDERS,
        max_leverage=rules.max_leverage,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A symbol at the quote before: what its range goes on from."""

    minute_ms: int
    high: int
    low: int
    last: float
    mark: float


class Market:
    """Quotes of a world. Asking for one does not move it; `turn` begins the next range."""

    def __init__(self, world: World, books: Books, statuses: dict[str, str]) -> None:
        self.world = world
        self._books = books
        self._statuses = statuses
        self.places = {rules.symbol: place for place, rules in enumerate(world.rules)}
        self.rules: dict[str, TradingRules] = {}
        self._seen: dict[str, _Seen] = {}
        for symbol in self.places:
            self.refresh(symbol)

    def refresh(self, symbol: str) -> None:
        """Take over what `/sim/listing` changed."""
        rules = self.world.rules[self.places[symbol]]
        self.rules[symbol] = trading_rules(rules, self._statuses.get(symbol, "TRADING"))

    def price(self, symbol: str) -> Decimal:
        place = self.places[symbol]
        scale = self.world.tape.scales[place]
        text = f"{float(self.world.columns.price[place]):.{scale.price_decimals}f}"
        return Decimal(text)

    def mark(self, symbol: str) -> Decimal:
        return self._marked(float(self.world.columns.mark[self.places[symbol]]))

    @staticmethod
    def _marked(value: float) -> Decimal:
        return from_float(value).quantize(_MARK_DECIMALS)

    def is_known(self, symbol: str) -> bool:
        """Say whether the symbol has a price."""
        return bool(self.world.columns.price[self.places[symbol]] > 0)

    def quote(self, symbol: str, at_ms: int) -> Quote:
        """Return the symbol's market now; the range is a point."""
        place = self.places[symbol]
        scale = self.world.tape.scales[place]
        bids, asks = self._books.now(place, _LEVELS)
        last, mark = self.price(symbol), self.mark(symbol)
        p, q = scale.price_decimals, scale.quantity_decimals

        def exact(levels: list[tuple[int, int]]) -> tuple[tuple[Decimal, Decimal], ...]:
            return tuple(
                (Decimal(f"{t * scale.tick:.{p}f}"), Decimal(f"{s * scale.step:.{q}f}"))
                for t, s in levels
            )

        sold, offered = exact(bids), exact(asks)
        return Quote(
            symbol=symbol,
            bid=sold[0][0] if sold else last,
            ask=offered[0][0] if offered else last,
            last=last,
            mark=mark,
            high=last,
            low=last,
            at_ms=at_ms,
            bids=sold,
            asks=offered,
        )

    def ranged(self, symbol: str, at_ms: int) -> Quote:
        """Return the market now with its range since `turn` was last called for the symbol."""
        quote, seen = self.quote(symbol, at_ms), self._seen.get(symbol)
        if seen is None:
            return quote
        place = self.places[symbol]
        tick = self.world.tape.scales[place].tick
        high, low = self._extremes(place, seen)
        top, bottom = max(high * tick, seen.last), min(low * tick, seen.last)
        now, mark = float(quote.last), float(quote.mark)
        mark_top, mark_bottom = max(mark, seen.mark), min(mark, seen.mark)
        if top > max(now, seen.last):  # the mark price went out with the last price
            mark_top = max(mark_top, top * mark / now)
        if bottom < min(now, seen.last):
            mark_bottom = min(mark_bottom, bottom * mark / now)
        return replace(
            quote,
            high=max(quote.last, self._exact(place, top)),
            low=min(quote.last, self._exact(place, bottom)),
            mark_high=max(quote.mark, self._marked(mark_top)),
            mark_low=min(quote.mark, self._marked(mark_bottom)),
        )

    def _exact(self, place: int, price: float) -> Decimal:
        return Decimal(f"{price:.{self.world.tape.scales[place].price_decimals}f}")

    def _extremes(self, place: int, seen: _Seen) -> tuple[float, float]:
        """Return highest and lowest tick traded since then that had not been touched before."""
        tape, forming = self.world.tape, self.world.columns.forming[place]
        price = float(self.world.columns.price[place]) / tape.scales[place].tick
        high = low = price
        first = (seen.minute_ms - tape.first_ms) // MINUTE_MS
        closed = tape.rows(place)[max(0, first) :]
        for number, row in enumerate([*closed, forming]):
            if row[T_CLOSE] <= 0:
                continue
            is_same = number == 0
            if not is_same or row[T_HIGH] > seen.high:
                high = max(high, float(row[T_HIGH]))
            if not is_same or row[T_LOW] < seen.low:
                low = min(low, float(row[T_LOW]))
        return high, low

    def begin(self, symbol: str) -> None:
        """Begin a range where there is none yet."""
        if symbol not in self._seen:
            self.turn(symbol)

    def turn(self, symbol: str) -> None:
        """Begin a new range at the market of now."""
        place = self.places[symbol]
        columns, forming = self.world.columns, self.world.columns.forming[place]
        has_traded = forming[T_CLOSE] > 0
        self._seen[symbol] = _Seen(
            self.world.tape.next_ms,
            int(forming[T_HIGH]) if has_traded else 0,
            int(forming[T_LOW]) if has_traded else 2**62,
            float(columns.price[place]),
            float(columns.mark[place]),
        )

    def forget(self, watched: set[str]) -> None:
        """Drop ranges of symbols nobody holds any more."""
        for symbol in self._seen.keys() - watched:
            del self._seen[symbol]
