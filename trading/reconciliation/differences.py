"""Everything in which our rows and an exchange differ, told in words; nothing is decided here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from cryptosystems.kernel.decimals import plain
from trading.domain.orders import OrderState
from trading.domain.venue import Service, VenueFill, VenueOrder, VenuePosition
from trading.reconciliation.diff import is_as_asked, sort_open
from trading.reconciliation.state import OrderFacts, TradeFacts


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same here and there."""

    code: str
    """position, no_stop, order_missing, order_stranger, order_changed, order_filled, order_unknown
    or fill_missing"""
    symbol: str
    sentence: str


def differences(
    trades: Iterable[TradeFacts],
    positions: Iterable[VenuePosition],
    orders: Iterable[VenueOrder],
    *,
    read_ms: int,
) -> list[Difference]:
    """Compare trades that are not over with one read of the exchange."""
    trades, orders = list(trades), list(orders)
    return [
        *_of_positions(trades, positions, orders),
        *_of_orders([order for trade in trades for order in trade.orders], orders, read_ms),
    ]


def missing_fills(known: set[str], told: Iterable[VenueFill]) -> list[Difference]:
    """Return executions of which we have no row, by the exchange's ids of them."""
    return [
        Difference(
            "fill_missing",
            fill.symbol,
            f"fill {fill.trade_id} ({fill.side.value} {plain(fill.quantity)} at "
            f"{plain(fill.price)}, order {fill.order_id}) is not in our books",
        )
        for fill in told
        if fill.trade_id not in known
    ]


def _of_positions(
    trades: list[TradeFacts], positions: Iterable[VenuePosition], orders: list[VenueOrder]
) -> Iterator[Difference]:
    ours: dict[str, Decimal] = {}
    for trade in trades:
        held = trade.open_quantity * trade.side.sign
        ours[trade.symbol] = ours.get(trade.symbol, Decimal(0)) + held
    there: dict[str, Decimal] = {}
    for one in positions:
        there[one.symbol] = there.get(one.symbol, Decimal(0)) + one.quantity
    for symbol in sorted(ours.keys() | there.keys()):
        mine, theirs = ours.get(symbol, Decimal(0)), there.get(symbol, Decimal(0))
        if mine != theirs:
            whose = "" if symbol in ours else " (no trade of ours is open there)"
            sentence = f"position {plain(mine)} by our books, {plain(theirs)} there{whose}"
            yield Difference("position", symbol, sentence)
        if mine and theirs and not _has_stop(symbol, theirs, orders):
            sentence = f"a position of {plain(theirs)} and no stop rests there"
            yield Difference("no_stop", symbol, sentence)


def _has_stop(symbol: str, position: Decimal, orders: list[VenueOrder]) -> bool:
    side = "SELL" if position > 0 else "BUY"
    return any(
        one.symbol == symbol
        and one.side.value == side
        and one.service is Service.ALGO
        and one.trigger_price is not None
        and one.state.is_resting
        for one in orders
    )


def _of_orders(
    rows: list[OrderFacts], told: list[VenueOrder], read_ms: int
) -> Iterator[Difference]:
    found = sort_open(rows, told, read_ms=read_ms)
    for row in found.missing:
        sentence = f"{_name(row)} rests by our books and not there"
        yield Difference("order_missing", row.request.symbol, sentence)
    for one in found.strangers:
        sentence = (
            f"{one.client_id} ({one.side.value} {one.kind}) rests there without a row of ours"
        )
        yield Difference("order_stranger", one.symbol, sentence)
    for row, one in found.ours:
        is_child = row.request.service is Service.ALGO and one.service is Service.ORDER
        if not is_child and not is_as_asked(row, one):
            sentence = f"{_name(row)} rests there otherwise than we asked"
            yield Difference("order_changed", one.symbol, sentence)
        if one.filled != row.filled:
            sentence = (
                f"{_name(row)}: {plain(row.filled)} filled by our books, {plain(one.filled)} there"
            )
            yield Difference("order_filled", one.symbol, sentence)
    for row in rows:
        if row.state in (OrderState.UNKNOWN, OrderState.SUBMITTING):
            sentence = f"{_name(row)}: its fate is not known"
            yield Difference("order_unknown", row.request.symbol, sentence)


def _name(row: OrderFacts) -> str:
    return f"{row.leg.value} {row.client_id}"
