"""Which pages search engines may keep: the sitemap, robots.txt and each page's own word agree on it.

A page that is for everybody gets its line here; what stands under an address with a name in it
(an article, a lesson) comes from the room that holds it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from blog import api as blog
from learning import api as learning

PUBLIC: Final = (
    "frontend:landing",
    "frontend:dashboard",
    "frontend:plans",
    "frontend:blog",
    "frontend:learn",
    "frontend:glossary",
    "frontend:status",
    "frontend:terms",
    "frontend:risk",
    "docs",
)
"""Pages without anything of anybody's, by the name of their address."""
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


NAMED: Final[dict[str, Callable[[], Iterator[Entry]]]] = {
    "frontend:article": _articles,
    "frontend:lesson": _lessons,
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
    return name in PUBLIC or name in NAMED
