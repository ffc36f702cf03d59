"""Trades derived from the running minute: together they are exactly its candle.

Between two looks at a minute its volume grew, and maybe its high and low: what was added is
printed, at the new extremes and at the price of now. The rest of a minute that closed between
two looks is printed too, so the prints of a minute sum up to its volume and taker volume.
"""

from collections import Counter
from typing import Any, Final

import numpy as np

from trading.simulator.feed import World
from trading.simulator.tape import (
    MINUTE_MS,
    N_TAPE,
    T_BUY,
    T_CLOSE,
    T_HIGH,
    T_LOW,
    T_VOLUME,
    IntArray,
)

FIRST_ID: Final = 1_000_000
_KEPT: Final = 1_000

Piece = tuple[int, int, bool]
"""Price in ticks, quantity in steps, whether the buyer was the maker."""


def pieces_between(before: IntArray, now: IntArray) -> list[Piece]:
    """Return what was traded between two looks at one minute, (8,) each as on the tape."""
    bought = int(now[T_BUY] - before[T_BUY])
    sold = int(now[T_VOLUME] - before[T_VOLUME]) - bought
    fresh = before[T_CLOSE] <= 0
    extremes: list[int] = []
    if fresh or now[T_HIGH] > before[T_HIGH]:
        extremes.append(int(now[T_HIGH]))
    if fresh or now[T_LOW] < before[T_LOW]:
        extremes.append(int(now[T_LOW]))
    if fresh:
        extremes.insert(0, int(now[0]))
    out: list[Piece] = []
    left = {False: max(0, bought), True: max(0, sold)}
    for ticks in extremes:
        if ticks == now[T_CLOSE]:
            continue
        maker = ticks == int(now[T_LOW])
        if left[maker] < 2:
            maker = not maker
        share = left[maker] // 4 or int(left[maker] > 1)
        if share:
            left[maker] -= share
            out.append((ticks, share, maker))
    for maker in (False, True):
        if left[maker]:
            out.append((int(now[T_CLOSE]), left[maker], maker))
    return out


class Prints:
    """Trades of each symbol, made at most once a beat."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[int, tuple[int, IntArray]] = {}
        self._made: dict[int, list[dict[str, Any]]] = {}
        self._count: Counter[int] = Counter()
        self.recent: dict[int, list[dict[str, Any]]] = {}

    def turn(self) -> None:
        """Begin a beat."""
        self._made.clear()

    def now(self, place: int, at_ms: int) -> list[dict[str, Any]]:
        """Return the trades since the last beat anybody looked at."""
        made = self._made.get(place)
        if made is None:
            made = self._made[place] = self._make(place, at_ms)
        return made

    def _make(self, place: int, at_ms: int) -> list[dict[str, Any]]:
        world = self._world
        minute_ms, now = world.tape.next_ms, world.columns.forming[place]
        nothing = np.zeros(N_TAPE, dtype=np.int64)
        seen_ms, before = self._seen.get(place, (minute_ms, nothing))
        pieces: list[Piece] = []
        if seen_ms != minute_ms:
            if seen_ms == minute_ms - MINUTE_MS:
                pieces += pieces_between(before, world.tape.rows(place)[-1])
            before = nothing
        if now[T_CLOSE] > 0:
            pieces += pieces_between(before, now)
        self._seen[place] = (minute_ms, now.copy())
        trades = [self._trade(place, piece, at_ms) for piece in pieces if piece[0] > 0]
        recent = self.recent.setdefault(place, [])
        recent += trades
        del recent[:-_KEPT]
        return trades

    def _trade(self, place: int, piece: Piece, at_ms: int) -> dict[str, Any]:
        scale = self._world.tape.scales[place]
        ticks, steps, maker = piece
        number = FIRST_ID + self._count[place]
        self._count[place] += 1
        text = scale.quantity(steps)
        return {
            "e": "aggTrade",
            "E": at_ms,
            "s": self._world.rules[place].symbol,
            "a": number,
            "p": scale.price(ticks),
            "q": text,
            "nq": text,
            "f": number,
            "l": number,
            "T": at_ms - 2,
            "m": maker,
            "st": 1,
        }


def as_raw_trade(trade: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of the undocumented `@trade` stream."""
    kept = {key: trade[key] for key in ("E", "T", "s", "p", "q", "m", "st")}
    return {"e": "trade", **kept, "t": trade["a"], "X": "MARKET"}
