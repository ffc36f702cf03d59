"""Lessons, their questions, the glossary, and the quiz before the first live act."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from frontend.answers import SeeOther
from frontend.learn_context import GlossaryPage, LearnPage, LessonPage, PathRow, QuizPage, grouped
from frontend.learned import remember, states
from frontend.lesson_examples import Examples
from frontend.shell import make_shell
from learning import api as learning
from learning.contracts import Answered, Lesson

MOST_ASKED = 100
"""Letters of a question to the search; the rest is not read."""


@require_safe
@never_cache
def learn(request: HttpRequest) -> HttpResponse:
    """Render the path of lessons, or what a search found in lessons and glossary."""
    shell = make_shell("learn", request)
    asked = request.GET.get("q", "").replace("\0", "").strip()[:MOST_ASKED]
    known = states(request)
    path = learning.lessons()
    next_up = next((each for each in path if each.slug not in known), None)
    rows = tuple(PathRow(each, known.get(each.slug), each == next_up) for each in path)
    page = LearnPage(
        shell=shell,
        parts=grouped(rows),
        n_lessons=len(path),
        n_read=len(known),
        minutes=sum(each.minutes for each in path),
        next_up=next_up,
        asked=asked,
        hits=tuple(learning.search(asked)) if asked else (),
        n_terms=len(learning.terms()),
        quiz=None if shell.person is None else learning.quiz_of(shell.person.id),
    )
    return render(request, "frontend/learn/path.html", {"page": page, "shell": shell})


@require_safe
@never_cache
def lesson(request: HttpRequest, lesson_slug: str) -> HttpResponse:
    """Render one lesson."""
    return _show(request, _lesson(lesson_slug))


@require_POST
@never_cache
def check(request: HttpRequest, lesson_slug: str) -> HttpResponse:
    """Weigh the answers to a lesson's questions; say of each why."""
    found = _lesson(lesson_slug)
    given = {name: request.POST.get(name, "") for name in (q.code for q in found.questions)}
    answered = learning.check(found.slug, given)
    if all(each.is_right for each in answered):
        remember(request, found.slug, is_checked=True)
    return _show(request, found, answered)


@require_POST
@never_cache
def read(request: HttpRequest, lesson_slug: str) -> HttpResponse:
    """Keep that a lesson was read, and go on to the next."""
    found = _lesson(lesson_slug)
    remember(request, found.slug, is_checked=False)
    after = learning.neighbours(found.slug)[1]
    if after is None:
        return SeeOther(reverse("frontend:learn"))
    return SeeOther(reverse("frontend:lesson", args=[after.slug]))


@require_safe
@never_cache
def glossary(request: HttpRequest) -> HttpResponse:
    """Render all terms."""
    shell = make_shell("learn", request)
    page = GlossaryPage(shell, learning.terms(), {each.slug: each for each in learning.lessons()})
    return render(request, "frontend/learn/glossary.html", {"page": page, "shell": shell})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def quiz(request: HttpRequest) -> HttpResponse:
    """Ask the questions that stand before the first live act; weigh the answers."""
    shell = make_shell("learn", request)
    answered: tuple[Answered, ...] = ()
    user_id = None if shell.person is None else shell.person.id
    if request.method == "POST":
        given = {q.code: request.POST.get(q.code, "") for q in learning.quiz()}
        answered = (
            learning.weigh_quiz(given) if user_id is None else learning.answer_quiz(user_id, given)
        )
    page = QuizPage(
        shell=shell,
        questions=answered or tuple(Answered(q, None) for q in learning.quiz()),
        is_answered=bool(answered),
        n_right=sum(each.is_right for each in answered),
        state=None if user_id is None else learning.quiz_of(user_id),
    )
    return render(request, "frontend/learn/quiz.html", {"page": page, "shell": shell})


def _lesson(slug: str) -> Lesson:
    found = learning.lesson(slug)
    if found is None:
        raise Http404
    return found


def _show(request: HttpRequest, found: Lesson, answered: tuple[Answered, ...] = ()) -> HttpResponse:
    shell = make_shell("learn", request)
    before, after = learning.neighbours(found.slug)
    state = states(request).get(found.slug)
    page = LessonPage(
        shell=shell,
        lesson=found,
        n_lessons=len(learning.lessons()),
        state=state,
        before=before,
        after=after,
        questions=answered or tuple(Answered(q, None) for q in found.questions),
        is_answered=bool(answered),
        n_right=sum(each.is_right for each in answered),
        live=Examples(None if shell.person is None else shell.person.id),
        described=_described(request, found),
    )
    return render(request, "frontend/learn/lesson.html", {"page": page, "shell": shell})


def _described(request: HttpRequest, found: Lesson) -> dict[str, Any]:
    """Return the lesson as schema.org describes one, for machines that read pages."""
    return {
        "@context": "https://schema.org",
        "@type": "LearningResource",
        "name": found.title,
        "description": found.summary,
        "inLanguage": "en-GB",
        "isAccessibleForFree": True,
        "timeRequired": f"PT{found.minutes}M",
        "position": found.order,
        "url": request.build_absolute_uri(reverse("frontend:lesson", args=[found.slug])),
        "provider": {"@type": "Organization", "name": "CryptoSystems"},
    }
