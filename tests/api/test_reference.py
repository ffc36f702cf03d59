"""The reference is true: its examples run, its numbers are those of the code, its page works."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cryptosystems.platform import parsers
from cryptosystems.settings import base, env
from signals.delivery import consumers, hub
from signals.selectors.export import COLUMNS
from signals.services import export
from signals.services.publish import publish
from tests.api.cast import person, token_of
from tests.frontend.played_engine import PlayedEngine
from tests.support.setups import AT_MS, HOUR_MS, make_draft

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/api.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(bash|python)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def engine(redis_url: str) -> Iterator[PlayedEngine]:
    played = PlayedEngine(3).start()
    yield played
    played.stop()


def test_there_are_examples_to_run() -> None:
    assert {language for language, _code in EXAMPLES} == {"bash", "python"}
    assert len(EXAMPLES) >= 9


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_reference_runs(served: str, engine: PlayedEngine, number: int) -> None:
    language, code = EXAMPLES[number]
    alice = person("alice")
    for k in range(3):
        publish(make_draft(at_ms=AT_MS + k * HOUR_MS))
    environment = {**os.environ, "CS_URL": served, "CS_TOKEN": token_of(alice)}
    command = ["bash", "-euc", code] if language == "bash" else [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-500:]
    assert done.stdout.strip()
    assert "False" not in done.stdout


def test_the_numbers_of_the_reference_are_those_of_the_code() -> None:
    for who, kind in (
        ("a token", "token"),
        ("a signed-in person", "user"),
        ("a visitor, by address", "visitor"),
        ("tokens that are not valid, by address", "refused"),
    ):
        assert f"| {who} | {base.API_RATES[kind]} |" in TEXT
    assert f"at most {export.LONGEST.days} days and holds at most {export.MOST:,} signals" in TEXT
    assert f"at most {base.EXPORTS_AN_HOUR} files an hour" in TEXT
    assert f"limit of their own, {base.EXPORTS_AN_HOUR} a person and hour" in TEXT
    for name in COLUMNS:
        assert f"`{name}`" in TEXT or name in ("tp2", "share2")
    assert f"above {parsers.MOST_BYTES // 1024} KiB" in TEXT
    assert f"at most {parsers.MOST_DEPTH} levels and {parsers.MOST_ITEMS:,} items" in TEXT
    assert consumers.MOST_BYTES == 4 * 1024 and "a message of 4 KiB" in TEXT
    assert f"{consumers.MOST_A_SECOND} messages a second" in TEXT
    assert f"{consumers.MOST_TOPICS} topics a socket" in TEXT
    default = next(one.default for one in env.SETTINGS if one.name == "SOCKETS_PER_ADDRESS")
    assert f"{hub.MOST_OF_A_USER} sockets a person, {default} a visitor's address" in TEXT
    assert f"| {hub.SESSION_OVER} | the session is over" in TEXT
    assert f"| {hub.TOO_MANY} | too many sockets" in TEXT


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_to_try_it_on_breaks_no_rule(served: str, chromium: Any, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    others: list[str] = []
    page.on(
        "request",
        lambda r: None if r.url.startswith((served, "data:", "blob:")) else others.append(r.url),
    )
    page.goto(served + "/api/docs")
    page.wait_for_selector("#operations-Account-account")
    page.locator("[id$='-track_record'] button").first.click()
    page.wait_for_selector("text=Try it out")
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if os.environ.get("API_SHOT"):
        page.screenshot(path=f"{os.environ['API_SHOT']}-{width}.png")
    context.close()
    assert said == []
    assert others == []
    assert wide <= 0
