"""A whole order book by sequence numbers.

Source: Binance, "How to manage a local order book correctly" (USDⓈ-M futures): drop diffs
older than the snapshot, the first applied diff spans it, and from then on each diff's `pu`
equals the last applied `u`.
"""

from signals.market.events import DepthDiff, DepthSnapshot, Levels

MAX_LEVELS = 20_000
"""A side beyond this is not a book but a fault: a real one of BTCUSDT held 5,000 after minutes."""


class BookGap(Exception):
    """The chain of updates broke or the book is impossible: a new snapshot is needed."""


class OrderBook:
    """Bids and asks of one symbol; unusable until a snapshot has been joined to the diffs."""

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._last_id: int | None = None
        self._is_joined = False

    @property
    def is_synced(self) -> bool:
        """Whether a snapshot and at least one diff have been joined."""
        return self._is_joined

    @property
    def last_id(self) -> int | None:
        return self._last_id

    def apply_snapshot(self, snapshot: DepthSnapshot) -> None:
        """Start again from a REST snapshot."""
        self._bids = dict(snapshot.bids)
        self._asks = dict(snapshot.asks)
        self._last_id = snapshot.last_id
        self._is_joined = False

    def apply_diff(self, diff: DepthDiff) -> bool:
        """Apply one diff; False if it is older than the snapshot and was dropped.

        Raises
        ------
        BookGap
            If no snapshot was applied, the chain is broken, a quantity is negative, the book
            is crossed, or it has too many levels. The book must then be started again.
        """
        if self._last_id is None:
            raise BookGap("no snapshot yet")
        if not self._is_joined:
            if diff.last_id < self._last_id:
                return False
            if not (diff.first_id <= self._last_id <= diff.last_id) and (
                diff.previous_id != self._last_id
            ):
                self._reset(f"the first diff starts at {diff.first_id}, after the snapshot")
            self._is_joined = True
        elif diff.previous_id != self._last_id:
            self._reset(f"expected a diff after {self._last_id}, got one after {diff.previous_id}")
        self._change(self._bids, diff.bids)
        self._change(self._asks, diff.asks)
        self._last_id = diff.last_id
        self._check()
        return True

    def _change(self, side: dict[float, float], levels: Levels) -> None:
        for price, quantity in levels:
            if quantity > 0:
                side[price] = quantity
            elif quantity == 0:
                side.pop(price, None)
            else:
                self._reset(f"negative quantity {quantity} at {price}")

    def _check(self) -> None:
        if len(self._bids) > MAX_LEVELS or len(self._asks) > MAX_LEVELS:
            self._reset("more levels than a book can have")
        if self._bids and self._asks and max(self._bids) >= min(self._asks):
            self._reset(f"crossed: bid {max(self._bids)} against ask {min(self._asks)}")

    def _reset(self, reason: str) -> None:
        self._bids, self._asks = {}, {}
        self._last_id = None
        self._is_joined = False
        raise BookGap(reason)

    def top(self, n: int) -> tuple[Levels, Levels]:
        """Return the best `n` levels of both sides, best first."""
        bids = sorted(self._bids.items(), reverse=True)[:n]
        return bids, sorted(self._asks.items())[:n]
