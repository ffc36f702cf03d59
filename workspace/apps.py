"""Django's registration of the room."""

from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    """The room `workspace`: how somebody has set up their dashboard."""

    name = "workspace"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the person's socket tell of alerts that have gone off."""
        from cryptosystems.platform import account_parts
        from workspace.selectors import alert_part

        account_parts.register("alerts", alert_part)
