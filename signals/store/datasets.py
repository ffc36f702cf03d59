"""Long history in columnar files: one Parquet file a symbol, below the storage directory.

Layout: `<storage>/history/<origin>/<timeframe>/<SYMBOL>.parquet` with the columns
`open_time open high low close volume quote_volume trades taker_buy_volume`, and beside it
`open_interest/<SYMBOL>.parquet` and `funding/<SYMBOL>.parquet` with `time value`.
The same layout is what `import_history` and `backtest --data` read, so a missing column is a
missing input, never zeros. Files are replaced whole (write, then rename): a reader never
sees half a file.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe

if TYPE_CHECKING:
    import pyarrow

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

# Panel order; the file's own names in the second place.
COLUMNS: Final = (
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("close", "close"),
    ("volume", "volume"),
    ("quote_volume", "quote_volume"),
    ("taker_buy_volume", "taker_buy_volume"),
    ("n_trades", "trades"),
)
INTEREST: Final = "open_interest"
"""Series of open interest in base quantity, by the time it was measured."""
FUNDING: Final = "funding"
"""Series of settled funding rates, by the time they were settled."""
TAIL_ROWS: Final = 3_000
REQUIRED: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class HistoryFiles:
    """The history of one origin below a storage directory."""

    root: Path
    origin: Origin

    def _candles(self, timeframe: Timeframe, symbol: str) -> Path:
        return self.root / "history" / self.origin / timeframe / f"{symbol}.parquet"

    def _series(self, kind: str, symbol: str) -> Path:
        return self.root / "history" / self.origin / kind / f"{symbol}.parquet"

    def symbols(self, timeframe: Timeframe) -> list[str]:
        """Return the symbols that have candles of `timeframe`, sorted."""
        return sorted(path.stem for path in self._candles(timeframe, "X").parent.glob("*.parquet"))

    def _tail(self, timeframe: Timeframe, symbol: str) -> Path:
        return self._candles(timeframe, symbol).parent / "tail" / f"{symbol}.parquet"

    def write_candles(
        self, timeframe: Timeframe, symbol: str, open_ms: IntArray, values: FloatArray
    ) -> None:
        """Merge candles into the symbol's history; a candle that is there already stays.

        Parameters
        ----------
        open_ms : ndarray of shape (k,)
        values : ndarray of shape (k, 8), the panel's order, NaN where a field is unknown

        A few candles go to a short file of their own, so that a start after a short pause need
        not write years of history anew; when that grows it is merged.
        """
        path, tail = self._candles(timeframe, symbol), self._tail(timeframe, symbol)
        long_ms = _open_times(path) if path.exists() else np.empty(0, np.int64)
        more_ms, more = _tail_beyond(tail, long_ms)
        fresh = ~(_among(open_ms, long_ms) | _among(open_ms, more_ms))
        if not fresh.any():
            return
        more_ms = np.concatenate([more_ms, open_ms[fresh]])
        more = np.concatenate([more, values[fresh]])
        if path.exists() and more_ms.size <= TAIL_ROWS:
            _write_candles(tail, more_ms, more)
            return
        if path.exists():
            held_ms, held = read_candle_file(path)
            more_ms, more = np.concatenate([held_ms, more_ms]), np.concatenate([held, more])
        _write_candles(path, more_ms, more)
        tail.unlink(missing_ok=True)

    def read_candles(self, timeframe: Timeframe, symbol: str) -> tuple[IntArray, FloatArray]:
        """Return what is stored of the symbol; empty arrays where there is nothing."""
        path, tail = self._candles(timeframe, symbol), self._tail(timeframe, symbol)
        if not path.exists():
            return np.empty(0, np.int64), np.empty((0, len(COLUMNS)))
        open_ms, values = read_candle_file(path)
        tail_ms, tail_values = _tail_beyond(tail, open_ms)
        if not tail_ms.size:
            return open_ms, values
        open_ms = np.concatenate([open_ms, tail_ms])
        values = np.concatenate([values, tail_values])
        order = np.argsort(open_ms, kind="stable")
        return open_ms[order], values[order]

    def newest_open_ms(self, timeframe: Timeframe, symbol: str) -> int | None:
        """Return the open time of the newest stored candle, without reading the candles."""
        found = [
            newest
            for path in (self._candles(timeframe, symbol), self._tail(timeframe, symbol))
            if path.exists() and (newest := _newest_open_time(path)) is not None
        ]
        return max(found, default=None)

    def write_series(self, kind: str, symbol: str, at_ms: IntArray, values: FloatArray) -> None:
        """Merge a series (`INTEREST` or `FUNDING`) into the symbol's file."""
        known_ms, known = self.read_series(kind, symbol)
        fresh = ~np.isin(at_ms, known_ms)
        merged_ms = np.concatenate([known_ms, at_ms[fresh]])
        merged = np.concatenate([known, values[fresh]])
        order = np.argsort(merged_ms, kind="stable")
        _write(self._series(kind, symbol), {"time": merged_ms[order], "value": merged[order]})

    def read_series(self, kind: str, symbol: str) -> tuple[IntArray, FloatArray]:
        """Return (times, values) of a series; empty where there is none."""
        path = self._series(kind, symbol)
        if not path.exists():
            return np.empty(0, np.int64), np.empty(0)
        table = _read(path)
        return (
            np.asarray(table.column("time").to_numpy(), dtype=np.int64),
            np.asarray(table.column("value").to_numpy(), dtype=np.float64),
        )


def _tail_beyond(tail: Path, long_ms: IntArray) -> tuple[IntArray, FloatArray]:
    """Return what the short file holds beyond the long one.

    After a merge that was cut short it repeats what the long file holds by now.
    """
    if not tail.exists():
        return np.empty(0, np.int64), np.empty((0, len(COLUMNS)))
    open_ms, values = read_candle_file(tail)
    fresh = ~_among(open_ms, long_ms)
    return open_ms[fresh], values[fresh]


def _among(open_ms: IntArray, held_ms: IntArray) -> NDArray[np.bool_]:
    """Say which of `open_ms` are among `held_ms`, which rise: far quicker than `np.isin`."""
    if not held_ms.size:
        return np.zeros(open_ms.size, bool)
    places = np.minimum(np.searchsorted(held_ms, open_ms), held_ms.size - 1)
    return np.asarray(held_ms[places] == open_ms)


def read_candle_file(path: Path) -> tuple[IntArray, FloatArray]:
    """Return (open times, values of shape (k, 8)) of one Parquet file of candles.

    Raises
    ------
    InvalidInput
        If a required column is missing, times repeat, or a candle is impossible.
    """
    table = _read(path)
    names = set(table.column_names)
    missing = [name for name in ("open_time", *REQUIRED) if name not in names]
    if missing:
        raise InvalidInput(
            f"{path.name}: missing column(s) {', '.join(missing)}; expected open_time, open, "
            "high, low, close, volume and optionally quote_volume, trades, taker_buy_volume"
        )
    open_ms = np.asarray(table.column("open_time").to_numpy(), dtype=np.int64)
    values = np.full((open_ms.size, len(COLUMNS)), np.nan)
    for position, (_, name) in enumerate(COLUMNS):
        if name in names:
            column = table.column(name).to_numpy(zero_copy_only=False)
            values[:, position] = np.asarray(column, dtype=np.float64)
    _check(path, open_ms, values)
    return open_ms, values


def _check(path: Path, open_ms: IntArray, values: FloatArray) -> None:
    if open_ms.size > 1 and not (np.diff(open_ms) > 0).all():
        raise InvalidInput(f"{path.name}: open_time must rise strictly; it repeats or falls")
    known = ~np.isnan(values[:, 3])
    impossible = known & ((values[:, 1] < values[:, 2]) | (values[:, 2] <= 0) | (values[:, 4] < 0))
    if impossible.any():
        raise InvalidInput(
            f"{path.name}: candle {int(open_ms[impossible][0])} is impossible "
            "(high below low, price not above 0, or negative volume)"
        )


def _open_times(path: Path) -> IntArray:
    from pyarrow import parquet

    column = parquet.read_table(path, columns=["open_time"]).column("open_time")
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _newest_open_time(path: Path) -> int | None:
    """Return the last open time, from the file's own statistics where it has them."""
    from pyarrow import ArrowInvalid, parquet

    try:
        held = parquet.ParquetFile(path).metadata
    except (ArrowInvalid, OSError) as error:
        raise InvalidInput(f"{path.name} is not a readable Parquet file: {error}") from error
    if not held.num_rows:
        return None
    statistics = held.row_group(held.num_row_groups - 1).column(0).statistics
    if statistics is not None and statistics.has_min_max:
        return int(statistics.max)  # type: ignore[arg-type]  # the stubs allow None, times have one
    return int(_open_times(path)[-1])


def _write_candles(path: Path, open_ms: IntArray, values: FloatArray) -> None:
    order = np.argsort(open_ms, kind="stable")
    table: dict[str, Any] = {"open_time": open_ms[order]}
    for position, (_, name) in enumerate(COLUMNS):
        table[name] = values[order, position]
    _write(path, table)


def series_matrix(
    files: HistoryFiles, kind: str, symbols: Sequence[str]
) -> tuple[IntArray, FloatArray] | None:
    """Return one series of all symbols on their common times, (k,) and (k, n), or None."""
    parts = [files.read_series(kind, symbol) for symbol in symbols]
    if not any(at.size for at, _ in parts):
        return None
    times = np.unique(np.concatenate([at for at, _ in parts]))
    matrix = np.full((times.size, len(symbols)), np.nan)
    for column, (at, values) in enumerate(parts):
        matrix[np.searchsorted(times, at), column] = values
    return times, matrix


def _read(path: Path) -> "pyarrow.Table":
    from pyarrow import ArrowInvalid, parquet

    try:
        return parquet.read_table(path)
    except (ArrowInvalid, OSError) as error:
        raise InvalidInput(f"{path.name} is not a readable Parquet file: {error}") from error


def _write(path: Path, columns: dict[str, Any]) -> None:
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.part")
    parquet.write_table(pyarrow.table(columns), draft, compression="zstd")
    draft.replace(path)
