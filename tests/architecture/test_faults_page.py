"""The page of faults says the truth: each names a test that exists and a guard that there is."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

from trading.reconciliation.guards import Guard

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "faults.md"
FOLDERS: Final = {"executor": "tests/trading/executor", "": "tests/faults"}
ROW: Final = re.compile(
    r"\| ([EF]X?-\d\d) [^|]+ \|(?: [^|]+ \|)? `([^`]+)::(\w+)` \| (?:`\w+`|–) \|"
)


def rows() -> list[tuple[str, str, str]]:
    """Return (fault or rule, file, test) of every row."""
    return ROW.findall(PAGE.read_text("utf-8"))


@cache
def names_in(file: str) -> frozenset[str]:
    folder, _, name = file.rpartition("/")
    tree = ast.parse((ROOT / FOLDERS[folder] / name).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_fault_is_on_the_page_once() -> None:
    assert sorted(name for name, *_ in rows() if name[0] == "F") == [
        f"F-{number:02}" for number in range(1, 67)
    ]


def test_each_fault_names_a_test_that_exists() -> None:
    missing = [f"{fault}: {file}::{test}" for fault, file, test in rows()
               if test not in names_in(file)]  # fmt: skip
    assert missing == []


def test_every_guard_is_on_the_page() -> None:
    named = re.findall(r"\| `(\w+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(named) == {guard.value for guard in Guard}
