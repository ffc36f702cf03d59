"""Numbers read the same wherever they are written: one table, the server's filters and the page's functions."""

import json
from pathlib import Path
from typing import Any

import pytest

from frontend.templatetags import formats

CASES: dict[str, list[Any]] = json.loads(
    (Path(__file__).parent / "format_cases.json").read_text(encoding="utf-8")
)
PYTHON_NAMES = {"range": "interval", "R": "multiple"}
ALL = [(name, given, wanted) for name, rows in CASES.items() for given, wanted in rows]


@pytest.mark.parametrize(("name", "given", "wanted"), ALL)
def test_the_server_writes_numbers_as_the_table_says(
    name: str, given: list[Any], wanted: str
) -> None:
    assert getattr(formats, PYTHON_NAMES.get(name, name))(*given) == wanted


def test_an_iso_time_is_shown_in_utc_and_says_so() -> None:
    assert formats.date_time("2026-11-17T15:57:00.000Z") == "17 Nov 2026, 15:57 UTC"
    assert formats.clock("2026-11-17T15:57:59.999Z") == "15:57"
    assert formats.until("2026-11-17T16:00:00Z", "2026-11-17T15:57:59Z") == "2:01"
    assert formats.date_time(None) == formats.clock("") == formats.until(None, None) == "—"


def test_what_cannot_be_known_is_a_dash_and_never_a_zero() -> None:
    for x in (None, "", float("nan"), float("inf"), "not a number"):
        assert formats.usd(x) == formats.age(x) == formats.change(x) == formats.price(x, 2) == "—"


@pytest.mark.browser
def test_the_page_writes_numbers_as_the_table_says(page: Any, site: Any) -> None:
    page.goto(site.url + "/status")
    written = page.evaluate(
        """async ([url, cases]) => {
          const formats = await import(url);
          return Object.entries(cases).flatMap(([name, rows]) =>
            rows.map(([given]) => formats[name](...given)));
        }""",
        [site.url + "/static/frontend/js/format.js", CASES],
    )
    assert written == [wanted for _, _, wanted in ALL]
