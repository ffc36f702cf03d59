"""Where one market's data lives: recordings get storage of their own, side by side."""

from pathlib import Path

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.identifiers import canonical_json, sha256_hex

_SHORT = 10


def recording_key(directory: Path) -> str:
    """Return a short name for the recordings in `directory`, from their names and sizes.

    Raises
    ------
    InvalidInput
        If it is not a directory.
    """
    if not directory.is_dir():
        raise InvalidInput(f"--replay needs a directory of recordings; {directory} is not one")
    files = sorted([path.name, path.stat().st_size] for path in directory.iterdir())
    return sha256_hex(canonical_json(files))[:_SHORT]


def recording_timeframe(directory: Path) -> str:
    """Return the candle length of the recordings: the shortest that all files have, 1m at least.

    Longer recordings are served as derived minutes too, but learning from the recorded length
    is quicker and invents nothing.
    """
    from pyarrow import parquet

    steps = set()
    for path in directory.glob("*.parquet"):
        column = parquet.read_table(path, columns=["open_time"]).column("open_time")
        times = column.slice(0, 2).to_numpy()
        steps.add(int(times[1] - times[0]) // 60_000 if times.size > 1 else 1)
    known = {5: "5m", 15: "15m"}
    return known.get(min(steps, default=1), "1m") if len(steps) == 1 else "1m"
