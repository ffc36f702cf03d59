"""The filters of `exchangeInfo`, with the codes the exchange refuses with."""

import re
from decimal import Decimal
from typing import Final

from trading.domain.venue import OrderKind, OrderRequest, OrderSide, Quote, TradingRules
from trading.matching.refused import Refused

_CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
FORCES: Final = ("GTC", "IOC", "FOK", "GTX")
"""Times in force of limit orders."""
_HIGHEST_PRICE: Final = Decimal(10_000_000)


def missing(name: str) -> Refused:
    """Return the refusal of an order that lacks something."""
    return Refused(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def superfluous(name: str) -> Refused:
    """Return the refusal of an order that says too much."""
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def check_client_id(client_id: str) -> None:
    """Refuse an id that is empty, too long or holds other characters."""
    if _CLIENT_ID.fullmatch(client_id) is None:
        raise Refused(-4015, "Client order id is not valid.")


def check_status(rules: TradingRules, *, opens: bool) -> None:
    """Refuse what the symbol's status forbids."""
    if rules.is_trading:
        return
    if rules.status == "SETTLING" and not opens:
        return
    if rules.status == "SETTLING":
        raise Refused(-4140, "Invalid symbol status for opening position.")
    raise Refused(-4141, "Symbol is closed.")


def check_quantity(rules: TradingRules, request: OrderRequest) -> Decimal:
    """Return the quantity, if the lot filters allow it."""
    quantity = request.quantity
    if quantity is None:
        raise missing("quantity")
    if quantity <= 0:
        raise Refused(-4003, "Quantity less than or equal to zero.")
    if quantity < rules.min_quantity:
        raise Refused(-4004, "Quantity less than min quantity.")
    is_market = request.kind is OrderKind.MARKET
    most = rules.market_max_quantity if is_market else rules.max_quantity
    if quantity > most:
        raise Refused(-4005, "Quantity greater than max quantity.")
    if quantity % rules.step:
        if _decimals(quantity) > _decimals(rules.step):
            raise Refused(-1111, "Precision is over the maximum defined for this asset.")
        raise Refused(-4023, "Qty not increased by step size.")
    return quantity


def check_price(rules: TradingRules, price: Decimal | None, *, name: str = "price") -> Decimal:
    """Return a price that lies on the tick and in range."""
    if price is None:
        raise missing(name)
    if price <= 0:
        raise Refused(-4001, "Price less than 0.")
    if price > _HIGHEST_PRICE:
        raise Refused(-4002, "Price greater than max price.")
    if price % rules.tick:
        raise Refused(-4014, "Price not increased by tick size.")
    return price


def check_band(rules: TradingRules, request: OrderRequest, quote: Quote) -> None:
    """Refuse a limit price outside PERCENT_PRICE."""
    assert request.price is not None
    if request.side is OrderSide.BUY and request.price > quote.mark * rules.price_up:
        raise Refused(-4016, "Limit price can't be higher than the price band allows.")
    if request.side is OrderSide.SELL and request.price < quote.mark * rules.price_down:
        raise Refused(-4024, "Limit price can't be lower than the price band allows.")


def check_counterparty(rules: TradingRules, request: OrderRequest, quote: Quote) -> None:
    """Refuse a market order whose best counterparty stands outside PERCENT_PRICE."""
    is_far = (
        quote.ask > quote.mark * rules.price_up
        if request.side is OrderSide.BUY
        else quote.bid < quote.mark * rules.price_down
    )
    if is_far:
        raise Refused(
            -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
        )


def check_notional(rules: TradingRules, quantity: Decimal, price: Decimal) -> None:
    """Refuse an order too small, which may open something."""
    if quantity * price < rules.min_notional:
        raise Refused(
            -4164,
            f"Order's notional must be no smaller than {rules.min_notional} "
            "(unless you choose reduce only).",
        )


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
