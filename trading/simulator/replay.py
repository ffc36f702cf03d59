"""Recorded markets, played again through the same wire.

Every Parquet file of candles below a directory is a market. Files may cover different months:
each symbol is shifted by whole weeks, so that all of them run side by side with weekday and
hour true; the shift is told in `exchangeInfo` (`replayShiftMs`) and in `/sim/info`. The first
part of the time that all of them cover is served as history, the rest is played. Trades, book and mark price
inside a candle are derived from it, and `/sim/info` says so; open interest, funding and
liquidations are not invented.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.instruments import InstrumentRules
from trading.simulator.books import Snapshot
from trading.simulator.feed import BEAT_MS, Columns, Happenings, OnlyRecorded, path
from trading.simulator.tape import MINUTE_MS, N_TAPE, T_CLOSE, Scale, Tape
from trading.simulator.universe import brackets_for

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

WEEK_MS: Final = 7 * 86_400_000
HISTORY_SHARE: Final = 2 / 3
HOLE_MS: Final = 86_400_000
"""A longer hole parts two recordings of a symbol: what lies before it is history."""
MOST_MINUTES: Final = 100_000_000
"""Of all symbols together; each takes 128 bytes of memory."""
_REQUIRED: Final = ("open_time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Recording:
    """One symbol's candles: times (k,) ms, and (k, 8) open high low close volume quote trades buy."""

    symbol: str
    step_ms: int
    open_ms: IntArray
    values: FloatArray
    has_taker: bool


def read_recordings(directory: Path) -> list[Recording]:
    """Read every candle file below a directory; several files of one symbol are joined.

    Raises
    ------
    InvalidInput
        If there is none, or one cannot be read.
    """
    if not directory.is_dir():
        raise InvalidInput(f"--replay needs a directory of Parquet candles; {directory} is not one")
    parts: dict[str, list[Recording]] = {}
    for file in sorted(directory.glob("*.parquet")):
        part = _read(file)
        parts.setdefault(part.symbol, []).append(part)
    if not parts:
        raise InvalidInput(f"--replay: no .parquet file in {directory}")
    return [_join(symbol, found) for symbol, found in sorted(parts.items())]


def _read(file: Path) -> Recording:
    from pyarrow import ArrowInvalid, parquet

    try:
        table = parquet.read_table(file)
    except (ArrowInvalid, OSError) as error:
        raise InvalidInput(f"{file.name} is not a readable Parquet file: {error}") from error
    names = set(table.column_names)
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        raise InvalidInput(f"{file.name}: missing column(s) {', '.join(missing)}")
    open_ms = np.asarray(table.column("open_time").to_numpy(), dtype=np.int64)
    if open_ms.size < 3 or not (np.diff(open_ms) > 0).all():
        raise InvalidInput(f"{file.name}: open_time must rise strictly over at least 3 candles")
    values = np.zeros((open_ms.size, N_TAPE))
    for place, name in enumerate(
        ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume")
    ):
        if name in names:
            column = table.column(name).to_numpy(zero_copy_only=False)
            values[:, place] = np.nan_to_num(np.asarray(column, dtype=np.float64))
    if "quote_volume" not in names:
        values[:, 5] = values[:, 4] * values[:, :4].mean(axis=1)
    symbol = file.stem.upper().replace("-", "_").split("_")[0]
    step_ms = int(np.median(np.diff(open_ms)))
    return Recording(symbol, step_ms, open_ms, values, "taker_buy_volume" in names)


def _join(symbol: str, parts: list[Recording]) -> Recording:
    if len({part.step_ms for part in parts}) > 1:
        raise InvalidInput(f"{symbol}: its files have candles of different lengths")
    open_ms = np.concatenate([part.open_ms for part in parts])
    values = np.concatenate([part.values for part in parts])
    order = np.argsort(open_ms, kind="stable")
    keep = np.concatenate([[True], np.diff(open_ms[order]) > 0])
    chosen = order[keep]
    has_taker = all(part.has_taker for part in parts)
    return Recording(symbol, parts[0].step_ms, open_ms[chosen], values[chosen], has_taker)


def align(recordings: list[Recording]) -> dict[str, int]:
    """Return each symbol's shift in whole weeks, ms, so that all recordings end together."""
    latest = max(int(r.open_ms[-1]) for r in recordings)
    return {r.symbol: round((latest - int(r.open_ms[-1])) / WEEK_MS) * WEEK_MS for r in recordings}


def stretch_start(recording: Recording) -> int:
    """Return where its last stretch without a hole of a day begins, ms."""
    holes = np.flatnonzero(np.diff(recording.open_ms) > HOLE_MS)
    return int(recording.open_ms[holes[-1] + 1 if holes.size else 0])


def tick_of(values: FloatArray) -> Decimal:
    """Return the coarsest power of ten (or half of one) that all prices are multiples of."""
    sample = values[:: max(1, values.shape[0] // 5_000), :4].ravel()
    for decimals in range(9):
        scaled = sample * 10**decimals
        if np.allclose(scaled, np.rint(scaled), rtol=0, atol=1e-4):
            return Decimal(1).scaleb(-decimals)
    return Decimal("0.00000001")


class ReplayWorld(OnlyRecorded):
    """Recorded minutes behind the exchange; a longer candle is cut into minutes, marked derived."""

    beat_ms = BEAT_MS
    recorded_streams: frozenset[str] = frozenset()

    def __init__(
        self,
        directory: Path,
        *,
        history_share: float = HISTORY_SHARE,
        symbols: int | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.recordings = read_recordings(directory)[: symbols or None]
        self.shifts = align(self.recordings)
        self.n = len(self.recordings)
        self.rules = [self._rules_of(recording) for recording in self.recordings]
        self.scales = [Scale.of(rules) for rules in self.rules]
        self._tick = np.array([scale.tick for scale in self.scales])
        starts = [int(r.open_ms[0]) + self.shifts[r.symbol] for r in self.recordings]
        ends = [int(r.open_ms[-1]) + self.shifts[r.symbol] + r.step_ms for r in self.recordings]
        self.start_ms, self.end_ms = min(starts), max(ends)
        minutes = self.n * (self.end_ms - self.start_ms) // MINUTE_MS
        if minutes > MOST_MINUTES:
            raise InvalidInput(
                f"{self.n} recordings side by side are {minutes / 1e6:.0f} million minutes; at most "
                f"{MOST_MINUTES / 1e6:.0f} million are played at once: choose fewer or shorter files"
            )
        self._minutes = self._all_minutes()
        share = min(max(history_share, 0.0), 0.99)
        # Counted from when all of them are there; what some have from before is history alone.
        together = max(stretch_start(r) + self.shifts[r.symbol] for r in self.recordings)
        cut = together + int((self.end_ms - together) * share)
        first_ms = cut - cut % 3_600_000
        self._keep = None if data_dir is None else data_dir / "position.json"
        self._identity = [sorted(self.shifts.items()), self.start_ms, self.end_ms, first_ms]
        self.begin_ms = self._kept_position() or first_ms
        """Where playing starts: where it stood when it was stopped, if it was played before."""
        held = (self.begin_ms - self.start_ms) // MINUTE_MS
        self.tape = Tape(self.scales, self.start_ms, self._minutes.shape[1])
        self.tape.append(self._minutes[:, :held])
        self.now_ms = self.begin_ms
        self._last = self._last_prices(held)
        self.columns = self._columns()

    def _rules_of(self, recording: Recording) -> InstrumentRules:
        volumes = recording.values[:: max(1, recording.values.shape[0] // 5_000), 4]
        whole = np.allclose(volumes, np.rint(volumes), atol=1e-6)
        thousandth = np.allclose(volumes * 10, np.rint(volumes * 10), atol=1e-5)
        step = Decimal("1") if whole else Decimal("0.1") if thousandth else Decimal("0.001")
        return InstrumentRules(
            symbol=recording.symbol,
            base_asset=recording.symbol.removesuffix("USDT"),
            tick_size=tick_of(recording.values),
            step_size=step,
            min_notional=Decimal("5"),
            brackets=brackets_for(50, 10_000.0),
        )

    def _all_minutes(self) -> IntArray:
        count = (self.end_ms - self.start_ms) // MINUTE_MS
        out = np.zeros((self.n, count, N_TAPE), dtype=np.int64)
        for i, recording in enumerate(self.recordings):
            scale = self.scales[i]
            places = (
                recording.open_ms + self.shifts[recording.symbol] - self.start_ms
            ) // MINUTE_MS
            per = recording.step_ms // MINUTE_MS
            values = recording.values if per == 1 else split_candles(recording.values, per)
            at = (places[:, None] + np.arange(per)).ravel()
            rows = np.empty((at.size, N_TAPE), dtype=np.int64)
            rows[:, :4] = np.rint(values[:, :4] / scale.tick)
            volume = np.rint(values[:, 4] / scale.step)
            rows[:, 4] = volume
            rows[:, 5] = np.minimum(volume, np.rint(values[:, 7] / scale.step))
            rows[:, 6] = np.rint(values[:, 6])
            rows[:, 7] = np.rint(values[:, 5] * 100)
            out[i, at] = rows
        return out

    def _last_prices(self, place: int) -> FloatArray:
        out = np.full(self.n, np.nan)
        for i in range(self.n):
            known = np.nonzero(self._minutes[i, :place, T_CLOSE])[0]
            if known.size:
                out[i] = self._minutes[i, known[-1], T_CLOSE] * self._tick[i]
        return out

    @property
    def has_ended(self) -> bool:
        return self.now_ms >= self.end_ms

    def advance(self, to_ms: int) -> Happenings:
        happened = Happenings()
        to_ms = min(to_ms, self.end_ms)
        while self.tape.next_ms + MINUTE_MS <= to_ms:
            minute_ms, place = self.tape.next_ms, self.tape.n_minutes
            minute = self._minutes[:, place]
            traded = minute[:, T_CLOSE] > 0
            self._last[traded] = minute[traded, T_CLOSE] * self._tick[traded]
            self.tape.append(minute[:, None])
            happened.closed.append(minute_ms)
        if happened.closed:
            self.checkpoint()
        self.now_ms = max(self.now_ms, to_ms)
        self.columns = self._columns()
        return happened

    def _columns(self) -> Columns:
        place = min(self.tape.n_minutes, self._minutes.shape[1] - 1)
        minute = self._minutes[:, place]
        share = min(1.0, max(0.0, (self.now_ms - self.tape.next_ms) / MINUTE_MS))
        known = (minute[:, T_CLOSE] > 0) & (not self.has_ended)
        shown = minute.astype(np.float64)
        opened, highest, lowest, closed = shown[:, :4].T
        price, top, bottom = path(opened, highest, lowest, closed, share)
        forming = np.zeros((self.n, N_TAPE), dtype=np.int64)
        forming[:, 0] = minute[:, 0]
        for column, value in ((1, top), (2, bottom), (3, price)):
            forming[:, column] = np.rint(value)
        forming[:, 4:] = minute[:, 4:] * share
        forming[~known] = 0
        last = np.where(known, np.rint(price) * self._tick, self._last)
        nan = np.full(self.n, np.nan)
        hour_volume = np.maximum(shown[:, 4] * [s.step for s in self.scales], 1e-9)
        return Columns(
            price=last,
            mark=last.copy(),
            index=last.copy(),
            funding_rate=nan,
            next_funding_ms=np.zeros(self.n, dtype=np.int64),
            open_interest=nan,
            spread=np.maximum(0.5 * self._tick / last, 0.5e-4),
            depth=hour_volume * 20,
            imbalance=np.zeros(self.n),
            forming=forming,
        )

    def recorded_book(self, symbol: int) -> Snapshot | None:
        return None

    def checkpoint(self) -> None:
        """Keep how far the recording was played: time goes on from there, never back."""
        if self._keep is None:
            return
        self._keep.parent.mkdir(parents=True, exist_ok=True)
        draft = self._keep.with_suffix(".part")
        draft.write_text(json.dumps({"of": self._identity, "at_ms": self.tape.next_ms}))
        draft.replace(self._keep)

    def _kept_position(self) -> int | None:
        if self._keep is None or not self._keep.exists():
            return None
        try:
            held = json.loads(self._keep.read_text())
            same, at_ms = held["of"] == json.loads(json.dumps(self._identity)), int(held["at_ms"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if same and at_ms >= self.end_ms:
            raise InvalidInput(
                f"the recording was played to its end; to play it anew, remove {self._keep.parent} "
                "and what the engine stored from it"
            )
        return at_ms if same else None

    def info(self) -> dict[str, Any]:
        return {
            "world": "replay",
            "shifts_ms": self.shifts,
            "begin_ms": self.begin_ms,
            "end_ms": self.end_ms,
            "ended": self.has_ended,
            "derived": [
                "trades",
                "book",
                "mark price",
                "path within a candle",
                *sorted({"1m candles" for r in self.recordings if r.step_ms > MINUTE_MS}),
                *sorted({"taker volume unknown" for r in self.recordings if not r.has_taker}),
            ],
        }


def split_candles(values: FloatArray, per: int) -> FloatArray:
    """Cut candles into `per` minutes along the same path as within a candle, (k·per, 8).

    Open, high, low, close and volume of the whole are kept; the rest is even.
    """
    open_, high, low, close = values[:, 0], values[:, 1], values[:, 2], values[:, 3]
    out = np.empty((values.shape[0], per, N_TAPE))
    before, top_before, bottom_before = open_, open_, open_
    for minute in range(per):
        now, top, bottom = path(open_, high, low, close, (minute + 1) / per)
        out[:, minute, 0], out[:, minute, 3] = before, now
        # Only what this minute added to the range lies in it.
        out[:, minute, 1] = np.maximum(np.maximum(before, now), np.where(top > top_before, top, 0))
        fresh_low = np.where(bottom < bottom_before, bottom, np.inf)
        out[:, minute, 2] = np.minimum(np.minimum(before, now), fresh_low)
        before, top_before, bottom_before = now, top, bottom
    out[:, :, 4:] = (values[:, 4:] / per)[:, None]
    return out.reshape(-1, N_TAPE)
