"""Tables of the room."""

from learning.models.progress import LessonProgress, QuizProgress

__all__ = ["LessonProgress", "QuizProgress"]
