"""What the pages of lessons are given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from frontend.context import Shell
from frontend.lesson_examples import Examples
from learning.contracts import Answered, Hit, Lesson, LessonState, QuizState, Term


@dataclass(frozen=True, slots=True)
class PathRow:
    """One lesson in the list."""

    lesson: Lesson
    state: LessonState | None
    """None: not read."""
    is_next: bool
    """The first that was not read."""


@dataclass(frozen=True, slots=True)
class LearnPage:
    """The path of lessons, or what a search found."""

    shell: Shell
    parts: tuple[tuple[str, tuple[PathRow, ...]], ...]
    """Heading, and the lessons below it."""
    n_lessons: int
    n_read: int
    minutes: int
    next_up: Lesson | None
    asked: str
    """What was searched for; empty: nothing."""
    hits: tuple[Hit, ...]
    n_terms: int
    quiz: QuizState | None
    """None: a visitor."""


@dataclass(frozen=True, slots=True)
class LessonPage:
    """One lesson."""

    shell: Shell
    lesson: Lesson
    n_lessons: int
    state: LessonState | None
    before: Lesson | None
    after: Lesson | None
    questions: tuple[Answered, ...]
    is_answered: bool
    """Whether the answers were sent, so that each is explained."""
    n_right: int
    live: Examples
    """Read only by the examples that stand in this lesson."""
    described: dict[str, Any]
    """The lesson for machines (JSON-LD)."""


@dataclass(frozen=True, slots=True)
class GlossaryPage:
    """All terms."""

    shell: Shell
    terms: tuple[Term, ...]
    lessons: Mapping[str, Lesson]


@dataclass(frozen=True, slots=True)
class QuizPage:
    """The quiz before the first live act."""

    shell: Shell
    questions: tuple[Answered, ...]
    is_answered: bool
    n_right: int
    state: QuizState | None
    """None: a visitor, whose answers are weighed and not kept."""


def grouped(rows: Iterable[PathRow]) -> tuple[tuple[str, tuple[PathRow, ...]], ...]:
    """Return the lessons below the headings of their parts."""
    return tuple((part, tuple(held)) for part, held in groupby(rows, lambda row: row.lesson.part))
