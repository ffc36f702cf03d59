"""Django's registration of the platform."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Leases and what else knows Django but no room."""

    name = "cryptosystems.platform"
    label = "platform"
    default_auto_field = "django.db.models.BigAutoField"
