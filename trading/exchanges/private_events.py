"""From a frame of the private socket to what happened to the account."""

from typing import Any, Final

import msgspec

from trading.domain.venue import (
    AlgoEvent,
    BalanceEvent,
    OrderEvent,
    Service,
    SettingsEvent,
    VenueEvent,
    VenueFill,
    VenueOrder,
)
from trading.exchanges import wire

EXPIRED: Final = "listenKeyExpired"
IGNORED: Final = frozenset({"TRADE_LITE", "MARGIN_CALL", "STRATEGY_UPDATE", "GRID_UPDATE"})
"""TRADE_LITE repeats an order event with less; MARGIN_CALL is advice that may come too late."""
_FORCED: Final = (
    ("autoclose-", "autoclose"),
    ("adl_autoclose", "adl"),
    ("settlement_autoclose", "settlement"),
    ("delivery_autoclose", "settlement"),
)


class KeyExpired(Exception):
    """The listen key has ended; a new one is needed."""


class UnknownEvent(ValueError):
    """An event of a kind that we do not know."""


def parse(payload: bytes) -> VenueEvent | None:
    """Return the event of a frame; None for one that says nothing we need.

    Raises
    ------
    KeyExpired
        If the exchange says that the listen key has ended.
    UnknownEvent, wire.Unreadable
        If the frame is of no kind we know, or not what its kind promises.
    """
    try:
        body = msgspec.json.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise wire.Unreadable("a frame that is not JSON") from None
    if isinstance(body, dict) and isinstance(body.get("data"), dict):
        body = body["data"]
    if not isinstance(body, dict):
        raise wire.Unreadable("a frame that is no object")
    kind = wire.text(body, "e")
    if kind == EXPIRED:
        raise KeyExpired
    if kind in IGNORED or (not kind and "result" in body):
        return None
    read = _READERS.get(kind)
    if read is None:
        raise UnknownEvent("an event of a kind that is not known")
    try:
        event: VenueEvent = read(body)
    except (KeyError, TypeError, AttributeError):
        raise wire.Unreadable(f"a {kind} that cannot be read") from None
    return event


def reason_of(client_id: str) -> str:
    """Return why the exchange itself placed an order of this id; empty for anybody else's."""
    return next((reason for start, reason in _FORCED if client_id.startswith(start)), "")


def _order(body: dict[str, Any]) -> OrderEvent:
    o = body["o"]
    at_ms = wire.whole(o, "T", wire.whole(body, "T"))
    order = VenueOrder(
        client_id=wire.text(o, "c"),
        exchange_id=str(wire.whole(o, "i")),
        symbol=wire.text(o, "s"),
        side=wire.side_of(o, "S"),
        kind=wire.text(o, "o"),
        service=Service.ORDER,
        state=wire.state_of(wire.text(o, "X")),
        quantity=wire.number(o, "q", wire.ZERO),
        filled=wire.number(o, "z", wire.ZERO),
        average_price=wire.some(o, "ap"),
        price=wire.some(o, "p"),
        trigger_price=wire.some(o, "sp"),
        reduce_only=wire.flag(o, "R"),
        close_position=wire.flag(o, "cp"),
        position_side=wire.position_side_of(o, "ps"),
        updated_ms=at_ms,
    )
    return OrderEvent(order, _fill(o, order, at_ms), at_ms, reason_of(order.client_id))


def _fill(o: dict[str, Any], order: VenueOrder, at_ms: int) -> VenueFill | None:
    """Return what was traded, if something was: a trade id of 0 is none."""
    if not wire.whole(o, "t", 0) or not wire.number(o, "l", wire.ZERO):
        return None
    return VenueFill(
        trade_id=str(wire.whole(o, "t")),
        order_id=order.exchange_id,
        client_id=order.client_id,
        symbol=order.symbol,
        side=order.side,
        price=wire.number(o, "L"),
        quantity=wire.number(o, "l"),
        fee=wire.number(o, "n", wire.ZERO),
        fee_asset=wire.text(o, "N"),
        realised=wire.number(o, "rp", wire.ZERO),
        is_maker=wire.flag(o, "m"),
        at_ms=at_ms,
        position_side=order.position_side,
    )


def _algo(body: dict[str, Any]) -> AlgoEvent:
    o = body["o"]
    at_ms = wire.whole(body, "T", wire.whole(body, "E", 0))
    child = wire.text(o, "ai")
    order = VenueOrder(
        client_id=wire.text(o, "caid"),
        exchange_id=str(wire.whole(o, "aid")),
        symbol=wire.text(o, "s"),
        side=wire.side_of(o, "S"),
        kind=wire.text(o, "o"),
        service=Service.ALGO,
        state=wire.state_of(wire.text(o, "X")),
        quantity=wire.number(o, "q", wire.ZERO),
        filled=wire.number(o, "aq", wire.ZERO),
        average_price=wire.some(o, "ap"),
        price=wire.some(o, "p"),
        trigger_price=wire.some(o, "tp"),
        reduce_only=wire.flag(o, "R"),
        close_position=wire.flag(o, "cp"),
        position_side=wire.position_side_of(o, "ps"),
        actual_order_id="" if child == "0" else child,
        reject_reason=wire.text(o, "rm"),
        updated_ms=at_ms,
    )
    return AlgoEvent(order, at_ms)


def _balance(body: dict[str, Any]) -> BalanceEvent:
    a = body["a"]
    wallets = [wire.number(row, "wb") for row in a.get("B", []) if row.get("a") == "USDT"]
    positions = tuple(
        (wire.text(row, "s"), wire.position_side_of(row, "ps"), wire.number(row, "pa"))
        for row in a.get("P", [])
    )
    return BalanceEvent(
        reason=wire.text(a, "m"),
        wallet=wallets[0] if wallets else None,
        positions=positions,
        at_ms=wire.whole(body, "T", wire.whole(body, "E", 0)),
    )


def _settings(body: dict[str, Any]) -> SettingsEvent:
    at_ms = wire.whole(body, "T", wire.whole(body, "E", 0))
    changed = body.get("ac") or {}
    leverage = wire.whole(changed, "l", 0) or None
    return SettingsEvent(wire.text(changed, "s"), at_ms, leverage)


_READERS: Final[dict[str, Any]] = {
    "ORDER_TRADE_UPDATE": _order,
    "ALGO_UPDATE": _algo,
    "ACCOUNT_UPDATE": _balance,
    "ACCOUNT_CONFIG_UPDATE": _settings,
}
