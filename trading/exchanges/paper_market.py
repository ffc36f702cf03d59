"""The market as a paper account meets it: quotes one after the other, slippage, funding."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from cryptosystems.kernel.decimals import round_to_tick
from trading.domain.venue import Quote, Service
from trading.exchanges.paper_past import Candle, Settlement, quotes_of
from trading.exchanges.paper_store import PaperState
from trading.matching.checks import LIMITLESS

SLIPPAGE: Final = Decimal("0.0001")
"""What a market order pays beyond the best price: one basis point, as a share of it."""


@dataclass(frozen=True, slots=True)
class Due:
    """Funding that is to be settled, as the mark price stream foretells it."""

    at_ms: int
    rate: Decimal


def merged(before: Quote | None, quote: Quote) -> Quote:
    """Return the newer quote with the range of both."""
    if before is None:
        return quote
    return replace(
        quote,
        high=max(before.high, quote.high),
        low=min(before.low, quote.low),
        mark_high=max(_or_mark(before, "mark_high"), _or_mark(quote, "mark_high")),
        mark_low=min(_or_mark(before, "mark_low"), _or_mark(quote, "mark_low")),
    )


def _or_mark(quote: Quote, name: str) -> Decimal:
    value: Decimal | None = getattr(quote, name)
    return quote.mark if value is None else value


def with_slippage(quote: Quote, tick: Decimal) -> Quote:
    """Return the quote as market orders meet it: a tick or one basis point worse."""
    bid = round_to_tick(quote.bid * (1 - SLIPPAGE), tick, "down")
    ask = round_to_tick(quote.ask * (1 + SLIPPAGE), tick, "up")
    return replace(quote, bids=((max(bid, tick), LIMITLESS),), asks=((ask, LIMITLESS),))


def held_symbols(state: PaperState) -> set[str]:
    """Return the symbols in which something is open."""
    account = state.account
    positions = {symbol for (symbol, _), p in account.positions.items() if p.quantity}
    return positions | set(account.orders) | set(account.algos)


def apply_quote(state: PaperState, quote: Quote, due: Due | None) -> Due | None:
    """Settle funding that has come due, then let the market move; return what is due next."""
    if due is not None and quote.at_ms >= due.at_ms:
        settle(state, quote.symbol, due.at_ms, due.rate, quote.mark)
    tick = state.account.rules[quote.symbol].tick
    state.account.on_quote(with_slippage(quote, tick), quote.at_ms)
    if quote.next_funding_ms is None or quote.funding_rate is None:
        return due if due is not None and quote.at_ms < due.at_ms else None
    return Due(quote.next_funding_ms, quote.funding_rate)


def settle(state: PaperState, symbol: str, at_ms: int, rate: Decimal, mark: Decimal) -> None:
    """Settle one funding time of a symbol, once."""
    if at_ms <= state.settled_ms.get(symbol, 0):
        return
    state.account.settle_funding(symbol, rate, mark, at_ms)
    state.settled_ms[symbol] = at_ms


def apply_past(
    state: PaperState, symbol: str, candles: list[Candle], settlements: list[Settlement]
) -> None:
    """Let a stretch of the past happen, in its order."""
    rest = list(settlements)
    tick = state.account.rules[symbol].tick
    mark = state.account.marks.get(symbol, Decimal(0))
    for candle in candles:
        while rest and rest[0].at_ms <= candle.open_ms:
            due = rest.pop(0)
            settle(state, symbol, due.at_ms, due.rate, due.mark or mark)
        for quote in quotes_of(symbol, candle, _is_long(state, symbol), tick):
            state.account.on_quote(with_slippage(quote, tick), quote.at_ms)
        mark = candle.mark_close
    for due in rest:
        settle(state, symbol, due.at_ms, due.rate, due.mark or mark)


def _is_long(state: PaperState, symbol: str) -> bool:
    """Return the side that can be hurt: the position's, else that of a resting entry."""
    for (name, _), position in state.account.positions.items():
        if name == symbol and position.quantity:
            return position.quantity > 0
    for order in state.account.open_orders(symbol):
        if order.service is Service.ORDER and not order.reduce_only:
            return order.side.value == "BUY"
    return True
