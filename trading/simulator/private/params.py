"""Reading the parameters of private calls, with the exchange's own complaints.

Source: USDⓈ-M Futures, New Order, New Algo Order, error codes.
"""

import secrets
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from trading.domain.venue import OrderKind, OrderRequest, OrderSide, PositionSide
from trading.matching.refused import Refused
from trading.simulator.private.account import ExchangeAccount
from trading.simulator.private.market import Market

CONDITIONAL: Final = (
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
)
_FORCES: Final = ("GTC", "IOC", "FOK", "GTX")


def missing(name: str) -> Refused:
    """Return what is said of a parameter that was not sent."""
    return Refused(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of one account: its parameters, read with complaints."""

    account: ExchangeAccount
    market: Market
    params: dict[str, str]
    now_ms: int

    def text(self, name: str) -> str:
        """Return a parameter that must be there."""
        value = self.params.get(name, "")
        if not value:
            raise missing(name)
        return value

    def symbol(self) -> str:
        return self.known(self.text("symbol"))

    def any_symbol(self) -> str | None:
        """Return the symbol, or None where none is named."""
        named = self.params.get("symbol")
        return self.known(named) if named else None

    def known(self, symbol: str) -> str:
        if symbol not in self.market.places:
            raise Refused(-1121, "Invalid symbol.")
        return symbol

    def whole(self, name: str) -> int | None:
        """Return a whole number, or None."""
        value = self.params.get(name, "")
        if not value:
            return None
        if not value.isdigit():
            raise Refused(
                -1100,
                f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.",
            )
        return int(value)

    def decimal(self, name: str) -> Decimal | None:
        """Return a number, or None."""
        value = self.params.get(name, "")
        if not value:
            return None
        try:
            found = Decimal(value)
        except InvalidOperation:
            found = Decimal("NaN")
        if not found.is_finite():
            raise Refused(
                -1100,
                f"Illegal characters found in parameter '{name}'; "
                "legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
            )
        return found

    def flag(self, name: str) -> bool:
        return self.params.get(name, "").lower() == "true"

    def limit(self, default: int, most: int) -> int:
        found = self.whole("limit") or default
        return min(found, most)

    def window(self, days: int = 7) -> tuple[int, int]:
        """Return (start, end) of a list; at most so many days, the newest where none is named."""
        start, end = self.whole("startTime"), self.whole("endTime")
        most_ms = days * 86_400_000
        if start is not None and end is not None and end - start > most_ms:
            raise Refused(-4166, f"Search window is restricted to recent {days} days only.")
        if end is None:
            end = self.now_ms if start is None else start + most_ms
        return (end - most_ms if start is None else start), end

    def ids(self, number: str, client_id: str) -> tuple[int, str | None]:
        """Return the id and the client id an order is named by; one must be there."""
        found, text = self.whole(number) or 0, self.params.get(client_id) or None
        if not found and text is None:
            raise Refused(
                -1102,
                f"Param '{client_id}' or '{number}' must be sent, but both were empty/null!",
            )
        return found, text

    def choice(self, name: str, choices: tuple[str, ...], code: int, message: str) -> str:
        value = self.text(name)
        if value not in choices:
            raise Refused(code, message)
        return value


def request_of(asked: Asked) -> OrderRequest:
    """Return the ordinary order that is asked for."""
    symbol = asked.symbol()
    side = asked.choice("side", ("BUY", "SELL"), -1117, "Invalid side.")
    kind = asked.text("type")
    if kind in CONDITIONAL:
        raise Refused(
            -4120, "Order type not supported for this endpoint. Please use the Algo Order API."
        )
    if kind not in ("LIMIT", "MARKET"):
        raise Refused(-1116, "Invalid orderType.")
    if asked.params.get("priceMatch", "NONE") != "NONE":
        raise Refused(-1130, "Data sent for parameter 'priceMatch' is not valid.")
    is_market = kind == "MARKET"
    for name in ("price", "timeInForce") if is_market else ():
        if asked.params.get(name):
            raise Refused(-1106, f"Parameter '{name}' sent when not required.")
    force = asked.params.get("timeInForce", "")
    if force and force not in _FORCES:
        raise Refused(-1115, "Invalid timeInForce.")
    quantity = asked.decimal("quantity")
    if quantity is None:
        raise missing("quantity")
    if not is_market and asked.decimal("price") is None:
        raise missing("price")
    return OrderRequest(
        client_id=asked.params.get("newClientOrderId") or _own_id(),
        symbol=symbol,
        side=OrderSide(side),
        kind=OrderKind(kind),
        quantity=quantity,
        price=asked.decimal("price"),
        time_in_force=force,
        reduce_only=asked.flag("reduceOnly"),
        position_side=_position_side(asked),
    )


def algo_request_of(asked: Asked) -> OrderRequest:
    """Return the conditional order that is asked for."""
    if asked.text("algoType") != "CONDITIONAL":
        raise Refused(-1130, "Data sent for parameter 'algoType' is not valid.")
    symbol = asked.symbol()
    side = asked.choice("side", ("BUY", "SELL"), -1117, "Invalid side.")
    kind = asked.choice("type", CONDITIONAL, -1116, "Invalid orderType.")
    working = asked.params.get("workingType", "CONTRACT_PRICE")
    if working not in ("CONTRACT_PRICE", "MARK_PRICE"):
        raise Refused(-1130, "Data sent for parameter 'workingType' is not valid.")
    closes = asked.flag("closePosition")
    if not closes and asked.decimal("quantity") is None:
        raise missing("quantity")
    is_limit = kind in ("STOP", "TAKE_PROFIT")
    return OrderRequest(
        client_id=asked.params.get("clientAlgoId") or _own_id(),
        symbol=symbol,
        side=OrderSide(side),
        kind=OrderKind(kind),
        quantity=asked.decimal("quantity"),
        price=asked.decimal("price"),
        trigger_price=asked.decimal("triggerPrice"),
        time_in_force=asked.params.get("timeInForce", "GTC") if is_limit else "",
        reduce_only=asked.flag("reduceOnly"),
        close_position=closes,
        position_side=_position_side(asked),
        by_mark_price=working == "MARK_PRICE",
        activate_price=asked.decimal("activatePrice"),
        callback_rate=asked.decimal("callbackRate"),
        price_protect=asked.flag("priceProtect"),
    )


def _position_side(asked: Asked) -> PositionSide:
    text = asked.params.get("positionSide", "BOTH")
    if text not in PositionSide.__members__:
        raise Refused(-4060, "Invalid position side.")
    return PositionSide(text)


def _own_id() -> str:
    """Return a client id as the exchange gives one where none was sent."""
    return secrets.token_urlsafe(16).replace("-", "").replace("_", "")[:22]


def as_texts(row: dict[str, Any]) -> dict[str, str]:
    """Return an order of a batch with its values as texts, as a single call has them."""
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in row.items()
    }
