"""Recorded candles as others keep them: Parquet files, and Binance's bulk archives.

Source of the archives' columns: binance-public-data; old files have no header row, newer ones
do, so the first field decides. Futures times are milliseconds.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from signals.store.datasets import read_candle_file

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_NAME: Final = re.compile(r"^(?P<symbol>[^-_.]+)-(?P<interval>1m|5m|15m|1h|4h|1d)-\d{4}-\d{2}")
# Columns of the archive in the panel's order: o h l c volume quote taker-buy trades.
_ARCHIVE_COLUMNS: Final = (1, 2, 3, 4, 5, 7, 9, 8)
_MICROSECONDS: Final = 10**14
SUFFIXES: Final = (".parquet", ".csv", ".zip")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Candles of one file: (k,) times and (k, 8) values in the panel's order, NaN where unknown."""

    symbol: str
    timeframe: Timeframe
    open_ms: IntArray
    values: FloatArray


def read_recorded(path: Path) -> Recorded:
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
    named = _NAME.match(path.name)
    if named is None:
        raise InvalidInput(
            f"{path.name}: expected a name like BTCUSDT-1m-2024-02.zip, with symbol and interval"
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


def _read_archive(path: Path) -> tuple[IntArray, FloatArray]:
    try:
        text = path.read_bytes() if path.suffix == ".csv" else _unzip(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path.name} cannot be read: {error}") from error
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
