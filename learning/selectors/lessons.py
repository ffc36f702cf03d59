"""Lessons, glossary and quiz as they lie in the room's files; read once."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from learning.contracts import Hit, Lesson, Question, Term
from learning.domain.parse import parse_lesson, parse_terms

ROOM: Final = Path(__file__).resolve().parent.parent
MOST_HITS: Final = 20
_AROUND: Final = 80
"""Letters of an excerpt before and after the place that was found."""


@cache
def lessons() -> tuple[Lesson, ...]:
    """Return all lessons in the order of the path."""
    files = sorted((ROOM / "lessons").glob("*.md"))
    made = [parse_lesson(path.name, path.read_text(encoding="utf-8")) for path in files]
    return tuple(sorted(made, key=lambda lesson: lesson.order))


@cache
def terms() -> tuple[Term, ...]:
    """Return the glossary."""
    return parse_terms((ROOM / "glossary.toml").read_text(encoding="utf-8"))


def lesson(slug: str) -> Lesson | None:
    """Return one lesson, or None."""
    return next((each for each in lessons() if each.slug == slug), None)


def neighbours(slug: str) -> tuple[Lesson | None, Lesson | None]:
    """Return the lesson before and the one after."""
    path = lessons()
    place = [each.slug for each in path].index(slug)
    before = path[place - 1] if place else None
    return before, path[place + 1] if place + 1 < len(path) else None


@cache
def quiz() -> tuple[Question, ...]:
    """Return the questions of the lessons that also stand before the first live act."""
    return tuple(q for each in lessons() for q in each.questions if q.in_quiz)


@cache
def quiz_digest() -> str:
    """Return what tells one set of questions from another."""
    text = "\n".join(f"{q.ask}|{'|'.join(q.answers)}|{q.right}" for q in quiz())
    return hashlib.sha256(text.encode()).hexdigest()


def search(asked: str) -> list[Hit]:
    """Return where every word of the question occurs: terms and titles first, then texts."""
    words = re.findall(r"\w+", asked.casefold())
    if not words:
        return []
    found: list[tuple[int, Hit]] = []
    for term in terms():
        if _all_in(words, term.name):
            found.append((0, Hit(term.slug, term.name, term.meaning, is_term=True)))
        elif _all_in(words, term.meaning):
            found.append((3, Hit(term.slug, term.name, term.meaning, is_term=True)))
    for each in lessons():
        if _all_in(words, each.title):
            found.append((1, Hit(each.slug, each.title, each.summary, is_term=False)))
        elif _all_in(words, f"{each.summary} {each.words}"):
            excerpt = _excerpt(each.words, words) or each.summary
            found.append((2, Hit(each.slug, each.title, excerpt, is_term=False)))
    return [hit for _, hit in sorted(found, key=lambda pair: pair[0])][:MOST_HITS]


def _all_in(words: list[str], text: str) -> bool:
    held = text.casefold()
    return all(word in held for word in words)


def _excerpt(text: str, words: list[str]) -> str:
    places = [text.casefold().find(word) for word in words]
    place = min((at for at in places if at >= 0), default=-1)
    if place < 0:
        return ""
    start = max(0, text.rfind(" ", 0, max(0, place - _AROUND)) + 1)
    end = text.find(" ", place + _AROUND)
    return ("… " if start else "") + text[start : end if end > 0 else None] + " …"
