"""A folder of recorded markets: `klines/<set>/*.parquet` and `funding/*.parquet`.

What a set does not have is not known: a missing column stays NaN, a hole in time stays a hole.
"""

from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from signals.market.history import History, Series, stack
from signals.store.datasets import COLUMNS, read_candle_file

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

EXCHANGE: Final = "binance"
"""Whose funding is charged; another exchange's payments are not this market's."""


def set_names(data: Path) -> list[str]:
    """Return the names of the sets of candles below `data`, sorted."""
    return sorted(path.name for path in (data / "klines").glob("*") if any(path.glob("*.parquet")))


def read_set(data: Path, name: str) -> History:
    """Read one set on one complete time axis, BTCUSDT first.

    Files of one symbol (`SYMBOL.parquet`, `SYMBOL_2024-02.parquet`) are joined.

    Raises
    ------
    InvalidInput
        If the set is missing, damaged, or of no timeframe that is known.
    """
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((data / "klines" / name).glob("*.parquet")):
        files[path.stem.split("_")[0]].append(path)
    if not files:
        known = ", ".join(set_names(data)) or "none"
        raise InvalidInput(f"{data / 'klines' / name} holds no candles; sets there: {known}")
    symbols = tuple(sorted(files, key=lambda symbol: (symbol != "BTCUSDT", symbol)))
    parts = [_joined(files[symbol]) for symbol in symbols]
    history = stack(symbols, _timeframe_of(name, parts), parts)
    funding = _funding(data, symbols)
    return History(symbols, history.timeframe, history.open_ms, history.candles, None, funding)


def _joined(paths: list[Path]) -> tuple[IntArray, FloatArray]:
    read = [read_candle_file(path) for path in paths]
    open_ms = np.concatenate([times for times, _ in read])
    values = np.concatenate([rows for _, rows in read])
    first = np.unique(open_ms, return_index=True)[1]
    return open_ms[first], values[first].reshape(-1, len(COLUMNS))


def _timeframe_of(name: str, parts: list[tuple[IntArray, FloatArray]]) -> Timeframe:
    steps = [int(np.diff(open_ms).min()) for open_ms, _ in parts if open_ms.size > 1]
    step = min(steps, default=0)
    for timeframe in TIMEFRAMES:
        if timeframe.duration_ms == step:
            return timeframe
    raise InvalidInput(f"{name}: candles {step / 60_000:g} minutes apart are of no known timeframe")


def _funding(data: Path, symbols: tuple[str, ...]) -> Series | None:
    """Return the payments of those symbols whose payments are held; None where none are."""
    from pyarrow import parquet

    rows: dict[tuple[int, int], float] = {}
    for path in sorted((data / "funding").glob("*.parquet")):
        table = parquet.read_table(path)
        if not {"time", "exchange", "symbol", "rate"} <= set(table.column_names):
            raise InvalidInput(f"{path.name}: expected the columns time, exchange, symbol, rate")
        for row in table.to_pylist():
            if row["exchange"] == EXCHANGE and row["symbol"] in symbols:
                rows[int(row["time"]), symbols.index(row["symbol"])] = float(row["rate"])
    if not rows:
        return None
    times = np.unique(np.array([at for at, _ in rows], dtype=np.int64))
    values = np.full((times.size, len(symbols)), np.nan)
    for (at, column), rate in rows.items():
        values[np.searchsorted(times, at), column] = rate
    return Series(times, values)
