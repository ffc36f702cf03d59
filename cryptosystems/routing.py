"""All sockets."""

from signals.delivery.routing import websocket_urlpatterns

__all__ = ["websocket_urlpatterns"]
