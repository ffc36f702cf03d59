"""How far somebody is."""

from django.db import models
from django.utils import timezone

from cryptosystems.platform.tenancy import TenantModel


class LessonProgress(TenantModel):
    """One lesson that somebody has read."""

    lesson = models.CharField(max_length=60)
    read_at = models.DateTimeField(default=timezone.now, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    """When its questions were first all answered rightly."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "lesson"], name="one_progress_a_lesson")
        ]

    def __str__(self) -> str:
        return self.lesson


class QuizProgress(TenantModel):
    """The quiz that stands before the first live act."""

    n_tries = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(default=timezone.now, editable=False)
    passed_at = models.DateTimeField(null=True, editable=False)
    """When it was first passed; it stays passed."""
    asked = models.CharField(max_length=64, editable=False)
    """Digest of the questions of the last try, so that it stays known what was answered."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user"], name="one_quiz_a_person")]

    def __str__(self) -> str:
        return "passed" if self.passed_at else "not passed"
