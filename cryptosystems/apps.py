"""Django's registration of the whole: it owns commands, no tables."""

from django.apps import AppConfig


class CryptosystemsConfig(AppConfig):
    """Commands that span rooms."""

    name = "cryptosystems"
