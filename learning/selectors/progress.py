"""How far somebody is, from rows."""

from uuid import UUID

from learning.contracts import LessonState, QuizState
from learning.models import LessonProgress, QuizProgress


def states_of(user_id: UUID) -> dict[str, LessonState]:
    """Return by lesson what somebody has read and checked."""
    rows = LessonProgress.objects.for_user(user_id).values_list("lesson", "checked_at")
    return {slug: LessonState(slug, True, checked_at is not None) for slug, checked_at in rows}


def quiz_of(user_id: UUID) -> QuizState:
    """Return how somebody stands with the quiz."""
    row = QuizProgress.objects.for_user(user_id).first()
    return QuizState(None, 0) if row is None else QuizState(row.passed_at, row.n_tries)


def has_passed_quiz(user_id: UUID) -> bool:
    """Say whether somebody has answered the whole quiz rightly."""
    return QuizProgress.objects.for_user(user_id).filter(passed_at__isnull=False).exists()
