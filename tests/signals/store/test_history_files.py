"""Long history in files: merged, never doubled, and honest about what a source does not have."""

import zipfile
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command
from pyarrow import parquet

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.models import Instrument
from signals.store import datasets
from signals.store.archives import Recorded, read_recorded
from signals.store.datasets import FUNDING, INTEREST, HistoryFiles, read_candle_file
from tests.support.setups import AT_MS

MINUTE = 60_000


@pytest.fixture
def files(tmp_path: Path) -> HistoryFiles:
    return HistoryFiles(tmp_path, Origin.REPLAY)


def minutes(first: int, count: int, price: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` candles from minute `first` on."""
    times = AT_MS + (first + np.arange(count, dtype=np.int64)) * MINUTE
    row = (price, price + 1, price - 1, price, 5.0, 500.0, 2.0, 9.0)
    return times, np.tile(np.array(row), (count, 1))


def test_history_grows_and_what_is_there_stays(files: HistoryFiles) -> None:
    files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(0, 10))
    files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(5, 10, price=200.0))
    open_ms, values = files.read_candles(Timeframe.M1, "BTCUSDT")
    assert open_ms.tolist() == (AT_MS + np.arange(15) * MINUTE).tolist()
    assert values[:, 0].tolist() == [100.0] * 10 + [200.0] * 5
    assert files.newest_open_ms(Timeframe.M1, "BTCUSDT") == AT_MS + 14 * MINUTE


def test_a_few_new_candles_leave_the_long_file_alone(files: HistoryFiles, tmp_path: Path) -> None:
    files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(0, 50))
    long_file = tmp_path / "history/replay/1m/BTCUSDT.parquet"
    before = long_file.read_bytes()
    files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(50, 5))
    assert long_file.read_bytes() == before
    assert files.read_candles(Timeframe.M1, "BTCUSDT")[0].size == 55
    assert files.symbols(Timeframe.M1) == ["BTCUSDT"]


def test_a_long_tail_is_merged(
    files: HistoryFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "TAIL_ROWS", 8)
    for first in range(0, 40, 5):
        files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(first, 5))
    assert files.read_candles(Timeframe.M1, "BTCUSDT")[0].size == 40
    long_file = tmp_path / "history/replay/1m/BTCUSDT.parquet"
    assert read_candle_file(long_file)[0].size >= 30


def test_a_merge_cut_short_doubles_nothing(files: HistoryFiles, tmp_path: Path) -> None:
    """The tail still lies there although the long file holds its candles already."""
    files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(0, 10))
    files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(10, 3))
    directory = tmp_path / "history/replay/1m"
    tail = (directory / "tail/BTCUSDT.parquet").read_bytes()
    (directory / "BTCUSDT.parquet").unlink()
    (directory / "tail/BTCUSDT.parquet").unlink()
    files.write_candles(Timeframe.M1, "BTCUSDT", *minutes(0, 13))
    (directory / "tail/BTCUSDT.parquet").write_bytes(tail)
    assert files.read_candles(Timeframe.M1, "BTCUSDT")[0].size == 13


def write_parquet(path: Path, **columns: list[float]) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def test_a_missing_column_is_unknown_and_never_zero(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path / "BTCUSDT.parquet",
        open_time=[AT_MS, AT_MS + MINUTE],
        open=[1.0, 1.0],
        high=[2.0, 2.0],
        low=[0.5, 0.5],
        close=[1.5, 1.5],
        volume=[3.0, 3.0],
    )
    _, values = read_candle_file(path)
    assert values[:, :5].tolist() == [[1.0, 2.0, 0.5, 1.5, 3.0]] * 2
    assert np.isnan(values[:, 5:]).all()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"open_time": [1], "open": [1.0]}, "missing column"),
        (
            {"open_time": [2, 1], **{name: [1.0, 1.0] for name in datasets.REQUIRED}},
            "must rise strictly",
        ),
        (
            {
                "open_time": [1, 2],
                **{name: [1.0, 1.0] for name in datasets.REQUIRED},
                "high": [0.5, 1.0],
            },
            "impossible",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, columns: dict[str, list[float]], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_candle_file(write_parquet(tmp_path / "X.parquet", **columns))


def test_what_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "X.parquet"
    path.write_text("hello")
    with pytest.raises(InvalidInput, match=r"X\.parquet is not a readable Parquet file"):
        read_candle_file(path)


ROW = "1706745600000,42.1,42.9,42.0,42.5,10.5,1706745659999,446.2,77,6.1,259.3,0"
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"


@pytest.mark.parametrize("text", [ROW, f"{HEADER}\n{ROW}"], ids=["old, no header", "with header"])
def test_an_archive_is_read_with_and_without_a_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-02-01.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("BTCUSDT-1m-2024-02-01.csv", text)
    recorded = read_recorded(path)
    assert isinstance(recorded, Recorded)
    assert (recorded.symbol, recorded.timeframe) == ("BTCUSDT", Timeframe.M1)
    assert recorded.open_ms.tolist() == [1706745600000]
    assert recorded.values.tolist() == [[42.1, 42.9, 42.0, 42.5, 10.5, 446.2, 6.1, 77.0]]


@pytest.mark.django_db
def test_importing_a_directory_fills_the_history_and_knows_the_symbol(
    tmp_path: Path, settings: object
) -> None:
    settings.STORAGE_DIR = tmp_path / "storage"  # type: ignore[attr-defined]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ETHUSDT-1m-2024-02-01.csv").write_text(ROW)
    call_command("import_history", str(tmp_path / "in"), origin="replay")
    files = HistoryFiles(tmp_path / "storage", Origin.REPLAY)
    assert files.read_candles(Timeframe.M1, "ETHUSDT")[0].size == 1
    assert str(Instrument.objects.get(symbol="ETHUSDT").tick_size.normalize()) == "0.1"


METRICS = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio\n"
    "2024-02-01 00:05:00,BTCUSDT,71000.5,3e9,1.2\n2024-02-01 00:10:00,BTCUSDT,71010.5,3e9,1.2\n"
    "2024-02-01 00:10:00,BTCUSDT,71010.5,3e9,1.2\n"
)
FUNDED = "1706745600000,8,0.00010000\n1706774400001,8,-0.00005000\n"


@pytest.mark.django_db
def test_open_interest_and_funding_come_from_their_archives(
    tmp_path: Path, settings: object
) -> None:
    settings.STORAGE_DIR = tmp_path / "storage"  # type: ignore[attr-defined]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "BTCUSDT-metrics-2024-02-01.csv").write_text(METRICS)
    (tmp_path / "in" / "BTCUSDT-fundingRate-2024-02.csv").write_text(FUNDED)
    out = StringIO()
    call_command("import_history", str(tmp_path / "in"), origin="replay", stdout=out)
    assert "BTCUSDT: 2 open interest read" in out.getvalue()
    files = HistoryFiles(tmp_path / "storage", Origin.REPLAY)
    at_ms, interest = files.read_series(INTEREST, "BTCUSDT")
    assert at_ms.tolist() == [1706745900000, 1706746200000]
    assert interest.tolist() == [71000.5, 71010.5]
    assert files.read_series(FUNDING, "BTCUSDT")[1].tolist() == [0.0001, -0.00005]


def test_a_broken_row_of_an_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-fundingRate-2024-02.csv"
    path.write_text(FUNDED + "1706803200000,8,soon\n")
    with pytest.raises(InvalidInput, match="line 3"):
        read_recorded(path)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["prices.csv", "BTCUSDT-7m-2024-02-01.csv"])
def test_a_name_that_says_nothing_is_refused_with_an_example(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(ROW)
    with pytest.raises(CommandError, match="expected a name like BTCUSDT-1m-2024-02"):
        call_command("import_history", str(tmp_path / name), origin="replay")
