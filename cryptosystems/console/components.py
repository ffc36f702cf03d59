"""Every component of the design in every state, for whoever changes one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from frontend.shell import make_shell
from frontend.showcase import make_showcase


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Render them from the product's own templates and styles."""
    page = make_showcase(make_shell("components", request))
    return render(request, "frontend/showcase.html", {"page": page, "shell": page.shell})
