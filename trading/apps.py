"""Django's registration of the room."""

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """The room `trading`."""

    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"
