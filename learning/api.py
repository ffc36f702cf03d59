"""The door of the learning room: lessons, glossary, progress, and the quiz before the first live act."""

from collections.abc import Mapping
from uuid import UUID

from learning.contracts import Answered, Hit, Lesson, LessonState, Question, QuizState, Term
from learning.selectors import lessons as stored
from learning.selectors import progress as held
from learning.services import progress


def lessons() -> tuple[Lesson, ...]:
    """Return all lessons in the order of the path."""
    return stored.lessons()


def lesson(slug: str) -> Lesson | None:
    """Return one lesson, or None."""
    return stored.lesson(slug)


def neighbours(slug: str) -> tuple[Lesson | None, Lesson | None]:
    """Return the lesson before one and the one after it."""
    return stored.neighbours(slug)


def terms() -> tuple[Term, ...]:
    """Return the glossary in the order of the alphabet."""
    return stored.terms()


def search(asked: str) -> list[Hit]:
    """Return lessons and terms in which every word of the question occurs."""
    return stored.search(asked)


def states_of(user_id: UUID) -> dict[str, LessonState]:
    """Return by lesson what somebody has read and checked."""
    return held.states_of(user_id)


def mark_read(user_id: UUID, slug: str) -> None:
    """Remember that somebody has read a lesson; raises InvalidInput for one there is not."""
    progress.mark_read(user_id, slug)


def mark_checked(user_id: UUID, slug: str) -> None:
    """Remember that somebody has answered all questions of a lesson rightly."""
    progress.mark_checked(user_id, slug)


def take_over(user_id: UUID, states: Mapping[str, LessonState]) -> None:
    """Keep for a person what they had read before they signed in."""
    progress.take_over(user_id, states)


def check(slug: str, given: Mapping[str, str]) -> tuple[Answered, ...]:
    """Weigh the answers to a lesson's questions; nothing is stored."""
    found = stored.lesson(slug)
    return () if found is None else progress.answered(found.questions, given)


def quiz() -> tuple[Question, ...]:
    """Return the questions that stand before the first live act."""
    return stored.quiz()


def weigh_quiz(given: Mapping[str, str]) -> tuple[Answered, ...]:
    """Weigh a visitor's answers to the quiz; nothing is stored."""
    return progress.answered(stored.quiz(), given)


def answer_quiz(user_id: UUID, given: Mapping[str, str]) -> tuple[Answered, ...]:
    """Weigh somebody's answers and keep the outcome; all right passes, as often as is tried."""
    return progress.answer_quiz(user_id, given)


def quiz_of(user_id: UUID) -> QuizState:
    """Return how somebody stands with the quiz."""
    return held.quiz_of(user_id)


def has_passed_quiz(user_id: UUID) -> bool:
    """Say whether somebody has answered the whole quiz rightly: it opens live acts."""
    return held.has_passed_quiz(user_id)
