"""Django's registration of the room."""

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """The room `trading`."""

    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the topic `account` carry what somebody has open, and nobody go before it is closed."""
        from cryptosystems.platform import account_parts, departures
        from trading.selectors.live import live_state
        from trading.services.leaving import end_of

        account_parts.register("trading", live_state)
        departures.register("trading", end_of)
