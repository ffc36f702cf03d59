"""Recorded markets into the history files, and the symbols they are of into the instruments."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.origin import Origin
from signals.models import Instrument
from signals.services.history import files_of
from signals.store.archives import SUFFIXES, RecordedSeries, read_recorded

_SAMPLE = 5_000
_LADDER = [[0.0, 5_000.0, 20, 0.025, 0.0], [5_000.0, 25_000.0, 10, 0.05, 125.0]]


@dataclass(frozen=True, slots=True)
class Imported:
    """One file that was read."""

    symbol: str
    what: str
    """Its candles' timeframe, or the series it holds."""
    n_rows: int


def import_path(path: Path, origin: Origin) -> list[Imported]:
    """Import a file, or every file of a directory.

    Raises
    ------
    InvalidInput
        If there is nothing to read, or a file cannot be used; files before it are imported.
    """
    if not path.exists():
        raise InvalidInput(f"{path} does not exist")
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    files = [file for file in found if file.suffix in SUFFIXES]
    if not files:
        raise InvalidInput(f"{path}: nothing to import; expected {', '.join(SUFFIXES)} files")
    history, done = files_of(origin), []
    for file in files:
        recorded = read_recorded(file)
        if isinstance(recorded, RecordedSeries):
            history.write_series(recorded.kind, recorded.symbol, recorded.at_ms, recorded.values)
            what = recorded.kind.replace("_", " ")
            done.append(Imported(recorded.symbol, what, int(recorded.at_ms.size)))
            continue
        history.write_candles(
            recorded.timeframe, recorded.symbol, recorded.open_ms, recorded.values
        )
        _know_instrument(origin, recorded.symbol, recorded.values)
        what = f"{recorded.timeframe} candles"
        done.append(Imported(recorded.symbol, what, int(recorded.open_ms.size)))
    return done


def _know_instrument(origin: Origin, symbol: str, values: NDArray[np.float64]) -> None:
    """Note a symbol nobody has described yet, with the tick its prices show and a cautious ladder."""
    Instrument.objects.get_or_create(
        origin=origin,
        symbol=symbol,
        defaults={
            "base_asset": symbol.removesuffix("USDT"),
            "tick_size": tick_of(values[:, :4]),
            "step_size": tick_of(values[:, 4:5]),
            "min_notional": Decimal(5),
            "brackets": _LADDER,
        },
    )


def tick_of(values: NDArray[np.float64]) -> Decimal:
    """Return the coarsest power of ten that all values are multiples of (1 at the most)."""
    sample = values[:: max(1, values.shape[0] // _SAMPLE)].ravel()
    sample = sample[~np.isnan(sample)]
    for decimals in range(9):
        scaled = sample * 10**decimals
        if np.allclose(scaled, np.rint(scaled), rtol=0, atol=1e-4):
            return Decimal(1).scaleb(-decimals)
    return Decimal("1E-8")
