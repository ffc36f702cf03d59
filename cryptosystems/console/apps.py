"""Django's registration of the console, and of the admin under its site."""

from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class ConsoleAdminConfig(AdminConfig):
    """Django's admin with our site in place of its own."""

    default_site = "cryptosystems.console.site.ConsoleSite"


class ConsoleConfig(AppConfig):
    """Dashboards, people, switches, exports, and the roles of staff."""

    name = "cryptosystems.console"
    label = "console"

    def ready(self) -> None:
        post_migrate.connect(_make_roles, sender=self, dispatch_uid="console_roles")


def _make_roles(**_more: Any) -> None:
    """Bring the roles to what the code says, after the rights they hold exist."""
    from cryptosystems.console.roles import make_roles

    make_roles()
