"""From open signals and closed 1m candles to outcomes; `barriers` decides what came first."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from signals import barriers
from signals.market.panel import CLOSE, HIGH, LOW, OPEN

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MINUTE_MS: Final = 60_000
_VOID_AFTER_MS: Final = 86_400_000
STATES: Final = ("waiting", "filled", "tp1", "tp2")


@dataclass(frozen=True, slots=True)
class OpenSignal:
    """What settlement has to know of a signal."""

    id: UUID
    row: int
    sign: int
    zone_low: float
    zone_high: float
    reference: float
    stop: float
    targets: tuple[float, float, float]
    issued_ms: int
    valid_until_ms: int
    expires_ms: int
    slippage: float = barriers.SLIPPAGE
    running: dict[str, Any] | None = None
    """As `Change.running` gave it, to go on after a restart."""


@dataclass(frozen=True, slots=True)
class Change:
    """An open signal moved on; `result` is empty until it settles."""

    id: UUID
    state: str
    at_ms: int
    fill_price: float | None
    filled_ms: int | None
    n_hit: int
    result: str
    net_r: float | None
    gross_r: float | None
    evidence: dict[str, Any]
    running: dict[str, Any]


class SettlementBook:
    """All open signals of one market, walked through each closed minute together."""

    def __init__(self) -> None:
        self.signals: list[OpenSignal] = []
        self._filled: BoolArray = np.zeros(0, dtype=bool)
        self._filled_ms = np.zeros(0, dtype=np.int64)
        self._done_ms = np.zeros(0, dtype=np.int64)
        self._state = barriers.enter(*(np.zeros(0) for _ in range(4)), np.zeros((3, 0)))
        self._columns()

    def __len__(self) -> int:
        return len(self.signals)

    def _columns(self) -> None:
        s = self.signals
        self._row = np.array([x.row for x in s], dtype=np.int64)
        self._low = np.array([x.zone_low for x in s])
        self._high = np.array([x.zone_high for x in s])
        self._issued = np.array([x.issued_ms for x in s], dtype=np.int64)
        self._valid = np.array([x.valid_until_ms for x in s], dtype=np.int64)
        self._expires = np.array([x.expires_ms for x in s], dtype=np.int64)
        self._slippage = np.array([x.slippage for x in s])

    def add(self, signal: OpenSignal) -> None:
        """Watch one more signal."""
        held = signal.running or {}
        one = barriers.enter(
            np.array([float(signal.sign)]),
            np.array([held.get("entry") or signal.reference]),
            np.array([abs(signal.reference - signal.stop)]),
            np.array([signal.stop]),
            np.array(signal.targets)[:, None],
        )
        for name in ("stop", "share", "gross", "turnover", "funding"):
            if name in held:
                getattr(one, name)[:] = held[name]
        one.n_hit[:] = held.get("n_hit", 0)
        for name in barriers.LadderState.__dataclass_fields__:
            joined = np.concatenate([getattr(self._state, name), getattr(one, name)], axis=-1)
            setattr(self._state, name, joined)
        self.signals.append(signal)
        self._filled = np.append(self._filled, bool(held.get("filled_ms")))
        self._filled_ms = np.append(self._filled_ms, int(held.get("filled_ms") or 0))
        self._done_ms = np.append(self._done_ms, int(held.get("done_ms") or 0))
        self._columns()

    def step(
        self, open_ms: int, candle: FloatArray, funding: FloatArray | None = None
    ) -> list[Change]:
        """Walk every open signal through the minute opened at `open_ms`.

        Parameters
        ----------
        candle : ndarray of shape (8, n); a symbol without a candle waits
        funding : rates settled at this minute's start, (n,), 0 where there is none
        """
        if not self.signals:
            return []
        picked = candle[:, self._row]
        open_, high, low, close = picked[OPEN], picked[HIGH], picked[LOW], picked[CLOSE]
        close_ms = open_ms + MINUTE_MS
        # A minute that began before the signal was issued may hold prices from before it.
        turn = (open_ms >= self._issued) & (open_ms > self._done_ms) & ~np.isnan(close)
        lost = ~turn & (open_ms > self._expires + _VOID_AFTER_MS)
        state, before = self._state, self._state.n_hit.copy()
        waiting = turn & ~self._filled
        price = barriers.touch(self._low, self._high, open_, high, low)
        entering = waiting & ~np.isnan(price) & (open_ms < self._valid)
        state.entry = np.where(entering, price, state.entry)
        inside = entering & (price != open_)
        self._filled_ms = np.where(entering, open_ms, self._filled_ms)
        self._filled |= entering
        if funding is not None and funding.any():
            barriers.charge_funding(
                state, np.where(self._filled & ~entering & turn, funding[self._row], 0.0)
            )
        walked = turn & self._filled
        barriers.advance(
            state,
            open_,
            high,
            low,
            np.where(walked, close, np.nan),
            close_ms,
            stop_only=inside,
            last=close_ms >= self._expires,
        )
        missed = turn & ~self._filled & (close_ms >= self._valid)
        self._done_ms = np.where(turn, open_ms, self._done_ms)
        changed = entering | (state.n_hit != before) | ~state.is_open | missed | lost
        return self._report(changed, missed, lost, close_ms, picked)

    def _report(
        self, changed: BoolArray, missed: BoolArray, lost: BoolArray, at_ms: int, picked: FloatArray
    ) -> list[Change]:
        if not changed.any():
            return []
        net = self._state.net(self._slippage)
        out, gone = [], missed | lost | ~self._state.is_open
        for place in np.nonzero(changed)[0]:
            result, net_r, gross_r = "", None, None
            if missed[place]:
                result = "not_entered"
            elif lost[place]:
                result = "void"
            elif gone[place]:
                net_r, gross_r = float(net[place]), float(self._state.gross[place])
                by_time = self._state.ended[place] == barriers.BY_TIME
                result = "timed_out" if by_time else "won" if net_r > 0 else "lost"
            out.append(self._change(int(place), result, net_r, gross_r, at_ms, picked))
        if gone.any():
            self._keep(np.nonzero(~gone)[0])
        return out

    def _change(
        self,
        place: int,
        result: str,
        net_r: float | None,
        gross_r: float | None,
        at_ms: int,
        picked: FloatArray,
    ) -> Change:
        signal, state = self.signals[place], self._state
        filled = bool(self._filled[place])
        n_hit = int(state.n_hit[place])
        shown = result or (STATES[min(n_hit + 1, 3)] if filled else "waiting")
        evidence = {
            "open_ms": at_ms - MINUTE_MS,
            "candle": [float(picked[k, place]) for k in (OPEN, HIGH, LOW, CLOSE)],
            "stop": float(state.stop[place]),
            "targets": [float(t) for t in state.targets[:, place]],
            "n_hit": n_hit,
            "ended": int(state.ended[place]),
        }
        return Change(
            id=signal.id,
            state=shown,
            at_ms=at_ms,
            fill_price=float(state.entry[place]) if filled else None,
            filled_ms=int(self._filled_ms[place]) if filled else None,
            n_hit=n_hit,
            result=result,
            net_r=net_r,
            gross_r=gross_r,
            evidence=evidence,
            running=self.running(place),
        )

    def running(self, place: int) -> dict[str, Any]:
        """Return the machine's state of one signal: what `OpenSignal.running` takes."""
        state = self._state
        return {
            "entry": float(state.entry[place]),
            "stop": float(state.stop[place]),
            "share": float(state.share[place]),
            "gross": float(state.gross[place]),
            "turnover": float(state.turnover[place]),
            "funding": float(state.funding[place]),
            "n_hit": int(state.n_hit[place]),
            "filled_ms": int(self._filled_ms[place]),
            "done_ms": int(self._done_ms[place]),
        }

    def _keep(self, places: NDArray[np.int64]) -> None:
        self.signals = [self.signals[place] for place in places]
        self._state = self._state.take(places)
        self._filled, self._filled_ms = self._filled[places], self._filled_ms[places]
        self._done_ms = self._done_ms[places]
        self._columns()
