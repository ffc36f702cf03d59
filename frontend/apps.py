"""Django's registration of the room."""

from django.apps import AppConfig


class FrontendConfig(AppConfig):
    """The room `frontend`."""

    name = "frontend"
    default_auto_field = "django.db.models.BigAutoField"
