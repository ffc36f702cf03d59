"""Django's registration of the room."""

from django.apps import AppConfig


class LearningConfig(AppConfig):
    """The room `learning`."""

    name = "learning"
    default_auto_field = "django.db.models.BigAutoField"
