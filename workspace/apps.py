"""Django's registration of the room."""

from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    """The room `workspace`: how somebody has set up their dashboard."""

    name = "workspace"
    default_auto_field = "django.db.models.BigAutoField"
