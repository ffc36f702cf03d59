"""Static files: hashed with all their imports, small enough, and what they claim to be."""

import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

FRONTEND = Path(__file__).parents[2] / "frontend" / "static"
JS = FRONTEND / "frontend" / "js"
CSS = FRONTEND / "frontend" / "css"


def gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6))


def imports(path: Path) -> list[Path]:
    """Return the modules a module names."""
    named = re.findall(r'from\s*"(\.[^"]+)"', path.read_text(encoding="utf-8"))
    return [(path.parent / name).resolve() for name in named]


def reached(start: Path) -> set[Path]:
    """Return a module with all that it loads."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imports(path)
    return found


def test_the_dashboard_loads_at_most_120_kb_of_script_with_the_chart_library() -> None:
    modules = reached(JS / "dashboard" / "main.js")
    assert FRONTEND / "vendor" / "lightweight-charts.mjs" in modules
    assert sum(gzipped(path) for path in [*modules, JS / "theme.js"]) <= 120_000


@pytest.mark.parametrize("name", ["status", "orders", "bot"])
def test_another_page_loads_at_most_40_kb_of_script(name: str) -> None:
    modules = reached(JS / f"{name}.js")
    assert sum(gzipped(path) for path in [*modules, JS / "theme.js"]) <= 40_000


@pytest.mark.parametrize("own", [("dashboard", "desk-tools"), ("documents", "tools")])
def test_the_styles_of_a_page_are_at_most_16_kb(own: tuple[str, ...]) -> None:
    sheets = ("tokens", "base", "components", *own)
    assert sum(gzipped(CSS / f"{name}.css") for name in sheets) <= 16_000


def test_no_module_is_longer_than_250_lines() -> None:
    lengths = {p.name: p.read_text().count("\n") for p in JS.rglob("*.js")}
    assert {name: n for name, n in lengths.items() if n > 250} == {}


def test_no_module_writes_markup_or_evaluates_text() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    assert [p.name for p in JS.rglob("*.js") if forbidden.search(p.read_text())] == []


def test_colours_stand_only_among_the_tokens() -> None:
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b|rgba?\(")
    others = [p for p in CSS.glob("*.css") if p.name != "tokens.css"]
    assert [p.name for p in others if colour.search(p.read_text())] == []


def test_third_party_files_are_the_ones_the_list_names() -> None:
    rows = re.findall(
        r"\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", (FRONTEND / "vendor/README.md").read_text()
    )
    assert len(rows) == 2
    for name, checksum in rows:
        content = (FRONTEND / "vendor" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum, name


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Path:
    """All static files as production serves them."""
    from cryptosystems.settings import base

    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": base.STORAGES["staticfiles"]}
    ignored = ["admin/*", "rest_framework/*", "drf_spectacular_sidecar/*"]
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=ignored)
    return tmp_path / "static"


def test_hashed_modules_import_hashed_modules(collected: Path) -> None:
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    start = collected / names["frontend/js/dashboard/main.js"]
    modules = reached(start)
    assert all(path.exists() for path in modules)
    assert all(re.search(r"\.[0-9a-f]{12}\.m?js$", path.name) for path in modules)
    assert len(modules) == len(reached(JS / "dashboard" / "main.js"))
    assert staticfiles_storage.url("frontend/js/dashboard/main.js").endswith(start.name)


def test_the_font_that_is_preloaded_is_the_one_the_styles_load(collected: Path) -> None:
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    font = Path(names["frontend/fonts/archivo-latin-wdth.woff2"]).name
    assert font in (collected / names["frontend/css/tokens.css"]).read_text()
