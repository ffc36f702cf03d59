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
ROW: Final = re.compile(r"\| (F-\d\d) [^|]+ \| [^|]+ \| `([^`]+)::(\w+)` \| (?:`(\w+)`|–) \|")


def rows() -> list[tuple[str, str, str, str]]:
    """Return (fault, file, test, guard) of every row."""
    return ROW.findall(PAGE.read_text("utf-8"))


@cache
def names_in(file: str) -> frozenset[str]:
    folder, _, name = file.rpartition("/")
    tree = ast.parse((ROOT / FOLDERS[folder] / name).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_fault_is_on_the_page_once() -> None:
    assert sorted(fault for fault, *_ in rows()) == [f"F-{number:02}" for number in range(1, 67)]


def test_each_fault_names_a_test_that_exists() -> None:
    missing = [f"{fault}: {file}::{test}" for fault, file, test, _ in rows()
               if test not in names_in(file)]  # fmt: skip
    assert missing == []


def test_each_guard_that_is_named_is_one() -> None:
    assert {guard for *_, guard in rows() if guard} <= {guard.value for guard in Guard}
