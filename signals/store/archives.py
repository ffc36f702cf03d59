"""Recorded markets as others keep them: Parquet candles, and Binance's bulk archives.

Source of the archives' columns: binance-public-data; old files have no header row, newer ones
do, so the first field decides. Futures times are milliseconds; `metrics` has them as text.
"""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.clock import to_ms
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from signals.store.datasets import FUNDING, INTEREST, read_candle_file

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_NAME: Final = re.compile(r"^(?P<symbol>[^-_.]+)-(?P<interval>1m|5m|15m|1h|4h|1d)-\d{4}-\d{2}")
# Columns of the archive in the panel's order: o h l c volume quote taker-buy trades.
_ARCHIVE_COLUMNS: Final = (1, 2, 3, 4, 5, 7, 9, 8)
_SERIES_NAME: Final = re.compile(r"^(?P<symbol>[^-_.]+)-(?P<kind>metrics|fundingRate)-\d{4}-\d{2}")
# Series of an archive kind: its name here, and the columns of the time and the value.
_SERIES: Final = {"metrics": (INTEREST, 0, 2), "fundingRate": (FUNDING, 0, 2)}
_MICROSECONDS: Final = 10**14
SUFFIXES: Final = (".parquet", ".csv", ".zip")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Candles of one file: (k,) times and (k, 8) values in the panel's order, NaN where unknown."""

    symbol: str
    timeframe: Timeframe
    open_ms: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class RecordedSeries:
    """Open interest or funding of one file: (k,) times and (k,) values."""

    symbol: str
    kind: str
    at_ms: IntArray
    values: FloatArray


def read_recorded(path: Path) -> Recorded | RecordedSeries:
    """Read one file.

    Raises
    ------
    InvalidInput
        If its name, its columns or a candle cannot be used.
    """
    if path.suffix == ".parquet":
        open_ms, values = read_candle_file(path)
        symbol = path.stem.upper().split("_")[0].split("-")[0]
        return Recorded(symbol, _step_of(path, open_ms), open_ms, values)
    if path.suffix not in SUFFIXES:
        raise InvalidInput(f"{path.name}: expected {', '.join(SUFFIXES)}")
    series = _SERIES_NAME.match(path.name)
    if series is not None:
        return _read_series(path, series["symbol"].upper(), *_SERIES[series["kind"]])
    named = _NAME.match(path.name)
    if named is None:
        raise InvalidInput(
            f"{path.name}: expected a name like BTCUSDT-1m-2024-02.zip, with symbol and interval, "
            "or BTCUSDT-metrics-2024-02-01.zip or BTCUSDT-fundingRate-2024-02.zip"
        )
    open_ms, values = _read_archive(path)
    return Recorded(named["symbol"].upper(), Timeframe(named["interval"]), open_ms, values)


def _step_of(path: Path, open_ms: IntArray) -> Timeframe:
    if open_ms.size < 2:
        raise InvalidInput(f"{path.name}: at least two candles are needed to tell their length")
    step = int(np.median(np.diff(open_ms)))
    for timeframe in TIMEFRAMES:
        if timeframe.duration_ms == step:
            return timeframe
    raise InvalidInput(
        f"{path.name}: candles are {step // 1000} s apart; expected one of "
        + ", ".join(timeframe.value for timeframe in TIMEFRAMES)
    )


def _read_series(path: Path, symbol: str, kind: str, time: int, value: int) -> RecordedSeries:
    held: dict[int, float] = {}
    rows = csv.reader(io.StringIO(_text_of(path).decode("utf-8", "replace")))
    for number, row in enumerate(rows, start=1):
        if not row or (number == 1 and not row[0][:1].isdigit()):
            continue
        try:
            at_ms, found = _time_of(row[time]), float(row[value])
        except (ValueError, IndexError) as error:
            raise InvalidInput(f"{path.name}, line {number}: {error}") from error
        # Some archives repeat their rows.
        held[at_ms] = found
    at = np.array(sorted(held), dtype=np.int64)
    return RecordedSeries(symbol, kind, at, np.array([held[at_ms] for at_ms in at.tolist()]))


def _time_of(text: str) -> int:
    if text.isdigit():
        return int(text)
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def _text_of(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.suffix == ".csv" else _unzip(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path.name} cannot be read: {error}") from error


def _read_archive(path: Path) -> tuple[IntArray, FloatArray]:
    text = _text_of(path)
    has_header = not text[:1].isdigit()
    try:
        table = np.loadtxt(io.BytesIO(text), delimiter=",", skiprows=int(has_header), ndmin=2)
    except ValueError as error:
        raise InvalidInput(f"{path.name} is not a table of numbers: {error}") from error
    if table.shape[1] < 11:
        raise InvalidInput(f"{path.name}: expected 12 columns of klines, found {table.shape[1]}")
    open_ms = table[:, 0].astype(np.int64)
    if open_ms.size and open_ms[0] > _MICROSECONDS:
        open_ms //= 1000
    return open_ms, np.ascontiguousarray(table[:, _ARCHIVE_COLUMNS])


def _unzip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        if len(names) != 1:
            raise InvalidInput(f"{path.name}: expected one .csv inside, found {len(names)}")
        return archive.read(names[0])
