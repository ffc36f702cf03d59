"""Payloads of the market streams, as the exchange writes them today."""

from typing import Any, Final

import msgspec
import numpy as np

from trading.simulator.book import Level, as_text
from trading.simulator.feed import ForcedOrder, World
from trading.simulator.tape import (
    INTERVALS_MS,
    MINUTE_MS,
    T_BUY,
    T_CLOSE,
    T_HIGH,
    T_LOW,
    T_OPEN,
    T_QUOTE,
    T_TRADES,
    T_VOLUME,
    interval_open,
    merge,
)

UM: Final = 1
_encode = msgspec.json.Encoder().encode


def encode(payload: Any) -> str:
    """Return the frame's text."""
    return _encode(payload).decode()


def kline(
    world: World, symbol: int, interval: str, open_ms: int, row: Any, closed: bool, at_ms: int
) -> dict[str, Any]:
    """Return a kline event for the candle `row` (as on the tape)."""
    scale = world.tape.scales[symbol]
    name = world.rules[symbol].symbol
    quote = int(row[T_QUOTE]) / 100.0
    share = int(row[T_BUY]) / int(row[T_VOLUME]) if row[T_VOLUME] else 0.0
    first = open_ms // 1000
    return {
        "e": "kline",
        "E": at_ms,
        "s": name,
        "k": {
            "t": open_ms,
            "T": open_ms + INTERVALS_MS[interval] - 1,
            "s": name,
            "i": interval,
            "f": first,
            "L": first + int(row[T_TRADES]),
            "o": scale.price(row[T_OPEN]),
            "c": scale.price(row[T_CLOSE]),
            "h": scale.price(row[T_HIGH]),
            "l": scale.price(row[T_LOW]),
            "v": scale.quantity(row[T_VOLUME]),
            "n": int(row[T_TRADES]),
            "x": closed,
            "q": f"{quote:.2f}",
            "V": scale.quantity(row[T_BUY]),
            "Q": f"{quote * share:.2f}",
            "B": "0",
        },
    }


def running(world: World, symbol: int, interval: str) -> tuple[int, Any] | None:
    """Return (open time, candle) of the interval that is running; None before its first trade."""
    forming = world.columns.forming[symbol]
    minute_ms = world.tape.next_ms
    open_ms = interval_open(minute_ms, interval)
    live = forming if forming[T_CLOSE] > 0 else None
    if interval == "1m":
        return None if live is None else (open_ms, live)
    candle = world.tape.fold(symbol, open_ms, minute_ms, live)
    return (open_ms, candle) if candle[T_CLOSE] > 0 else None


def mark_price(world: World, symbol: int, at_ms: int) -> dict[str, Any]:
    columns = world.columns
    rate = float(columns.funding_rate[symbol])
    mark = f"{float(columns.mark[symbol]):.8f}"
    return {
        "e": "markPriceUpdate",
        "E": at_ms,
        "s": world.rules[symbol].symbol,
        "p": mark,
        "i": f"{float(columns.index[symbol]):.8f}",
        "P": mark,
        "r": "" if rate != rate else f"{rate:.8f}",
        "ap": mark,
        "T": int(columns.next_funding_ms[symbol]),
        "st": UM,
    }


def force_order(world: World, order: ForcedOrder) -> dict[str, Any]:
    scale = world.tape.scales[order.symbol]
    name = world.rules[order.symbol].symbol
    ticks, steps = order.price / scale.tick, order.quantity / scale.step
    price = scale.price(max(1, np.rint(ticks)))
    quantity = scale.quantity(max(1, np.rint(steps)))
    return {
        "e": "forceOrder",
        "E": order.at_ms + 1,
        "o": {
            "s": name,
            "S": "SELL" if order.side == 0 else "BUY",
            "o": "LIMIT",
            "f": "IOC",
            "q": quantity,
            "p": price,
            "ap": price,
            "X": "FILLED",
            "l": quantity,
            "z": quantity,
            "T": order.at_ms,
        },
        "ps": name,
        "st": UM,
    }


def depth(
    name: str,
    bids: list[Level],
    asks: list[Level],
    ids: tuple[int, int, int],
    scale: Any,
    at_ms: int,
) -> dict[str, Any]:
    """Return a depth event; `ids` are U, u and pu."""
    return {
        "e": "depthUpdate",
        "E": at_ms,
        "T": at_ms - 1,
        "s": name,
        "U": ids[0],
        "u": ids[1],
        "pu": ids[2],
        "b": as_text(bids, scale),
        "a": as_text(asks, scale),
        "ps": name,
        "st": UM,
    }


def book_ticker(
    name: str, bids: list[Level], asks: list[Level], u: int, scale: Any, at_ms: int
) -> dict[str, Any]:
    (bid,), (ask,) = as_text(bids[:1], scale), as_text(asks[:1], scale)
    return {
        "e": "bookTicker",
        "u": u,
        "E": at_ms,
        "T": at_ms - 1,
        "s": name,
        "b": bid[0],
        "B": bid[1],
        "a": ask[0],
        "A": ask[1],
        "ps": name,
        "st": UM,
    }


def day_of(world: World, symbol: int) -> Any:
    """Return the candle of the last 24 hours, or None where nothing was traded."""
    rows = world.tape.rows(symbol)[-1440:]
    rows = rows[rows[:, T_CLOSE] > 0]
    forming = world.columns.forming[symbol]
    if forming[T_CLOSE] > 0:
        rows = np.concatenate([rows, forming[None]])
    return merge(rows) if rows.size else None


def mini_ticker(world: World, symbol: int, at_ms: int) -> dict[str, Any] | None:
    day = day_of(world, symbol)
    if day is None:
        return None
    scale = world.tape.scales[symbol]
    name = world.rules[symbol].symbol
    return {
        "e": "24hrMiniTicker",
        "E": at_ms,
        "s": name,
        "c": scale.price(day[T_CLOSE]),
        "o": scale.price(day[T_OPEN]),
        "h": scale.price(day[T_HIGH]),
        "l": scale.price(day[T_LOW]),
        "v": scale.quantity(day[T_VOLUME]),
        "q": f"{int(day[T_QUOTE]) / 100:.2f}",
        "ps": name,
        "st": UM,
    }


def ticker(world: World, symbol: int, at_ms: int) -> dict[str, Any] | None:
    small = mini_ticker(world, symbol, at_ms)
    if small is None:
        return None
    change = float(small["c"]) - float(small["o"])
    trades = int(day_of(world, symbol)[T_TRADES])
    volume = max(float(small["v"]), 1e-12)
    return {
        **small,
        "e": "24hrTicker",
        "p": f"{change:.8f}",
        "P": f"{change / float(small['o']) * 100:.3f}",
        "w": f"{float(small['q']) / volume:.8f}",
        "Q": "0",
        "O": at_ms - 1440 * MINUTE_MS,
        "C": at_ms,
        "F": 0,
        "L": trades,
        "n": trades + 1,
    }


def contract_info(world: World, symbol: int, at_ms: int) -> dict[str, Any]:
    rules = world.rules[symbol]
    return {
        "e": "contractInfo",
        "E": at_ms,
        "s": rules.symbol,
        "ct": "PERPETUAL",
        "dt": 4133404800000,
        "ot": rules.onboard_ms or world.tape.first_ms,
        "cs": "TRADING",
        "bks": [
            {
                "bs": place + 1,
                "bnf": bracket.floor,
                "bnc": bracket.cap,
                "mmr": bracket.maintenance_rate,
                "cf": bracket.maintenance_amount,
                "mi": bracket.max_leverage,
                "ma": bracket.max_leverage,
            }
            for place, bracket in enumerate(rules.brackets)
        ],
        "st": UM,
    }
