"""Books of this half second, and the chain of differences that leads from one to the next.

Every book stream of a symbol draws its update ids from one rising sequence with gaps, as on
the exchange. The differences form one chain per symbol, whatever speed they are asked at, and
a snapshot is always a book of that chain.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from trading.simulator.book import N_LEVELS, Level, difference, make_book
from trading.simulator.feed import World

FIRST_ID: Final = 1_000_000
_KEPT: Final = 16

Sides = tuple[list[Level], list[Level]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole book and the id of the last update in it."""

    bids: list[Level]
    asks: list[Level]
    last_id: int


@dataclass(slots=True)
class _Chain:
    beat: int
    newest: Snapshot
    older: deque[Snapshot] = field(default_factory=lambda: deque(maxlen=_KEPT))


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed within a beat, with `U`, `u` and `pu`."""

    bids: list[Level]
    asks: list[Level]
    ids: tuple[int, int, int]


class Books:
    """Makes books when somebody looks, the same one however often within a beat."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.beat = 0
        self._ids: dict[int, int] = {}
        self._last_u: dict[str, int] = {}
        self._chains: dict[int, _Chain] = {}
        self._made: dict[int, Difference | None] = {}

    def turn(self, beat: int) -> None:
        """Begin a beat."""
        self.beat = beat
        self._made.clear()

    def now(self, place: int, levels: int = N_LEVELS) -> Sides:
        """Return the book of this half second, best first."""
        world = self._world
        recorded = world.recorded_book(place)
        if recorded is not None:
            return recorded.bids[:levels], recorded.asks[:levels]
        told = world.levels(place, levels)
        if told is not None:
            return told
        return make_book(world.columns, place, world.tape.scales[place], self.beat, levels)

    def newest_id(self, place: int) -> int:
        return self._ids.get(place, FIRST_ID)

    def _number(self, place: int, changes: int) -> tuple[int, int]:
        """Return (U, u) of the next update: ids jump, for not every event concerns us."""
        first = self.newest_id(place) + 1 + (self.beat * 7 + place) % 13
        self._ids[place] = newest = first + max(1, changes)
        return first, newest

    def partial(self, stream: str, place: int, levels: int) -> Difference | None:
        """Return the complete top of the book for one stream; None where there is no book."""
        bids, asks = self.now(place, levels)
        if not bids or not asks:
            return None
        before = self._last_u.get(stream, self.newest_id(place))
        first, newest = self._number(place, len(bids))
        self._last_u[stream] = newest
        return Difference(bids, asks, (first, newest, before))

    def changed(self, place: int) -> Difference | None:
        """Return this beat's link of the chain; None at its very beginning."""
        if place in self._made:
            return self._made[place]
        chain = self._chains.get(place)
        bids, asks = self.now(place)
        made: Difference | None = None
        if chain is None:
            self._begin(place)
        elif bids and asks:
            held = chain.newest
            changes = difference(held.bids, bids), difference(held.asks, asks)
            first, newest = self._number(place, len(changes[0]) + len(changes[1]))
            made = Difference(*changes, (first, newest, held.last_id))
            chain.older.append(held)
            chain.beat, chain.newest = self.beat, Snapshot(bids, asks, newest)
        self._made[place] = made
        return made

    def _begin(self, place: int) -> Snapshot:
        bids, asks = self.now(place)
        _, newest = self._number(place, len(bids))
        snapshot = Snapshot(bids, asks, newest)
        self._chains[place] = _Chain(self.beat, snapshot)
        return snapshot

    def snapshot(self, place: int, behind: int = 0) -> Snapshot:
        """Return the book the newest differences lead to, or one so many links older."""
        chain = self._chains.get(place)
        if chain is None or chain.beat < self.beat - 1:
            return self._begin(place)  # nobody follows the chain: the book of now starts it
        if behind and chain.older:
            return chain.older[max(0, len(chain.older) - behind)]
        return chain.newest
