"""Django's registration of the room."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """The room `billing`."""

    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"
