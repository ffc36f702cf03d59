"""What is written when somebody reads, answers, passes."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import api as accounts
from cryptosystems.kernel.errors import InvalidInput
from learning.contracts import Answered, LessonState, Question
from learning.models import LessonProgress, QuizProgress
from learning.selectors import lessons


def mark_read(user_id: UUID, slug: str, now: datetime | None = None) -> None:
    """Remember that somebody has read a lesson; doing so twice changes nothing.

    Raises
    ------
    InvalidInput
        If there is no such lesson.
    """
    if lessons.lesson(slug) is None:
        raise InvalidInput(_("There is no such lesson."))
    LessonProgress.objects.across_tenants("one person reads a lesson").bulk_create(
        [LessonProgress(user_id=user_id, lesson=slug, read_at=now or timezone.now())],
        ignore_conflicts=True,
    )


def mark_checked(user_id: UUID, slug: str, now: datetime | None = None) -> None:
    """Remember that somebody has answered a lesson's questions, the first time counts."""
    now = now or timezone.now()
    mark_read(user_id, slug, now)
    rows = LessonProgress.objects.for_user(user_id).filter(lesson=slug, checked_at__isnull=True)
    rows.update(checked_at=now)


def take_over(user_id: UUID, states: Mapping[str, LessonState]) -> None:
    """Keep what somebody had read as a visitor; lessons that are gone are left out."""
    for slug, state in states.items():
        if lessons.lesson(slug) is None:
            continue
        if state.is_checked:
            mark_checked(user_id, slug)
        else:
            mark_read(user_id, slug)


def answered(questions: tuple[Question, ...], given: Mapping[str, str]) -> tuple[Answered, ...]:
    """Return the questions with what was chosen; what is no answer of ours counts as none."""
    return tuple(Answered(question, _choice(question, given)) for question in questions)


def _choice(question: Question, given: Mapping[str, str]) -> int | None:
    text = given.get(question.code, "")
    allowed = {str(n): n for n in range(1, len(question.answers) + 1)}
    return allowed.get(text)


def answer_quiz(
    user_id: UUID, given: Mapping[str, str], now: datetime | None = None
) -> tuple[Answered, ...]:
    """Weigh somebody's answers; all right passes, for good, and may be tried again at will.

    A form without a single answer is no try.
    """
    now = now or timezone.now()
    found = answered(lessons.quiz(), given)
    if all(each.chosen is None for each in found):
        return found
    is_passed = all(each.is_right for each in found)
    with transaction.atomic():
        QuizProgress.objects.across_tenants("one person answers the quiz").bulk_create(
            [QuizProgress(user_id=user_id, tried_at=now, asked="")], ignore_conflicts=True
        )
        row = QuizProgress.objects.for_user(user_id).select_for_update().get()
        was_passed = row.passed_at is not None
        row.n_tries += 1
        row.tried_at, row.asked = now, lessons.quiz_digest()
        if is_passed and not was_passed:
            row.passed_at = now
        row.save(update_fields=["n_tries", "tried_at", "asked", "passed_at"])
        if is_passed and not was_passed:
            accounts.audit(
                "learning_quiz_passed",
                subject_id=user_id,
                actor_id=user_id,
                actor_kind="user",
                details={"tries": row.n_tries, "asked": row.asked},
            )
    return found
