"""Django's registration of the room."""

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """The room `trading`."""

    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the frames of the topic `account` carry what somebody has open."""
        from cryptosystems.platform import account_parts
        from trading.selectors.live import live_state

        account_parts.register("trading", live_state)
