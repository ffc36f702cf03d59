"""Rules of the house that a machine can hold: imports, budgets, documents that stay true."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from cryptosystems.management.reference import env_example, settings_page

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "accounts",
    "billing",
    "blog",
    "cryptosystems",
    "frontend",
    "learning",
    "signals",
    "trading",
    "workspace",
)
MOST_LINES = 500
MOST_FUNCTION_LINES = 80


def sources() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_rooms_import_only_downwards_and_through_doors() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_no_module_and_no_function_outgrows_its_budget() -> None:
    too_long = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > MOST_LINES:
            too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_FUNCTION_LINES:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.name}: {length} lines")
    assert too_long == []


def names_used(path: Path) -> set[str]:
    """Return every name, attribute and text of a module, in small letters without underscores."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return {name.replace("_", "").lower() for name in found}


def test_the_exchange_is_never_told_to_cancel_everything_by_a_countdown() -> None:
    """It could take stops away while positions are open, so nothing of ours may call it (EX-33)."""
    calls = ("countdowncancelall", "cancelallordersafter")
    callers = [
        str(path.relative_to(ROOT))
        for path in sources()
        if "simulator" not in path.parts  # the exchange itself, which has to offer it
        and any(call in name for name in names_used(path) for call in calls)
    ]
    assert callers == []


def test_nothing_waits_in_a_way_that_can_lose_a_cancellation() -> None:
    """`asyncio.wait_for` of Python 3.11 swallows one that comes together with the awaited thing."""
    users = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_named = isinstance(node, ast.Attribute) and node.attr == "wait_for"
            if is_named and isinstance(node.value, ast.Name) and node.value.id == "asyncio":
                users.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert users == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def test_the_settings_page_is_made_from_the_declarations() -> None:
    for name, made in (
        ("docs/reference/settings.md", settings_page()),
        (".env.example", env_example()),
    ):
        assert (ROOT / name).read_text(encoding="utf-8") == made, (
            f"write {name} anew: manage.py reference --write"
        )


def test_every_dependency_is_explained() -> None:
    told = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    missing = []
    for name in ("requirements.in", "requirements-dev.in"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if "==" in line:
                package = line.partition("==")[0].partition("[")[0]
                if f"`{package}`" not in told:
                    missing.append(package)
    assert missing == []


def test_every_command_is_in_the_reference() -> None:
    told = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    ours = {
        path.stem
        for room in ROOMS
        for path in (ROOT / room).glob("management/commands/*.py")
        if path.stem != "__init__"
    }
    assert {name for name in ours if f"manage.py {name}" not in told} == set()


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for part in page.read_text(encoding="utf-8").split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            if target and "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} → {target}")
    assert broken == []
