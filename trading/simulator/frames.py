"""Recorded frames, played again as they were: same bytes, same streams, their own timing.

A recording is a directory of `*.jsonl` or `*.jsonl.gz` files, one message a line:
`{"recv_ns": when it was received or null, "msg": {"stream": ..., "data": ...}}`. A line whose
message has no stream is an answer of REST; with `"url"` it says which one. Instruments come
from a recorded `exchangeInfo`, else from the prices themselves; books from recorded snapshots
and diffs, candles from recorded klines, else from trades. What a client asks for beyond the
recording is derived from it, and `/sim/info` says so.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import numpy as np

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.instruments import InstrumentRules
from trading.simulator.books import Snapshot
from trading.simulator.feed import Columns, Happenings, OnlyRecorded
from trading.simulator.recorded_book import RecordedBook
from trading.simulator.replay import tick_of
from trading.simulator.tape import (
    MINUTE_MS,
    N_TAPE,
    T_BUY,
    T_CLOSE,
    T_HIGH,
    T_LOW,
    T_OPEN,
    T_QUOTE,
    T_TRADES,
    T_VOLUME,
    IntArray,
    Scale,
    Tape,
)
from trading.simulator.universe import brackets_for

_TRADES: Final = ("aggTrade", "trade")
_BOOK_BEAT_MS: Final = 50


@dataclass(frozen=True, slots=True)
class Frame:
    """One recorded message of a stream; `text` is its payload."""

    at_ms: int
    stream: str
    text: str
    data: Any


def frame_files(directory: Path) -> list[Path]:
    """Return the frame files of a directory, by name; none if it holds no frames."""
    found = [*directory.glob("*.jsonl"), *directory.glob("*.jsonl.gz")]
    return sorted(found)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            try:
                row = json.loads(line)
                row["msg"].get("stream")
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InvalidInput(
                    f'{file.name}:{number} must be {{"recv_ns": …, "msg": {{…}}}}: {error}'
                ) from error
            yield row


@dataclass(slots=True)
class Recording:
    """All that a directory holds, in the order of time."""

    frames: list[Frame]
    contracts: dict[str, dict[str, Any]]
    """Rows of a recorded `exchangeInfo`."""
    snapshots: dict[str, dict[str, Any]]
    """The first recorded book of each symbol."""


def read_recording(directory: Path) -> Recording:
    """Read every frame file of a directory.

    Raises
    ------
    InvalidInput
        If there is no frame in it, or a line cannot be read.
    """
    out = Recording([], {}, {})
    for file in frame_files(directory):
        received: list[tuple[int | None, dict[str, Any]]] = []
        for row in _lines(file):
            message = row["msg"]
            if "stream" in message:
                received.append((row.get("recv_ns"), message))
            else:
                _keep_answer(out, str(row.get("url", "")), message)
        out.frames += _timed(received)
    if not out.frames:
        raise InvalidInput(f"--replay: no recorded frame in {directory}")
    out.frames.sort(key=lambda frame: frame.at_ms)
    named = {symbol for frame in out.frames if (symbol := _symbol(frame.data))}
    if "" in out.snapshots and len(named) == 1:
        out.snapshots[named.pop()] = out.snapshots.pop("")
    return out


def _keep_answer(out: Recording, url: str, message: dict[str, Any]) -> None:
    if "symbols" in message:
        out.contracts.update({row["symbol"]: row for row in message["symbols"]})
    elif "lastUpdateId" in message:
        symbol = parse_qs(urlsplit(url).query).get("symbol", [""])[0]
        out.snapshots.setdefault(symbol, message)


def _timed(received: list[tuple[int | None, dict[str, Any]]]) -> list[Frame]:
    """Put frames on the exchange's clock: by when they came, less how far our clock was off."""
    lags = [
        message["data"]["E"] - at_ns / 1e6
        for at_ns, message in received
        if at_ns is not None and isinstance(message["data"], dict) and "E" in message["data"]
    ]
    lag_ms = median(lags) if lags else 0.0
    frames = []
    for at_ns, message in received:
        data = message["data"]
        told = int((data[0] if isinstance(data, list) else data).get("E", 0))
        at_ms = told if at_ns is None else int(at_ns / 1e6 + lag_ms)
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        frames.append(Frame(at_ms, message["stream"], text, data))
    return frames


def _symbol(data: Any) -> str:
    if not isinstance(data, dict):
        return ""
    return str(data.get("s") or data.get("o", {}).get("s", ""))


def _prices(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (price, quantity) texts of a frame, for tick and step."""
    kind = data.get("e")
    if kind in _TRADES:
        return [(data["p"], data["q"])]
    if kind == "bookTicker":
        return [(data["b"], data["B"]), (data["a"], data["A"])]
    if kind == "kline":
        return [(data["k"][key], data["k"]["v"]) for key in "ohlc"]
    if kind == "forceOrder":
        return [(data["o"]["p"], data["o"]["q"])]
    return []


def _minute_of(data: Any, at_ms: int) -> int:
    """Return the minute a payload belongs to by its own time."""
    if not isinstance(data, dict):
        return at_ms // MINUTE_MS * MINUTE_MS
    if data.get("e") == "kline":
        return int(data["k"]["t"])
    return int(data.get("T", at_ms)) // MINUTE_MS * MINUTE_MS


class FrameWorld(OnlyRecorded):
    """A recording behind the exchange."""

    beat_ms = _BOOK_BEAT_MS

    def __init__(self, directory: Path) -> None:
        recording = read_recording(directory)
        self._frames = recording.frames
        self._next = 0
        symbols = sorted({s for f in self._frames if (s := _symbol(f.data))})
        self.rules = [self._rules_of(symbol, recording) for symbol in symbols]
        self.n = len(self.rules)
        self._place = {rules.symbol: i for i, rules in enumerate(self.rules)}
        self.scales = [Scale.of(rules) for rules in self.rules]
        self.recorded_streams = frozenset(frame.stream for frame in self._frames)
        self.begin_ms, self.end_ms = self._frames[0].at_ms, self._frames[-1].at_ms + 1
        self.now_ms = self.begin_ms
        first = self.begin_ms - self.begin_ms % MINUTE_MS
        self._klines = {
            symbol
            for f in self._frames
            if isinstance(f.data, dict) and f.data.get("e") == "kline" and f.data["k"]["i"] == "1m"
            if (symbol := f.data["s"])
        }
        self._final = self._final_minutes(first)
        self.tape = Tape(self.scales, first, self._final.shape[1])
        self._books = {
            self._place[symbol]: RecordedBook(answer, self.scales[self._place[symbol]])
            for symbol, answer in recording.snapshots.items()
            if symbol in self._place
        }
        self._marked = np.zeros(self.n, dtype=bool)
        self.columns = self._start()
        self._derive_marks()

    # --- set-up -----------------------------------------------------------------------------

    def _rules_of(self, symbol: str, recording: Recording) -> InstrumentRules:
        row = recording.contracts.get(symbol)
        if row is not None:
            filters = {f["filterType"]: f for f in row["filters"]}
            tick, step = filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]
            least = filters.get("MIN_NOTIONAL", {}).get("notional", "5")
        else:
            seen = [
                pair for f in self._frames if _symbol(f.data) == symbol for pair in _prices(f.data)
            ][:5_000] or [("1", "1")]
            columns = np.array(seen, dtype=np.float64)
            tick, step = (str(tick_of(columns[:, k, None].repeat(4, axis=1))) for k in (0, 1))
            least = "5"
        return InstrumentRules(
            symbol=symbol,
            base_asset=symbol.removesuffix("USDT"),
            tick_size=Decimal(tick),
            step_size=Decimal(step),
            min_notional=Decimal(least),
            brackets=brackets_for(50, 10_000.0),
        )

    def _final_minutes(self, first_ms: int) -> IntArray:
        """Return every minute as the whole recording has it, (n, minutes, 8)."""
        count = (self.end_ms - first_ms) // MINUTE_MS + 1
        out = np.zeros((self.n, count, N_TAPE), dtype=np.int64)
        for frame in self._frames:
            place = self._place.get(_symbol(frame.data), -1)
            at_ms = _minute_of(frame.data, frame.at_ms)
            where = (at_ms - first_ms) // MINUTE_MS
            if place >= 0 and 0 <= where < count:
                self._add(out[place, where], place, frame.data)
        return out

    def _add(self, row: IntArray, place: int, data: dict[str, Any]) -> None:
        """Bring a minute up to date with a kline of it, or with a trade in it."""
        scale, kind = self.scales[place], data.get("e")
        if kind == "kline" and data["k"]["i"] == "1m":
            k = data["k"]
            row[:4] = [round(float(k[key]) / scale.tick) for key in "ohlc"]
            row[T_VOLUME], row[T_BUY] = (round(float(k[key]) / scale.step) for key in "vV")
            row[T_TRADES], row[T_QUOTE] = int(k["n"]), round(float(k["q"]) * 100)
        elif kind in _TRADES and self.rules[place].symbol not in self._klines:
            price, quantity = float(data["p"]), float(data["q"])
            ticks, steps = round(price / scale.tick), round(quantity / scale.step)
            if ticks <= 0 or steps <= 0:
                return  # the raw trade stream carries empty prints
            if row[T_CLOSE] == 0:
                row[T_OPEN] = row[T_HIGH] = row[T_LOW] = ticks
            row[T_HIGH], row[T_LOW] = max(row[T_HIGH], ticks), min(row[T_LOW], ticks)
            row[T_CLOSE] = ticks
            row[T_VOLUME] += steps
            row[T_BUY] += 0 if data["m"] else steps
            row[T_TRADES] += int(data.get("l", 0)) - int(data.get("f", 0)) + 1
            row[T_QUOTE] += round(price * quantity * 100)

    def _start(self) -> Columns:
        nan = np.full(self.n, np.nan)
        for frame in reversed(self._frames):
            place = self._place.get(_symbol(frame.data), -1)
            if place >= 0 and (known := _prices(frame.data)):
                nan[place] = float(known[0][0])  # ends as the first price of each
        tick = np.array([scale.tick for scale in self.scales])
        return Columns(
            price=nan,
            mark=nan.copy(),
            index=nan.copy(),
            funding_rate=np.full(self.n, np.nan),
            next_funding_ms=np.zeros(self.n, dtype=np.int64),
            open_interest=np.full(self.n, np.nan),
            spread=np.maximum(0.5 * tick / nan, 0.5e-4),
            depth=np.full(self.n, 1_000.0) * [scale.step for scale in self.scales],
            imbalance=np.zeros(self.n),
            forming=np.zeros((self.n, N_TAPE), dtype=np.int64),
        )

    # --- playing ----------------------------------------------------------------------------

    @property
    def has_ended(self) -> bool:
        return self._next >= len(self._frames)

    def advance(self, to_ms: int) -> Happenings:
        happened = Happenings()
        while self._next < len(self._frames) and self._frames[self._next].at_ms <= to_ms:
            frame = self._frames[self._next]
            self._next += 1
            self._close_minutes(frame.at_ms, happened)
            happened.frames.append((frame.stream, frame.text))
            self._apply(frame)
        self._close_minutes(min(to_ms, self.end_ms), happened)
        self._derive_marks()
        self.now_ms = max(self.now_ms, to_ms)
        return happened

    def _derive_marks(self) -> None:
        """Where no mark price was recorded the last price stands for it."""
        columns, bare = self.columns, ~self._marked
        columns.mark[bare] = columns.index[bare] = columns.price[bare]

    def _close_minutes(self, at_ms: int, happened: Happenings) -> None:
        while self.tape.next_ms + MINUTE_MS <= at_ms:
            minute_ms = self.tape.next_ms
            self.tape.append(self._final[:, self.tape.n_minutes][:, None])
            self.columns.forming[:] = 0
            happened.closed.append(minute_ms)

    def _apply(self, frame: Frame) -> None:
        rows = frame.data if isinstance(frame.data, list) else [frame.data]
        for data in rows:
            place = self._place.get(_symbol(data), -1)
            if place >= 0:
                self._apply_to(place, data, frame.at_ms)

    def _apply_to(self, place: int, data: dict[str, Any], at_ms: int) -> None:
        columns, kind = self.columns, data.get("e")
        if _minute_of(data, at_ms) == self.tape.next_ms:
            self._add(columns.forming[place], place, data)
        if kind == "markPriceUpdate":
            self._marked[place] = True
            columns.mark[place], columns.index[place] = float(data["p"]), float(data["i"])
            columns.funding_rate[place] = float(data["r"] or "nan")
            columns.next_funding_ms[place] = int(data["T"])
        elif kind == "depthUpdate" and place in self._books:
            self._books[place].apply(data)
        elif kind != "forceOrder" and (known := _prices(data)) and float(known[-1][0]) > 0:
            columns.price[place] = float(known[-1][0])

    # --- what is asked ------------------------------------------------------------------------

    def recorded_book(self, symbol: int) -> Snapshot | None:
        book = self._books.get(symbol)
        return None if book is None else book.snapshot()

    def checkpoint(self) -> None:
        """Nothing to keep: the recording is on disk already."""

    def info(self) -> dict[str, Any]:
        marks = any(stream.startswith("!markPrice") for stream in self.recorded_streams)
        return {
            "world": "frames",
            "begin_ms": self.begin_ms,
            "end_ms": self.end_ms,
            "frames": len(self._frames),
            "ended": self.has_ended,
            "derived": [
                "every stream that was not recorded",
                *([] if marks else ["mark price where none was recorded: the last price"]),
                *([] if len(self._books) == self.n else ["books without a recorded snapshot"]),
                *([] if self._klines else ["candles, from recorded trades"]),
            ],
        }
