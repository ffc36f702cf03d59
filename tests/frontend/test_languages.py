"""A page in another language: templates, modules and what the profile says, in a real browser."""

from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from tests.frontend.conftest import Site
from tests.frontend.played_engine import PlayedEngine
from tests.frontend.sign_in import sign_in
from tests.support.languages import LANGUAGE, accented, offer_language
from tests.support.people import alice

pytestmark = pytest.mark.browser

# What a reader sees or hears of a page: texts and spoken attributes, each with its element.
_READ = """
() => {
  const found = [];
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (!node.parentElement.closest("script, style, noscript, code, kbd, [data-of-engine]"))
      found.push(node.data);
  for (const el of document.querySelectorAll("[title], [aria-label], [placeholder], [alt]"))
    for (const name of ["title", "aria-label", "placeholder", "alt"])
      if (el.getAttribute(name)) found.push(el.getAttribute(name));
  return found.map((text) => text.trim().replace(/\\s+/g, " "))
    .filter((text) => /[A-Za-z]*[aeiou][A-Za-z]*/.test(text));
}
"""


@pytest.fixture
def other_language(tmp_path: Path, settings: Any) -> None:
    """German, as `tests/support/languages.py` makes it, is offered beside English."""
    offer_language(tmp_path, settings)


def test_x(other_language: None, page: Any, site: Site, engine: PlayedEngine) -> None:
    page.set_extra_http_headers({"Accept-Language": "de"})
    for path in [
        "/ai-trading/dashboard",
        "/ai-trading/plans-pricing",
        "/accounts/login/",
        "/status",
        "/",
    ]:
        page.goto(site.url + path)
        if "dashb" in path:
            page.wait_for_selector("[data-feed-dot].dot-ok", state="attached")
            page.wait_for_selector("[data-chart-skeleton]", state="hidden")
            page.wait_for_timeout(1500)
        print("=====", path, page.evaluate("document.documentElement.lang"))
        for x in sorted(set(page.evaluate(_READ))):
            print("   ", x[:150])
    sign_in(page, alice(language="de"), site.url)
    page.set_extra_http_headers({})
    page.goto(site.url + "/account/billing")
    print("===== billing", page.evaluate("document.documentElement.lang"))
    for x in sorted(set(page.evaluate(_READ))):
        print("   ", x[:150])
    print(page.locator("#texts").count())
