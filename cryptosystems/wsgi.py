"""The WSGI entry, for servers that speak only that; it carries no sockets."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")
application = get_wsgi_application()
