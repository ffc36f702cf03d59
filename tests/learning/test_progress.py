"""What somebody has read and passed: kept once, theirs alone, taken along when they sign in."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import api as accounts
from cryptosystems.kernel.errors import InvalidInput
from learning import api
from learning.contracts import LessonState
from learning.models import LessonProgress
from tests.support.lessons import right_answers, wrong_answers
from tests.support.people import alice, charlie, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def silent(settings: Any, tmp_path: Any) -> None:
    """No engine: reading needs none."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody-listens.sock"


FIRST, SECOND = api.lessons()[:2]


def page(name: str, *args: str) -> str:
    return reverse(f"frontend:{name}", args=args)


def test_a_lesson_is_read_once_and_checked_once() -> None:
    user = alice()
    api.mark_read(user.pk, FIRST.slug)
    api.mark_checked(user.pk, FIRST.slug)
    [row] = LessonProgress.objects.for_user(user.pk)
    api.mark_read(user.pk, FIRST.slug)
    api.mark_checked(user.pk, FIRST.slug)
    [again] = LessonProgress.objects.for_user(user.pk)
    assert (again.read_at, again.checked_at) == (row.read_at, row.checked_at)
    assert api.states_of(user.pk) == {FIRST.slug: LessonState(FIRST.slug, True, True)}
    assert api.states_of(charlie().pk) == {}
    with pytest.raises(InvalidInput):
        api.mark_read(user.pk, "no-such-lesson")


def test_the_quiz_is_passed_by_right_answers_alone_and_may_be_tried_again() -> None:
    user, other = alice(), charlie()
    right = right_answers(api.quiz())
    code = api.quiz()[0].code
    for given in ({}, wrong_answers(api.quiz()), {**right, code: "9"}, {**right, code: ""}):
        api.answer_quiz(user.pk, given)
        assert not api.has_passed_quiz(user.pk)
    answered = api.answer_quiz(user.pk, right)
    assert all(each.is_right for each in answered)
    passed = api.quiz_of(user.pk)
    assert passed.passed_at is not None and passed.n_tries == 4
    api.answer_quiz(user.pk, {})
    assert api.quiz_of(user.pk).passed_at == passed.passed_at, "it stays passed"
    assert not api.has_passed_quiz(other.pk)
    acts = [entry.action for entry in accounts.audit_of(user.pk)]
    assert acts.count("learning_quiz_passed") == 1


def test_a_visitor_keeps_reading_in_the_session_and_takes_it_along() -> None:
    browser = Client()
    browser.post(page("lesson-read", FIRST.slug))
    browser.post(page("lesson-check", SECOND.slug), right_answers(SECOND.questions))
    assert "2 of 17 read" in browser.get(page("learn")).content.decode()
    assert not LessonProgress.objects.across_tenants("test").exists()

    user = alice()
    browser.force_login(user)
    html = browser.get(page("learn")).content.decode()
    assert "2 of 17 read" in html, "what the session holds counts at once"
    browser.post(page("lesson-read", "funding"))
    states = api.states_of(user.pk)
    assert set(states) == {FIRST.slug, SECOND.slug, "funding"}
    assert states[SECOND.slug].is_checked and not states[FIRST.slug].is_checked
    assert "learned" not in browser.session


def test_reading_goes_on_to_the_next_lesson_and_from_the_last_to_the_list() -> None:
    browser = signed_in(alice())
    answer = browser.post(page("lesson-read", FIRST.slug))
    assert (answer.status_code, answer["Location"]) == (303, page("lesson", SECOND.slug))
    last = browser.post(page("lesson-read", api.lessons()[-1].slug))
    assert last["Location"] == page("learn")
    assert f'data-lesson="{FIRST.slug}"' in browser.get(page("learn")).content.decode()


def test_answers_are_explained_and_only_right_ones_are_kept() -> None:
    user = alice()
    browser = signed_in(user)
    wrong = browser.post(page("lesson-check", FIRST.slug), wrong_answers(FIRST.questions))
    html = wrong.content.decode()
    assert "0 of 2 right" in html and 'data-right="no"' in html
    assert api.states_of(user.pk) == {}
    html = browser.post(page("lesson-check", FIRST.slug), {}).content.decode()
    assert html.count("Not answered yet.") == 2
    right = browser.post(page("lesson-check", FIRST.slug), right_answers(FIRST.questions))
    assert "2 of 2 right" in right.content.decode()
    assert api.states_of(user.pk)[FIRST.slug].is_checked


def test_a_visitors_quiz_is_weighed_and_not_kept() -> None:
    html = Client().post(page("quiz"), right_answers(api.quiz())).content.decode()
    assert "Nothing was kept" in html
    user = alice()
    html = signed_in(user).post(page("quiz"), right_answers(api.quiz())).content.decode()
    assert "Passed." in html and api.has_passed_quiz(user.pk)
    assert "You have passed the quiz" in signed_in(user).get(page("learn")).content.decode()
