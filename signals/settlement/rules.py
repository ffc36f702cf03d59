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
    """All open signals of one market, walked through each closed candle together.

    Parameters
    ----------
    duration_ms : length of the candles; 1m live, what is held in a back-test
    patience_ms : how long a signal waits for a missing candle to be repaired before it goes on
        without it; its evidence then counts the candle as missing
    """

    def __init__(self, *, duration_ms: int = MINUTE_MS, patience_ms: int = 0) -> None:
        self.duration_ms = duration_ms
        self.patience_ms = patience_ms
        self.signals: list[OpenSignal] = []
        self._filled: BoolArray = np.zeros(0, dtype=bool)
        self._filled_ms = np.zeros(0, dtype=np.int64)
        self._done_ms = np.zeros(0, dtype=np.int64)
        self._n_missing = np.zeros(0, dtype=np.int64)
        nothing = np.zeros(0)
        self._state = barriers.enter(nothing, nothing, nothing, nothing, np.zeros((3, 0)))
        self._dues: dict[int, list[tuple[int, float]]] = {}
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
        # A candle that began before the signal was issued may hold prices from before it.
        first_ms = -(-signal.issued_ms // self.duration_ms) * self.duration_ms
        done_ms = int(held.get("done_ms") or first_ms - self.duration_ms)
        self._done_ms = np.append(self._done_ms, done_ms)
        self._n_missing = np.append(self._n_missing, int(held.get("n_missing") or 0))
        self._columns()

    def first_wanted_ms(self) -> int | None:
        """Return the open time of the oldest candle that some signal waits for."""
        return int(self._done_ms.min()) + self.duration_ms if self.signals else None

    def add_funding(self, row: int, at_ms: int, rate: float) -> None:
        """Note a settlement of funding; each signal is charged when its candles get there.

        Parameters
        ----------
        at_ms : when it fell due; cut to the minute, the exchange's clock trails by milliseconds
        rate : per settlement, above 0 longs pay
        """
        at_ms -= at_ms % MINUTE_MS
        mine = self._row == row
        late = mine & (self._done_ms >= at_ms)
        self._charge(late, at_ms, rate)
        if (mine & ~late).any():
            self._dues.setdefault(row, []).append((at_ms, rate))

    def _charge(self, signals: BoolArray, at_ms: int, rate: float) -> None:
        paying = signals & self._filled & (self._filled_ms < at_ms)
        if paying.any():
            barriers.charge_funding(self._state, np.where(paying, rate, 0.0))

    def drop(self, signal_id: UUID) -> None:
        """Watch a signal no longer: it was not issued after all."""
        self._keep(
            np.array(
                [k for k, one in enumerate(self.signals) if one.id != signal_id], dtype=np.int64
            )
        )

    def step(self, open_ms: int, candle: FloatArray, newest_ms: int | None = None) -> list[Change]:
        """Walk every open signal through the candle opened at `open_ms`.

        Parameters
        ----------
        candle : ndarray of shape (8, n); a symbol without a candle waits
        newest_ms : open time of the newest candle there is, by which patience is measured; where
            it is later than `open_ms`, the caller goes through the older ones first
        """
        if not self.signals:
            return []
        picked = candle[:, self._row]
        open_, high, low, close = picked[OPEN], picked[HIGH], picked[LOW], picked[CLOSE]
        close_ms = open_ms + self.duration_ms
        ahead = open_ms - self._done_ms - self.duration_ms
        waited = max(open_ms, newest_ms or 0) - self._done_ms - self.duration_ms
        turn = (ahead >= 0) & ((ahead == 0) | (waited >= self.patience_ms)) & ~np.isnan(close)
        lost = ~turn & (open_ms > self._expires + _VOID_AFTER_MS)
        state, before = self._state, self._state.n_hit.copy()
        self._pay_dues(turn, open_ms)
        waiting = turn & ~self._filled
        price = barriers.touch(self._low, self._high, open_, high, low)
        entering = waiting & ~np.isnan(price) & (open_ms < self._valid)
        state.entry = np.where(entering, price, state.entry)
        inside = entering & (price != open_)
        self._filled_ms = np.where(entering, open_ms, self._filled_ms)
        self._filled |= entering
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
        self._n_missing += np.where(turn, ahead // self.duration_ms, 0)
        self._done_ms = np.where(turn, open_ms, self._done_ms)
        changed = entering | (state.n_hit != before) | ~state.is_open | missed | lost
        return self._report(changed, missed, lost, close_ms, picked)

    def _pay_dues(self, turn: BoolArray, open_ms: int) -> None:
        for row, dues in list(self._dues.items()):
            mine = self._row == row
            for at_ms, rate in dues:
                if at_ms <= open_ms:
                    self._charge(turn & mine & (self._done_ms < at_ms), at_ms, rate)
            behind = int(self._done_ms[mine & ~turn].min(initial=open_ms))
            self._dues[row] = [due for due in dues if due[0] > behind]
            if not self._dues[row]:
                del self._dues[row]

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
            "open_ms": at_ms - self.duration_ms,
            "candle": [float(picked[k, place]) for k in (OPEN, HIGH, LOW, CLOSE)],
            "stop": float(state.stop[place]),
            "targets": [float(t) for t in state.targets[:, place]],
            "n_hit": n_hit,
            "ended": int(state.ended[place]),
            "n_missing": int(self._n_missing[place]),
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
            "n_missing": int(self._n_missing[place]),
        }

    def _keep(self, places: NDArray[np.int64]) -> None:
        self.signals = [self.signals[place] for place in places]
        self._state = self._state.take(places)
        self._filled, self._filled_ms = self._filled[places], self._filled_ms[places]
        self._done_ms, self._n_missing = self._done_ms[places], self._n_missing[places]
        self._columns()
