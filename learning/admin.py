"""Progress in the staff console: to be read and never written."""

from django.contrib import admin

from cryptosystems.platform.admin import RecordAdmin
from learning.models import LessonProgress, QuizProgress


@admin.register(LessonProgress)
class LessonProgressAdmin(RecordAdmin):
    """Which lessons people have read."""

    list_display = ("lesson", "user", "read_at", "checked_at")
    list_filter = ("lesson", "read_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "lesson")
    ordering = ("-read_at",)


@admin.register(QuizProgress)
class QuizProgressAdmin(RecordAdmin):
    """Who has passed the quiz, and in how many tries."""

    list_display = ("user", "n_tries", "tried_at", "passed_at")
    list_filter = ("passed_at",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-tried_at",)
