"""What search engines read first."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from frontend.public_pages import PRIVATE_PATHS, entries
from frontend.structured import absolute


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Send every public address with the day it last changed, where that is known."""
    lines = [(absolute(entry.path), entry.changed_at) for entry in entries()]
    return render(request, "frontend/sitemap.xml", {"lines": lines}, content_type="application/xml")


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """Say what is not for search engines, and where the sitemap is."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE_PATHS), "Allow: /", ""]
    lines.append(f"Sitemap: {settings.SITE_URL}{reverse('frontend:sitemap')}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
