"""`manage.py backtest`: from a folder of candles to figures, rows and a page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command
from pyarrow import parquet

from cryptosystems.kernel.timeframes import Timeframe
from signals.backtest import rivals
from signals.backtest.page import page
from signals.store.folders import read_set
from tests.signals.cases import random_candles, random_history

HOUR_MS = 3_600_000
SYMBOLS = ("ADAUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ZECUSDT")
STEPS = 1_500
HOLE = slice(700, 760)
NAMES = ("open", "high", "low", "close", "volume")


def write(path: Path, open_ms: np.ndarray, candles: np.ndarray, names: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: candles[:, place] for place, name in enumerate(names)}
    parquet.write_table(pa.table({"open_time": open_ms, **columns}), path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hours that drift, of six symbols: one in two files with a hole between, none with volume in
    quote, and BTC's funding beside."""
    data = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(3)
    drift = np.zeros((STEPS, len(SYMBOLS)))
    for step in range(1, STEPS):
        drift[step] = 0.97 * drift[step - 1] + rng.normal(0, 0.243, len(SYMBOLS))
    candles = random_candles(STEPS, len(SYMBOLS), 5, sigma=0.008, drift=0.8 * 0.008 * drift)
    open_ms = random_history(2, 1, Timeframe.H1).open_ms[0] + np.arange(STEPS) * HOUR_MS
    for column, symbol in enumerate(SYMBOLS):
        rows = candles[:, :5, column].copy()
        rows[:, 4] = 50_000.0
        if symbol == "ZECUSDT":
            for name, part in (("a", slice(0, HOLE.start)), ("b", slice(HOLE.stop, STEPS))):
                path = data / "klines" / "hours" / f"{symbol}_{name}.parquet"
                write(path, open_ms[part], rows[part], NAMES)
        else:
            write(data / "klines" / "hours" / f"{symbol}.parquet", open_ms, rows, NAMES)
    paid = {
        "time": open_ms[::8] + 3,
        "exchange": ["binance", "bybit"] * (STEPS // 16) + ["binance"] * (STEPS // 8 % 2 + 1),
        "symbol": ["BTCUSDT"] * len(open_ms[::8]),
        "rate": np.full(len(open_ms[::8]), 1e-4),
    }
    (data / "funding").mkdir()
    parquet.write_table(pa.table(paid), data / "funding" / "funding.parquet")
    return data


def test_a_set_is_read_as_it_is(folder: Path) -> None:
    held = read_set(folder, "hours")
    assert held.symbols == ("BTCUSDT", "ADAUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ZECUSDT")
    assert held.timeframe is Timeframe.H1
    zec = np.isnan(held.candles[:, 3, 5])
    assert zec[HOLE].all()
    assert zec.sum() == HOLE.stop - HOLE.start
    assert np.isnan(held.candles[:, 5:]).all(), "a column that is not there is not known"
    assert held.funding is not None
    assert np.isnan(held.funding.values[:, 1:]).all(), "the other exchange's payments are not ours"


@pytest.fixture(scope="module")
def told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rivals, "ROUNDS", 15)
        call_command(
            "backtest", data=folder, sets="hours", json=str(out / "a.json"), report=out / "a.md"
        )
    return json.loads((out / "a.json").read_text()), (out / "a.md").read_text()


def test_every_rival_is_judged_on_the_same_decisions(told: tuple[dict[str, Any], str]) -> None:
    figures = told[0]["sets"]["hours"]["figures"]["1h"]
    entrants = figures["entrants"]
    assert set(entrants) == {
        *("model", "base_rate", "random", "always_long"),
        *("three_indicators", "momentum", "freqai_like"),
    }
    counts = {row["quality"]["n"] for row in entrants.values()}
    assert counts == {2 * figures["decisions"]}
    assert entrants["base_rate"]["quality"]["brier_skill"] == 0
    assert entrants["model"]["quality"]["brier_skill"] > 0.005, "the drift is there to be found"
    assert entrants["model"]["quality"]["auc"] > 0.54
    best = entrants["model"]["top"]["5%"]
    assert best["net_r"] > entrants["random"]["top"]["5%"]["net_r"] + 0.1
    assert best["net_r_low"] < best["net_r"] < best["net_r_high"]


def test_rows_are_promises_with_what_became_of_them(told: tuple[dict[str, Any], str]) -> None:
    record = told[0]
    rows = record["signals"]
    assert len(rows) == record["sets"]["hours"]["figures"]["1h"]["issued"]["issued"] > 5
    assert list(rows[0])[1:20] == [
        *("id", "symbol", "timeframe", "at", "direction", "entry_low", "entry_high", "stop"),
        *("tp1", "tp2", "tp3", "share1", "share2", "share3"),
        *("confidence", "strength", "expires_at", "model_version", "origin"),
    ]
    assert {row["origin"] for row in rows} == {"backtest"}
    settled = [row for row in rows if row["result_r"] is not None]
    assert settled
    assert {row["state"] for row in settled} <= {"won", "lost", "timed_out"}


def test_the_page_says_what_was_assumed_and_what_came_out(
    told: tuple[dict[str, Any], str],
) -> None:
    record, text = told
    assert text == page(record) + "\n"
    assert all(assumption in text for assumption in record["assumptions"])
    assert "| FreqAI-like gradient boosting |" in text
    assert "Issued by the gates:" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sets": "none"}, "sets there: hours"),
        ({"sets": "hours", "test_from": "soon"}, "not a day"),
        ({"sets": "hours", "test_from": "2031-01-01"}, "has to lie between"),
        ({}, "none of um_4h"),
    ],
)
def test_what_cannot_be_judged_is_said(folder: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("backtest", data=folder, **options)
