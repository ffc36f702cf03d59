"""Lessons in a real browser: questions with and without script, the quiz, the way from a field, no barrier."""

from typing import Any

import pytest
from playwright.sync_api import expect

from learning import api as learning
from signals.services.publish import publish
from tests.frontend.axe import sideways, violations
from tests.frontend.conftest import DESKTOP, PHONE, Site
from tests.frontend.sign_in import sign_in
from tests.support.lessons import right_answers, wrong_answers
from tests.support.people import alice
from tests.support.setups import make_draft

pytestmark = pytest.mark.browser

LEARN = "/ai-trading/learn"
LESSON = f"{LEARN}/fields-of-a-signal"


def answer(page: Any, given: dict[str, str]) -> None:
    for name, value in given.items():
        page.check(f'input[name="{name}"][value="{value}"]')
    page.click("[data-check] button[type=submit]")


def test_questions_are_explained_in_place_and_the_lesson_counts(page: Any, site: Site) -> None:
    questions = learning.lessons()[0].questions
    page.goto(site.url + LEARN)
    page.click("[data-next]")
    page.wait_for_url("**/what-a-signal-is")
    page.evaluate("window.same = true")
    answer(page, wrong_answers(questions))
    expect(page.locator("[data-outcome]")).to_contain_text("0 of 2 right")
    assert page.locator("[data-right=no]").count() == 2
    assert page.evaluate("document.activeElement.matches('[data-outcome]')")
    answer(page, right_answers(questions))
    expect(page.locator("[data-outcome]")).to_contain_text("2 of 2 right")
    assert page.evaluate("window.same"), "no new page was loaded"
    page.click("[data-mark-read]")
    page.wait_for_url("**/fields-of-a-signal")
    page.goto(site.url + LEARN)
    expect(page.locator('[data-lesson="what-a-signal-is"] [data-state]')).to_contain_text(
        "Read, answered"
    )
    expect(page.locator('[aria-current="step"]')).to_contain_text("Each field of a signal")


def test_the_quiz_is_passed_without_script(chromium: Any, site: Site) -> None:
    user = alice()
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, user, site.url)
    page.goto(f"{site.url}{LEARN}/quiz")
    answer(page, right_answers(learning.quiz()) | {"paper-trading-1": "1"})
    assert f"of {len(learning.quiz())} right" in page.inner_text("[data-outcome]")
    assert not learning.has_passed_quiz(user.pk)
    answer(page, {"paper-trading-1": "2"})
    assert "Passed" in page.inner_text("[data-outcome]")
    context.close()
    assert learning.has_passed_quiz(user.pk)


def test_a_field_of_the_signal_leads_to_its_lesson(page: Any, site: Site) -> None:
    publish(make_draft())
    page.goto(site.dashboard)
    page.locator("[data-waterfall]").wait_for()
    marks = page.locator(".sig-block .ask")
    expect(marks).to_have_count(3)
    page.click('.sig-block h3 .ask[href*="confidence"]')
    page.wait_for_url("**/confidence-and-calibration")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(page: Any, site: Site, theme: str) -> None:
    publish(make_draft())
    page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for address in (LEARN, LESSON, f"{LEARN}/glossary"):
            page.goto(site.url + address)
            assert violations(page) == [], (address, size)
            assert sideways(page) == 0, (address, size)
