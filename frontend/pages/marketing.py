"""Pages that say what this is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from frontend.shell import make_shell


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Render the front door: what this is, and the way to the dashboard."""
    return render(request, "frontend/landing.html", {"shell": make_shell("landing")})
