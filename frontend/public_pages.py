"""Which pages search engines may keep: the sitemap, robots.txt and each page's own word agree on it.

A page that is for everybody gets its line here; what stands under an address with a name in it
(an article, a lesson, a calculator) comes from whatever holds the names.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from blog import api as blog
from frontend.tools.catalogue import TOOLS
from learning import api as learning

PUBLIC: Final = (
    "frontend:landing",
    "frontend:dashboard",
    "frontend:record",
    "frontend:learn",
    "frontend:glossary",
    "frontend:tools",
    "frontend:plans",
    "frontend:blog",
    "frontend:status",
    "frontend:terms",
    "frontend:risk",
    "docs",
)
"""Pages without anything of anybody's, by the name of their address."""
SHARED: Final = ("frontend:signal",)
"""Pages that people link to, so that they have a card, but too many for a sitemap."""
PRIVATE_PATHS: Final = ("/account/", "/accounts/", "/admin/", "/api/v1/", "/billing/", "/ws/")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the sitemap."""

    path: str
    changed_at: datetime | None


def _articles() -> Iterator[Entry]:
    for card in blog.articles():
        yield Entry(reverse("frontend:article", args=(card.slug,)), card.updated_at)


def _lessons() -> Iterator[Entry]:
    for lesson in learning.lessons():
        yield Entry(reverse("frontend:lesson", args=(lesson.slug,)), None)


def _tools() -> Iterator[Entry]:
    for tool in TOOLS:
        yield Entry(reverse("frontend:tool", args=(tool.slug,)), None)


NAMED: Final[dict[str, Callable[[], Iterator[Entry]]]] = {
    "frontend:lesson": _lessons,
    "frontend:tool": _tools,
    "frontend:article": _articles,
}
"""Pages with a name in their address, and where the names come from."""


def entries() -> Iterator[Entry]:
    """Yield every address that may be found."""
    for name in PUBLIC:
        yield Entry(reverse(name), None)
    for found in NAMED.values():
        yield from found()


def is_public(name: str) -> bool:
    """Say whether search engines may keep a page, by the full name of its address."""
    return name in PUBLIC or name in NAMED or name in SHARED
