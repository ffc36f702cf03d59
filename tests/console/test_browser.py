"""The console in a real browser: no breach of its policy, no script error, nothing sideways."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts.models import User
from tests.console.conftest import World
from tests.support.people import signed_in

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs an event loop

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url"),
]

_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) =>
  window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
"""
PHONE = {"width": 360, "height": 800}
DESKTOP = {"width": 1440, "height": 900}


class Looked:
    """A browser that remembers what went wrong."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("response", self._heard)

    def _heard(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")
        if not response.url.startswith((self.url, "data:")):
            self.faults.append(f"foreign: {response.url}")

    def open(self, path: str) -> None:
        """Open a page and wait for its scripts."""
        self.page.goto(self.url + path, wait_until="load")
        self.page.wait_for_function("() => window.Alpine !== undefined")
        self.faults += [f"{path}: {v}" for v in self.page.evaluate("window.violations")]


@pytest.fixture
def looked(
    chromium: Any, live_server: Any, boss: User, request: pytest.FixtureRequest
) -> Iterator[Looked]:
    """The superuser's browser on a running server."""
    context = chromium.new_context(viewport=getattr(request, "param", DESKTOP))
    context.set_default_timeout(15_000)
    context.add_init_script(_WATCH)
    cookie = signed_in(boss).cookies[django_settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    held = Looked(context.new_page(), live_server.url)
    yield held
    context.close()
    assert held.faults == []


def _pages(looked: Looked, world: World) -> list[str]:
    looked.open("/admin/")
    links = re.findall(r'href="(/admin/[^"?#]*)"', looked.page.content())
    return [
        *sorted(set(links)),
        f"/admin/people/{world.alice.pk}/",
        f"/admin/billing/providerevent/{world.event.pk}/change/",
        f"/admin/signals/modelversion/{world.model.pk}/change/",
        "/admin/platform/announcement/add/",
    ]


@pytest.mark.parametrize("looked", [DESKTOP, PHONE], indirect=True)
def test_every_page_works_and_nothing_scrolls_sideways(looked: Looked, world: World) -> None:
    pages = _pages(looked, world)
    assert len(pages) > 20
    for path in pages:
        looked.open(path)
        wide = looked.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, path


def test_staff_extend_a_trial_and_look_on(looked: Looked, world: World) -> None:
    looked.open(f"/admin/people/{world.alice.pk}/")
    page = looked.page
    form = page.get_by_role("form", name="Extend the trial")
    form.get_by_label("Hours").fill("24")
    form.get_by_label("Reason").fill("lost a day to an outage")
    form.get_by_role("button", name="Extend the trial").click()
    page.get_by_text("lost a day to an outage").first.wait_for()
    looking = page.get_by_role("form", name="See pages as this person")
    looking.get_by_label("Reason").fill("cannot find her invoice")
    looking.get_by_role("button").click()
    page.wait_for_url("**/account/**")
    looked.faults.clear()  # the page it leads to is another room's
    page.goto(looked.url + "/")
    page.get_by_text("You see this as alice@example.org").wait_for()
    page.get_by_role("button", name="End").click()
    page.wait_for_url(f"**/admin/people/{world.alice.pk}/")
    assert page.evaluate("window.violations") == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_our_own_pages_have_no_barrier(looked: Looked, world: World, scheme: str) -> None:
    """What unfold draws around them is not ours to judge here."""
    from axe_playwright_python.sync_playwright import Axe

    looked.page.emulate_media(color_scheme=scheme)
    for path in (
        "/admin/",
        "/admin/machine/",
        "/admin/switches/",
        "/admin/exports/",
        f"/admin/people/{world.alice.pk}/",
    ):
        looked.open(path)
        found = Axe().run(looked.page, context={"include": [".console"]})
        assert found.response["passes"], path
        told = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found.response["violations"]]
        assert told == [], path
