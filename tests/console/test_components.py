"""The page of all components: for staff, whole, and without a barrier in any theme."""

import os
import re
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts.models import User
from tests.frontend.axe import sideways, violations
from tests.support.people import alice, signed_in

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs an event loop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

ADDRESS: Final = "/admin/components/"
CSS: Final = Path(__file__).parents[2] / "frontend/static/frontend/css/components.css"
FAMILIES: Final = re.compile(r"\.((?:btn|tag|note|dot|light|ribbon)-[a-z]+)\b")


def test_only_those_who_see_the_machine_see_it(
    boss_browser: Client, operator: User, supporter: User
) -> None:
    assert boss_browser.get(ADDRESS).status_code == 200
    assert boss_browser.post(ADDRESS).status_code == 405
    assert signed_in(operator).get(ADDRESS).status_code == 200
    assert signed_in(supporter).get(ADDRESS).status_code == 403
    assert signed_in(alice()).get(ADDRESS).status_code == 404
    assert Client().get(ADDRESS).status_code == 302


def test_each_kind_that_the_styles_know_is_shown(boss_browser: Client) -> None:
    html = boss_browser.get(ADDRESS).content.decode()
    shown = set(re.findall(r"[\w-]+", " ".join(re.findall(r'class="([^"]+)"', html))))
    known = set(FAMILIES.findall(CSS.read_text(encoding="utf-8")))
    assert len(known) > 20
    assert known - shown == set()


def test_its_figures_are_called_samples(boss_browser: Client) -> None:
    html = boss_browser.get(ADDRESS).content.decode()
    assert "All figures are samples." in html and "tag-sample" in html


@pytest.mark.browser
def test_no_barrier_in_either_theme_and_either_palette(
    chromium: Any, live_server: Any, boss: User
) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    name = django_settings.SESSION_COOKIE_NAME
    value = signed_in(boss).cookies[name].value
    context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(live_server.url + ADDRESS)
    found = {}
    for theme in ("dark", "light"):
        for palette in ("0", "1"):
            page.evaluate(
                "([theme, cvd]) => Object.assign(document.documentElement.dataset, {theme, cvd})",
                [theme, palette],
            )
            found[theme, palette] = violations(page)
    page.set_viewport_size({"width": 360, "height": 740})
    wide = sideways(page)
    page.emulate_media(media="print")
    printed = page.evaluate(
        """() => ({
          bars: [...document.querySelectorAll(".tabbar, .topbar-end")].some((e) => e.checkVisibility()),
          paper: getComputedStyle(document.body).backgroundColor,
        })"""
    )
    context.close()
    assert {key: faults for key, faults in found.items() if faults} == {}
    assert wide <= 0
    assert printed == {"bars": False, "paper": "rgb(255, 255, 255)"}, "ink on white paper"
    assert errors == []
