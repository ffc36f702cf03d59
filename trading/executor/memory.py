"""What a lane knows of its account between passes; all of it can be read again."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from cryptosystems.kernel.instruments import Side
from trading.contracts import Venue
from trading.domain.venue import (
    PositionSide,
    Quote,
    SymbolSettings,
    TradingRules,
    VenueAccount,
    VenueOrder,
    VenuePosition,
)
from trading.executor.numbers import with_rules
from trading.reconciliation.state import PositionReading, TradeFacts, VenueFacts


@dataclass(frozen=True, slots=True)
class AccountRef:
    """One account, named without a row."""

    user_id: UUID
    account_id: UUID
    venue: Venue


@dataclass(slots=True)
class SymbolMemory:
    """One symbol as it was last read."""

    positions: dict[PositionSide, PositionReading] = field(default_factory=dict)
    position_fails: int = 0
    orders: tuple[VenueOrder, ...] | None = None
    orders_read_ms: int = 0
    fills_read_ms: int = 0
    fills_since_ms: int | None = None
    """From when on executions are known without a hole."""
    settings: SymbolSettings | None = None
    set_up_refused: str = ""
    set_up_tries: int = 0


@dataclass(slots=True)
class TradeMemory:
    """What was watched of one trade."""

    past_stop_since_ms: int | None = None
    best_mark: Decimal | None = None
    told: set[str] = field(default_factory=set)
    is_told_loaded: bool = False


@dataclass(slots=True)
class LaneMemory:
    """Everything that a lane remembers."""

    is_hedged: bool | None = None
    is_hearing: bool = False
    """The user stream is open: what is changed at the exchange is told."""
    n_conditional: int = 0
    """Conditional orders of the whole account, the person's among them, when it was compared."""
    moved_ms: int | None = None
    """When money came into the account or left it, as long as the income list has not told of it."""
    fees: tuple[Decimal, Decimal] | None = None
    """Maker and taker of the account; a symbol has at most a discount on them."""
    bare: VenueAccount | None = None
    """The account as it was reconciled, where it held nothing then and no event came since."""
    bare_ms: int = 0
    symbols: dict[str, SymbolMemory] = field(default_factory=dict)
    trades: dict[UUID, TradeMemory] = field(default_factory=dict)
    asked_ms: dict[str, int] = field(default_factory=dict)
    not_before_ms: dict[str, int] = field(default_factory=dict)
    first_seen_ms: dict[str, int] = field(default_factory=dict)

    def symbol(self, name: str) -> SymbolMemory:
        return self.symbols.setdefault(name, SymbolMemory())

    def trade(self, pk: UUID) -> TradeMemory:
        return self.trades.setdefault(pk, TradeMemory())

    # --- what was read ---------------------------------------------------------------------------

    def saw_position(
        self,
        symbol: str,
        side: PositionSide,
        quantity: Decimal,
        read_ms: int,
        found: VenuePosition | None = None,
    ) -> None:
        """Take one reading; older ones never undo newer ones."""
        held = self.symbol(symbol)
        before = held.positions.get(side)
        if before is not None and before.read_ms > read_ms:
            return
        zero_since = None
        if quantity == 0:
            was_zero = before is not None and before.zero_since_ms is not None
            zero_since = before.zero_since_ms if was_zero and before is not None else read_ms
        held.positions[side] = PositionReading(
            quantity,
            read_ms,
            zero_since,
            None if found is None else found.mark_price,
            None if found is None else found.liquidation_price,
        )

    def saw_positions(self, symbol: str, found: list[VenuePosition], read_ms: int) -> None:
        """Take an answer to "which positions": what is not in it is zero."""
        by_side = {one.position_side: one for one in found if one.symbol == symbol}
        sides = (PositionSide.LONG, PositionSide.SHORT) if self.is_hedged else (PositionSide.BOTH,)
        for side in {*sides, *by_side}:
            one = by_side.get(side)
            quantity = Decimal(0) if one is None else one.quantity
            self.saw_position(symbol, side, quantity, read_ms, one)
        self.symbol(symbol).position_fails = 0

    def saw_nothing(self, symbol: str) -> None:
        """Take over what reconciling found of a bare account: no position, no order."""
        self.saw_positions(symbol, [], self.bare_ms)
        held = self.symbol(symbol)
        held.orders, held.orders_read_ms = (), self.bare_ms

    def remembered(
        self, trade: TradeFacts, rules: TradingRules | None, ahead_ms: int
    ) -> TradeFacts:
        """Add what only memory knows: when an order was last asked for, until when it waits.

        `ahead_ms`: by how much the market's time, which decisions go by, is before people's, in
        which offers are written.
        """
        orders = []
        for order in trade.orders:
            if order.seen_ms is not None:
                self.first_seen_ms.setdefault(order.client_id, order.first_seen_ms or order.seen_ms)
            orders.append(
                replace(
                    order,
                    asked_ms=self.asked_ms.get(order.client_id),
                    not_before_ms=self.not_before_ms.get(order.client_id, 0),
                    first_seen_ms=self.first_seen_ms.get(order.client_id),
                )
            )
        terms, until = trade.terms, trade.offer_until_ms
        return replace(
            trade,
            orders=tuple(orders),
            terms=terms if terms is None or rules is None else with_rules(terms, rules),
            told=frozenset(self.trade(trade.id).told),
            offer_until_ms=until if until is None else until + ahead_ms,
        )

    # --- what a decision needs -------------------------------------------------------------------

    def venue_facts(self, trade: TradeFacts, quote: Quote | None) -> VenueFacts:
        """Return the symbol of a trade as it is known now."""
        symbol, own = self.symbol(trade.symbol), self.trade(trade.id)
        side = PositionSide.BOTH
        if self.is_hedged:
            side = PositionSide.LONG if trade.side is Side.LONG else PositionSide.SHORT
        return VenueFacts(
            position=symbol.positions.get(side),
            position_fails=symbol.position_fails,
            orders=symbol.orders,
            orders_read_ms=symbol.orders_read_ms,
            fills_read_ms=symbol.fills_read_ms,
            quote=quote,
            past_stop_since_ms=own.past_stop_since_ms,
            best_mark=own.best_mark,
            settings=symbol.settings,
            set_up_refused=symbol.set_up_refused,
            is_hedged=self.is_hedged,
        )

    def watch_price(self, trade: TradeFacts, quote: Quote | None) -> None:
        """Keep since when the mark price is past the stop, and the best it has been.

        Without a fresh price nothing is known to be past anything.
        """
        own, sign = self.trade(trade.id), trade.side.sign
        if quote is None:
            own.past_stop_since_ms = None
            return
        if trade.stop_price is not None and trade.open_quantity > 0:
            is_past = (quote.mark - trade.stop_price) * sign <= 0
            if not is_past:
                own.past_stop_since_ms = None
            elif own.past_stop_since_ms is None:
                own.past_stop_since_ms = quote.at_ms
            extreme = quote.mark_high if sign > 0 else quote.mark_low
            mark = quote.mark if extreme is None else extreme
            if own.best_mark is None or (mark - own.best_mark) * sign > 0:
                own.best_mark = mark
