"""Every lesson is whole: its head, its length, its questions, what it shows and where it links to."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template
from django.test import Client

from frontend.lesson_links import LESSON_OF
from frontend.templatetags.lessons import template_of
from learning import api
from learning.contracts import BlockKind, Lesson
from learning.domain.parse import BadLesson, parse_lesson

LESSONS = api.lessons()
PROMISES = re.compile(r"guarantee|risk-free|never lose|sure profit|proven edge", re.IGNORECASE)
HEAD = """+++
slug = "a"
order = 1
part = "P"
title = "T"
summary = "S"
questions = []
+++
"""


def test_the_path_has_every_subject_in_order() -> None:
    assert [lesson.order for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))
    assert len(LESSONS) >= 14
    assert len({lesson.slug for lesson in LESSONS}) == len(LESSONS)
    wanted = {
        *("what-a-signal-is", "fields-of-a-signal", "confidence-and-calibration", "funding"),
        *("trend-volatility-volume", "order-book", "open-interest", "liquidation-and-heatmap"),
        *("correlation-and-beta", "reading-the-record", "paper-trading", "sizing-and-leverage"),
        *("risk-and-psychology", "connecting-a-key", "automation-step-by-step"),
    }
    assert wanted <= {lesson.slug for lesson in LESSONS}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_a_lesson_is_whole(lesson: Lesson) -> None:
    assert 500 <= len(lesson.words.split()) <= 900
    assert 1 <= lesson.minutes <= 6
    assert 40 <= len(lesson.summary) <= 170
    assert len(lesson.contents) >= 4
    assert len({heading.anchor for heading in lesson.contents}) == len(lesson.contents)
    assert 1 <= len(lesson.questions) <= 3
    kinds = {block.kind for block in lesson.body}
    assert kinds == {BlockKind.HTML, BlockKind.FIGURE, BlockKind.LIVE}
    html = "".join(block.value for block in lesson.body if block.kind is BlockKind.HTML)
    assert "{{" not in html and "<h1" not in html and "style=" not in html
    assert not PROMISES.search(lesson.words)
    for question in lesson.questions:
        assert 2 <= len(question.answers) <= 4 and len(set(question.answers)) == len(
            question.answers
        )
        assert question.ask.endswith("?") and len(question.why) > 30


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_what_a_lesson_shows_is_there(lesson: Lesson) -> None:
    for block in lesson.body:
        if block.kind is not BlockKind.HTML:
            get_template(template_of(block))


def test_every_drawing_has_a_name_and_a_sentence() -> None:
    folder = Path(__file__).parents[2] / "frontend/templates/frontend/learn/figures"
    used = {b.value for each in LESSONS for b in each.body if b.kind is BlockKind.FIGURE}
    assert {path.stem for path in folder.glob("*.html")} == used
    for path in folder.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert 'role="img"' in text and "<title id=" in text and "<figcaption>" in text, path
        assert "style=" not in text and "#" not in text.replace("&#", ""), path


def test_right_answers_are_not_always_at_the_same_place() -> None:
    rights = [question.right for each in LESSONS for question in each.questions]
    assert max(rights.count(place) for place in (1, 2, 3)) < 0.75 * len(rights)
    assert {1, 2, 3} == set(rights)


def test_the_quiz_asks_about_stops_leverage_keys_and_paper() -> None:
    asked = {question.code.rpartition("-")[0] for question in api.quiz()}
    assert asked >= {
        *("stop-and-targets", "sizing-and-leverage", "connecting-a-key", "paper-trading"),
        "liquidation-and-heatmap",
    }
    assert 6 <= len(api.quiz()) <= 12


def test_the_glossary_has_its_terms_and_each_lesson_it_names() -> None:
    terms = api.terms()
    assert len(terms) >= 50
    assert len({term.slug for term in terms}) == len(terms)
    slugs = {lesson.slug for lesson in LESSONS} | {""}
    assert [term.name for term in terms if term.lesson not in slugs] == []
    assert [
        t.name for t in terms if not t.meaning.endswith(".") or PROMISES.search(t.meaning)
    ] == []


def test_each_field_leads_to_a_place_in_a_lesson() -> None:
    for field, (slug, anchor, _) in LESSON_OF.items():
        lesson = api.lesson(slug)
        assert lesson is not None, field
        anchors = {heading.anchor for heading in lesson.contents}
        assert not anchor or anchor in anchors, f"{field}: {anchor} is not in {sorted(anchors)}"


@pytest.mark.django_db
def test_links_in_lessons_lead_somewhere(client: Client) -> None:
    html = "".join(b.value for each in LESSONS for b in each.body if b.kind is BlockKind.HTML)
    for target in set(re.findall(r'href="(/[^"#]*)', html)):
        assert client.get(target).status_code == 200, target


def test_html_in_a_lesson_stays_text() -> None:
    lesson = parse_lesson("a.md", HEAD + "<script>alert(1)</script> [x](javascript:alert(1))\n")
    [block] = lesson.body
    assert "<script" not in block.value and "&lt;script&gt;" in block.value
    assert "href" not in block.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# no head\n", "front matter"),
        (HEAD.replace('title = "T"\n', "") + "x", "title"),
        (HEAD.replace("[]", '[{ask="q", answers=["a"], right=2, why="w"}]') + "x", "no answer 2"),
    ],
)
def test_a_lesson_that_is_not_whole_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadLesson, match=words):
        parse_lesson("a.md", text)


def test_a_search_finds_terms_first_then_lessons() -> None:
    hits = api.search("Funding RATE")
    assert hits[0].is_term and hits[0].slug == "funding-rate"
    assert any(hit.slug == "funding" and not hit.is_term for hit in hits)
    assert api.search("zzzz") == [] and api.search("  ") == [] and api.search("%_*") == []
    [hit] = [hit for hit in api.search("help lines gambling") if not hit.is_term]
    assert hit.slug == "risk-and-psychology" and "gambling" in hit.excerpt
