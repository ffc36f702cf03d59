"""One flat price: no code of billing can know what anybody earns or holds."""

import ast
import re
from pathlib import Path

import pytest

BILLING = Path(__file__).parents[2] / "billing"
FORBIDDEN_ROOMS = {"trading", "signals", "frontend"}
FORBIDDEN_NAMES = re.compile(
    r"balance|profit|pnl|equity|turnover|portfolio|volume|drawdown|deposit", re.I
)


def faults(source: str) -> list[str]:
    """Return imports of rooms that know positions, and names that speak of money made."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                rooms = [each.name for each in names]
            case ast.ImportFrom(module=str(module), level=0):
                rooms = [module]
            case _:
                rooms = []
        found += [room for room in rooms if room.partition(".")[0] in FORBIDDEN_ROOMS]
        for field in ("id", "attr", "arg", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str) and FORBIDDEN_NAMES.search(name):
                found.append(name)
        if isinstance(node, ast.Constant) and node.value in ("balance", "profit", "pnl"):
            found.append(str(node.value))
    return found


def sources() -> list[Path]:
    """Return our own code; the stand-in speaks Stripe, whose invoices have a balance."""
    return [path for path in BILLING.rglob("*.py") if "standin" not in path.parts]


def test_billing_knows_neither_positions_nor_what_anybody_earns() -> None:
    files = sources()
    assert len(files) > 25

    assert {str(path): faults(path.read_text()) for path in files if faults(path.read_text())} == {}


@pytest.mark.parametrize(
    "bad",
    [
        "from trading.api import positions_of",
        "import trading",
        "import signals.api as s",
        "price = 10 if user.equity > 1000 else 5",
        "def price(profit): ...",
        "row['pnl']",
        "from x import y as balance",
    ],
)
def test_the_check_can_fail(bad: str) -> None:
    assert faults(bad)


def test_the_amount_stands_in_one_place() -> None:
    holders = [path.name for path in sources() if re.search(r"\b5_?999\b", path.read_text())]

    assert sorted(holders) == ["plans.py", "plans.py"], "the rule, and a comment of the row"
