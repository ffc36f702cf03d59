"""An export of the record is checked by its own script, which needs nothing of ours."""

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from signals import api
from signals.selectors.ledger import forget_figures
from signals.services.publish import apply_change, publish, store_backtest
from tests.support.setups import AT_MS, HOUR_MS, filled, make_draft, won

pytestmark = pytest.mark.django_db
DAY_MS = 24 * HOUR_MS


@pytest.fixture(autouse=True)
def stored(redis_url: str) -> None:
    """A record with winners, losers, one never entered and one still open."""
    forget_figures()
    results = [1.8, -1.05, 0.4, -1.05, 2.3, -0.1, 1.1]
    drafts = [
        make_draft(
            origin="simulated",
            at_ms=AT_MS + k * DAY_MS,
            symbol="BTCUSDT" if k % 2 else "ETHUSDT",
            p_win=0.52 + k / 100,
        )
        for k in range(len(results) + 2)
    ]
    for draft in drafts:
        publish(draft)
    for draft, net_r in zip(drafts, results, strict=False):
        at_ms = draft.setup.at_ms + 5 * HOUR_MS
        apply_change(filled(draft.id, at_ms=at_ms - HOUR_MS))
        apply_change(won(draft.id, net_r, at_ms=at_ms))
    never = drafts[-2]
    apply_change(
        filled(
            never.id,
            state="not_entered",
            result="not_entered",
            at_ms=never.setup.at_ms + HOUR_MS,
            fill_price=None,
            filled_ms=None,
        )
    )


def exported(to: Path, *more: str) -> Path:
    call_command("export_record", "--origin", "simulated", "--out", str(to), *more, verbosity=0)
    return to


def rebuilt(directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run the script as a reader does: alone, with Python and nothing else."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(directory / "rebuild.py")],
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_script_finds_every_figure_of_the_page(tmp_path: Path) -> None:
    directory = exported(tmp_path / "record")
    run = rebuilt(directory)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "9 signals, 7 entered and ended: everything fits." in run.stdout
    published = json.loads((directory / "figures.json").read_text())
    assert published == json.loads(json.dumps(api.record_figures("simulated")))
    assert published["counts"] == {
        "issued": 9,
        "entered": 7,
        "not_entered": 1,
        "void": 0,
        "open": 1,
    }


def alter(directory: Path, name: str, old: str, new: str) -> None:
    """Change a file, and its checksum in the manifest with it."""
    import hashlib

    text = (directory / name).read_text()
    assert old in text
    (directory / name).write_text(text.replace(old, new, 1))
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["sha256"][name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
    (directory / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("signals.csv", "-1.05", "1.05", "the row has another result"),
        ("chain.jsonl", '\\"net_r\\":-1.05', '\\"net_r\\":1.05', "does not fit its text"),
        ("figures.json", '"wins": 4', '"wins": 5', "/summary/wins: published 5, found 4"),
    ],
    ids=["a row", "a link", "a figure"],
)
def test_a_loss_made_a_win_is_told(
    tmp_path: Path, name: str, old: str, new: str, told: str
) -> None:
    directory = exported(tmp_path / "record")
    alter(directory, name, old, new)
    run = rebuilt(directory)
    assert run.returncode == 1 and told in run.stdout, run.stdout + run.stderr


def test_a_file_changed_on_the_way_is_told(tmp_path: Path) -> None:
    directory = exported(tmp_path / "record")
    with (directory / "signals.csv").open("a") as file:
        file.write("\n")
    assert "signals.csv was changed" in rebuilt(directory).stdout


def test_months_are_wholes_of_their_own_and_add_up(tmp_path: Path) -> None:
    months = api.record_months("simulated")
    held = []
    for month in months:
        made = api.month_file("simulated", month)
        with zipfile.ZipFile(BytesIO(made.content)) as archive:
            archive.extractall(tmp_path / month)
        assert rebuilt(tmp_path / month).returncode == 0
        manifest: dict[str, Any] = json.loads((tmp_path / month / "manifest.json").read_text())
        assert (manifest["month"], manifest["signals"]) == (month, made.n)
        held.append(made.n)
    assert len(months) == 2 and sum(held) == 9
    for wrong in ("2026-13", "1999-01", "2024-01"):
        with pytest.raises(CommandError):
            exported(tmp_path / "no", "--month", wrong)


def test_an_origin_is_never_in_the_file_of_another(tmp_path: Path) -> None:
    draft = make_draft(origin="backtest", at_ms=AT_MS + 40 * DAY_MS)
    store_backtest([(draft, won(draft.id, 9.9, at_ms=draft.setup.at_ms + HOUR_MS))], [])
    directory = exported(tmp_path / "record")
    assert rebuilt(directory).returncode == 0
    assert "9.9" not in (directory / "signals.csv").read_text()
