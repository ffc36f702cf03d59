"""Django's registration of the whole: it owns commands and checks, no tables."""

from django.apps import AppConfig


class CryptosystemsConfig(AppConfig):
    """Commands that span rooms; every process binds shared tasks to the Celery app."""

    name = "cryptosystems"

    def ready(self) -> None:
        from cryptosystems import celery, checks  # noqa: F401  # both register by being imported
