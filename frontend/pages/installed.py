"""What makes the site an app on a phone: manifest, service worker, and the page for no network."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

_SHELL: Final = (
    "frontend/css/tokens.css",
    "frontend/css/base.css",
    "frontend/css/components.css",
    "frontend/css/documents.css",
    "frontend/fonts/archivo-latin-wdth.woff2",
    "frontend/img/icons.svg",
    "frontend/img/favicon.svg",
    "frontend/js/theme.js",
)
"""All that the offline page needs, and the same for everybody."""
_ICONS: Final = (
    ("frontend/img/app-192.png", "192x192", "any"),
    ("frontend/img/app-512.png", "512x512", "any"),
    ("frontend/img/app-maskable-512.png", "512x512", "maskable"),
)
_WORKER: Final = Path(__file__).parents[1] / "static/frontend/js/worker.js"
_DARK: Final = "#0b0d0f"


@require_safe
@cache_control(max_age=3_600, public=True)
def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web app manifest."""
    return JsonResponse(
        {
            "id": "/",
            "name": "CryptoSystems",
            "short_name": "CryptoSystems",
            "description": _("Signals for Binance USDⓈ-M Futures, each with its measured record."),
            "start_url": reverse("frontend:dashboard"),
            "scope": "/",
            "display": "standalone",
            "background_color": _DARK,
            "theme_color": _DARK,
            "categories": ["finance"],
            "icons": [
                {"src": static(path), "sizes": sizes, "type": "image/png", "purpose": purpose}
                for path, sizes, purpose in _ICONS
            ],
            "shortcuts": [_shortcut(_("Dashboard"), "dashboard"), _shortcut(_("Bot"), "bot")],
        },
        content_type="application/manifest+json",
    )


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker, with the names of the files it may keep."""
    text = _WORKER.read_text(encoding="utf-8")
    offline = reverse("frontend:offline")
    shell = json.dumps([offline, *(static(path) for path in _SHELL)])
    name = sha256((shell + text).encode()).hexdigest()[:12]
    names = f'const NAME = "shell-{name}";\nconst OFFLINE = "{offline}";\nconst SHELL = {shell};\n'
    return HttpResponse(names + text, content_type="text/javascript")


@require_safe
@cache_control(max_age=3_600, public=True)
def offline(request: HttpRequest) -> HttpResponse:
    """Render the page for when there is no network: the same for everybody, nobody's name on it."""
    return render(request, "frontend/offline.html")


def _shortcut(name: str, page: str) -> dict[str, Any]:
    return {"name": name, "url": reverse(f"frontend:{page}")}
