"""The ASGI entry: pages and JSON by Django, sockets by Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from cryptosystems.console.impersonation import SocketImpersonation  # noqa: E402
from cryptosystems.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        # The consumer itself looks at host and origin, since it knows whether a session is there.
        "websocket": AuthMiddlewareStack(SocketImpersonation(URLRouter(websocket_urlpatterns))),
    }
)
