"""How the service stands, and pages for what went wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from frontend.context import StatusPage
from frontend.executing import execution
from frontend.shell import make_shell
from signals import api


@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Render the six pipeline stages, feeds, gaps, errors, the model, and execution."""
    page = StatusPage(make_shell("status", request), api.status(), execution())
    return render(request, "frontend/status.html", {"page": page, "shell": page.shell})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Render 404 with a way back."""
    return render(request, "404.html", {"shell": make_shell("error", request)}, status=404)
