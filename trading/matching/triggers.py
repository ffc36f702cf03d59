"""When a conditional order's price has come; a trailing one keeps the best price it has seen.

Source: USDⓈ-M Futures, New Algo Order.
"""

from decimal import Decimal
from typing import Final

from trading.domain.venue import OrderKind, OrderRequest, OrderSide, Quote, TradingRules
from trading.matching import filters
from trading.matching.records import Order
from trading.matching.refused import Refused

_STOPS: Final = (OrderKind.STOP, OrderKind.STOP_MARKET)
LIMITS: Final = (OrderKind.STOP, OrderKind.TAKE_PROFIT)
"""Kinds that become limit orders."""
CLOSERS: Final = (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET)
"""Kinds that may close whatever there is."""
_RATES: Final = (Decimal("0.1"), Decimal(20))
"""Callback rates that are allowed, per cent."""


def check(rules: TradingRules, request: OrderRequest, quote: Quote) -> None:
    """Refuse a conditional order that lacks something, says too much, or would trigger at once.

    Raises
    ------
    Refused
        With the exchange's code.
    """
    is_limit, trails = request.kind in LIMITS, request.kind is OrderKind.TRAILING_STOP_MARKET
    if request.close_position and request.kind not in CLOSERS:
        raise Refused(
            -4136, f"Target strategy invalid for orderType {request.kind}, closePosition true"
        )
    for name, value, belongs in (
        ("price", request.price, is_limit),
        ("triggerPrice", request.trigger_price, not trails),
        ("callbackRate", request.callback_rate, trails),
    ):
        if belongs and value is None:
            raise filters.missing(name)
        if value is not None and not belongs:
            raise filters.superfluous(name)
    if request.activate_price is not None and not trails:
        raise filters.superfluous("activatePrice")
    if is_limit:
        filters.check_price(rules, request.price)
        if request.time_in_force not in filters.FORCES:
            raise filters.missing("timeInForce")
    price = quote.mark if request.by_mark_price else quote.last
    if not trails:
        trigger = filters.check_price(rules, request.trigger_price, name="triggerPrice")
        would = _has_come(request, trigger, price, price)
    else:
        assert request.callback_rate is not None
        if not _RATES[0] <= request.callback_rate <= _RATES[1]:
            raise Refused(-2007, "Invalid callBack rate.")
        would = request.activate_price is not None and _is_active(request, price, price)
        if request.activate_price is not None:
            filters.check_price(rules, request.activate_price, name="activatePrice")
    if would:
        raise Refused(-2021, "Order would immediately trigger.")


def start(order: Order, quote: Quote) -> None:
    """Let a trailing order without an activation price follow the price from now on."""
    request = order.request
    if request.kind is OrderKind.TRAILING_STOP_MARKET and request.activate_price is None:
        order.is_active = True
        order.best = quote.mark if request.by_mark_price else quote.last


def reached(order: Order, quote: Quote) -> bool:
    """Say whether the price was at the trigger at any time since the quote before.

    A trailing order takes the range of prices as it comes: first against the best so far, for
    which of its ends came first is not known, then what is now against the best of the range.
    """
    request = order.request
    high, low, now = _range(request, quote)
    if request.kind is not OrderKind.TRAILING_STOP_MARKET:
        assert request.trigger_price is not None
        return _has_come(request, request.trigger_price, high, low)
    if not order.is_active:
        if not _is_active(request, high, low):
            return False
        order.is_active, order.best = True, None
    buys = request.side is OrderSide.BUY
    if order.best is not None and _has_turned(request, order.best, high if buys else low):
        return True
    extreme = low if buys else high
    order.best = extreme if order.best is None else (min if buys else max)(order.best, extreme)
    return _has_turned(request, order.best, now)


def is_protected(rules: TradingRules, request: OrderRequest, quote: Quote) -> bool:
    """Say whether last and mark price are too far apart for an order that minds (priceProtect)."""
    return (
        request.price_protect and abs(quote.mark - quote.last) > rules.trigger_protect * quote.mark
    )


def _range(request: OrderRequest, quote: Quote) -> tuple[Decimal, Decimal, Decimal]:
    """Return the highest, the lowest and the newest of the prices that the order goes by."""
    if not request.by_mark_price:
        return quote.high, quote.low, quote.last
    high = quote.mark if quote.mark_high is None else quote.mark_high
    low = quote.mark if quote.mark_low is None else quote.mark_low
    return high, low, quote.mark


def _has_come(request: OrderRequest, trigger: Decimal, high: Decimal, low: Decimal) -> bool:
    rises = (request.kind in _STOPS) == (request.side is OrderSide.BUY)
    return high >= trigger if rises else low <= trigger


def _is_active(request: OrderRequest, high: Decimal, low: Decimal) -> bool:
    """Say whether a trailing order's activation price was reached: a buy's from above."""
    assert request.activate_price is not None
    if request.side is OrderSide.BUY:
        return low <= request.activate_price
    return high >= request.activate_price


def _has_turned(request: OrderRequest, best: Decimal, price: Decimal) -> bool:
    """Say whether the price has come back from its best by the callback rate."""
    assert request.callback_rate is not None
    share = request.callback_rate / 100
    if request.side is OrderSide.BUY:
        return price >= best * (1 + share)
    return price <= best * (1 - share)
