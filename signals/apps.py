"""Django's registration of the room."""

from django.apps import AppConfig


class SignalsConfig(AppConfig):
    """The room `signals`."""

    name = "signals"
    default_auto_field = "django.db.models.BigAutoField"
