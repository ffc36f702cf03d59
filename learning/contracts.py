"""What other rooms see of lessons: frozen, without Django."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BlockKind(StrEnum):
    """What a part of a lesson is."""

    HTML = "html"
    LIVE = "live"
    """An example from the running product; the page fills it."""
    FIGURE = "figure"
    """A drawing of ours."""


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a lesson, in the order of reading."""

    kind: BlockKind
    value: str
    """HTML, made from Markdown in which raw HTML is text; else the name of the example or drawing."""


@dataclass(frozen=True, slots=True)
class Heading:
    """One line of a table of contents."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answers, of which exactly one is right."""

    code: str
    """Name of its form field: lesson and number."""
    ask: str
    answers: tuple[str, ...]
    right: int
    """Which answer is right, counted from 1."""
    why: str
    """Why it is right; shown after an answer."""
    in_quiz: bool
    """Whether the quiz before the first live act asks it too."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson, whole."""

    slug: str
    order: int
    part: str
    """Heading of the group it stands in."""
    title: str
    summary: str
    minutes: int
    """Reading time."""
    body: tuple[Block, ...]
    contents: tuple[Heading, ...]
    questions: tuple[Question, ...]
    words: str
    """The plain text, for the search."""


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of the glossary."""

    slug: str
    name: str
    meaning: str
    lesson: str
    """Slug of the lesson that says more; empty: none does."""


@dataclass(frozen=True, slots=True)
class LessonState:
    """How far somebody is with one lesson."""

    slug: str
    is_read: bool
    is_checked: bool
    """Its questions were all answered rightly."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that a search found."""

    slug: str
    """Of the lesson or term."""
    title: str
    excerpt: str
    is_term: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """One question as somebody answered it."""

    question: Question
    chosen: int | None
    """Counted from 1; None: not answered."""

    @property
    def is_right(self) -> bool:
        return self.chosen == self.question.right


@dataclass(frozen=True, slots=True)
class QuizState:
    """How somebody stands with the quiz before the first live act."""

    passed_at: datetime | None
    n_tries: int
