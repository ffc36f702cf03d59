"""The calculators: complete pages whose address holds the question, and the part that changes."""

from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from frontend.context import ToolPage, ToolsPage
from frontend.links import those_there
from frontend.shell import make_shell, viewer
from frontend.tools.catalogue import TOOLS, Tool, tool_of
from frontend.tools.start import start
from signals import api as signals

_LISTED: Final = 100
"""Names of markets to choose from while typing."""


@require_safe
@never_cache
def hub(request: HttpRequest) -> HttpResponse:
    """Render the list of calculators."""
    page = ToolsPage(make_shell("tools", request), TOOLS)
    return render(request, "frontend/tools/hub.html", {"page": page, "shell": page.shell})


@require_safe
@never_cache
def tool(request: HttpRequest, tool_slug: str) -> HttpResponse:
    """Render one calculator with the answer to what its address asks."""
    page = make_tool(request, tool_slug)
    return render(request, "frontend/tools/tool.html", {"page": page, "shell": page.shell})


@require_safe
@never_cache
def part(request: HttpRequest, tool_slug: str) -> HttpResponse:
    """Render what changes while somebody types: the answer, and what is wrong where."""
    page = make_tool(request, tool_slug)
    return render(request, "frontend/tools/part.html", {"page": page})


def make_tool(request: HttpRequest, tool_slug: str) -> ToolPage:
    """Return a calculator's context; Http404 where there is no such calculator."""
    found = tool_of(tool_slug)
    if found is None:
        raise Http404
    return _page(request, found, timezone.now())


def _page(request: HttpRequest, tool: Tool, now: datetime) -> ToolPage:
    person, _rights = viewer(request)
    viewer_id = None if person is None else person.id
    rows = signals.market_rows(viewer_id) if tool.uses_market else []
    begun = start(tool, request.GET.dict(), viewer_id, rows, now)
    form = tool.form(begun.data)
    answer: Any = tool.answer(form, begun.table) if form.is_valid() else None
    asked = {**begun.data, **({"signal": begun.signal["id"]} if begun.signal else {})}
    return ToolPage(
        shell=make_shell("tools", request, now),
        tool=tool,
        form=form,
        groups=tuple(tuple(form[name] for name in group) for group in tool.groups),
        answer=None if form.errors else answer,
        start=begun,
        address=f"{reverse('frontend:tool', args=[tool.slug])}?{urlencode(asked)}",
        markets=tuple(row["symbol"] for row in rows[:_LISTED]),
        others=tuple(one for one in TOOLS if one is not tool),
        links=those_there(tool.links),
    )
