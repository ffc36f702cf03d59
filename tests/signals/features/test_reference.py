"""The reference page is the catalogue's own, and published values are met where they are held."""

import os
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from signals.features import recursions
from signals.features.catalogue import CATALOGUE, reference_page
from signals.management.commands import factors as command

DATA = os.environ.get("REFERENCE_DATA", "")


def test_the_reference_page_is_what_the_catalogue_says() -> None:
    call_command("factors", check=True)
    page = reference_page()
    for factor in CATALOGUE.factors:
        assert f"| `{factor.name}` | {factor.title} |" in page


def test_a_page_that_fell_behind_is_reported(
    tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BASE_DIR = tmp_path  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match=r"manage\.py factors --write"):
        call_command("factors", check=True)
    call_command("factors", write=True)
    call_command("factors", check=True)
    assert (tmp_path / command.PAGE).read_text(encoding="utf-8") == reference_page()


def test_the_page_is_printed_without_a_flag() -> None:
    out = StringIO()
    call_command("factors", stdout=out)
    assert out.getvalue().startswith("# Factors")


@pytest.mark.skipif(
    not DATA,
    reason="REFERENCE_DATA names no directory with published values (indicators/*.parquet)",
)
@pytest.mark.parametrize(
    ("indicator", "field", "from_row", "tolerance"),
    [
        ("rsi", "rsi", 14, 1e-8),
        ("atr", "atr", 14, 1e-8),
        ("adx", "adx", 41, 1e-6),
        # The source starts its averages with a plain mean, ours with the first price.
        ("macd", "fastEma", 150, 1e-6),
        ("macd", "slowEma", 300, 1e-6),
        ("macd", "histogram", 300, 1e-6),
    ],
)
def test_published_indicator_values_are_met(
    indicator: str, field: str, from_row: int, tolerance: float
) -> None:
    """Reads `reference_bars.parquet` and `reference_values.parquet` of its `indicators`."""
    import pyarrow.parquet as parquet

    held = parquet.read_table(Path(DATA) / "indicators" / "reference_bars.parquet").to_pydict()
    rows = parquet.read_table(Path(DATA) / "indicators" / "reference_values.parquet").to_pylist()
    published = {
        row["row"]: row["value"]
        for row in rows
        if (row["indicator"], row["field"]) == (indicator, field) and row["value"] is not None
    }
    cells, worst, n_compared = recursions.start(1), 0.0, 0
    for place in range(len(held["close"])):
        candle = np.ones((8, 1))
        for k, name in enumerate(("open", "high", "low", "close", "volume")):
            candle[k, 0] = held[name][place]
        cells = recursions.advance(cells, candle, -1)
        now = {name: float(value[0]) for name, value in cells.items()}
        ours = {
            "rsi": 100 * now["up"] / (now["up"] + now["down"]) if now["up"] > 0 else 0.0,
            "atr": now["atr"],
            "adx": now["adx"],
            "fastEma": now["ema_12"],
            "slowEma": now["ema_26"],
            "histogram": now["ema_12"] - now["ema_26"] - now["macd_signal"],
        }[field]
        if place >= from_row and place in published:
            worst, n_compared = max(worst, abs(ours - published[place])), n_compared + 1
    assert n_compared > 100
    assert worst < tolerance
