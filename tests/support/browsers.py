"""A real browser, where one is installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def _chromium(playwright: Any) -> str | None:
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name) if name else None
        if found:
            return found
    own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else None


@contextmanager
def chromium_browser() -> Iterator[Any]:
    """Run Chromium; skip the test, with the reason, where there is none.

    Playwright runs an event loop in this thread as long as the browser is open: keep it open for
    a module at most, so that asynchronous tests find the thread free.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = _chromium(playwright)
        if path is None:
            pytest.skip(
                "No Chromium was found. Install one (`apt-get install chromium`, or "
                "`playwright install chromium`), or name it in the variable CHROMIUM."
            )
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
