"""Which pages search engines may keep: the sitemap, robots.txt and each page's own word agree on it.

A page that is for everybody gets its line here; what stands under an address with a name in it
(an article, a lesson) comes from the room that holds it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import Resolver404, resolve, reverse

from blog import api as blog

PUBLIC: Final = (
    "/",
    "/ai-trading/dashboard",
    "/ai-trading/learn",
    "/ai-trading/learn/glossary",
    "/ai-trading/plans-pricing",
    "/ai-trading/track-record",
    "/blog/",
    "/tools/",
    "/tools/liquidation-price",
    "/tools/position-size",
    "/tools/pnl",
    "/tools/funding",
    "/tools/risk-reward",
    "/tools/break-even",
    "/status",
    "/terms",
    "/risk",
    "/api/docs",
)
"""Addresses of pages without anything of anybody's, as the public contract names them."""
PRIVATE_PATHS: Final = ("/account/", "/accounts/", "/admin/", "/api/v1/", "/billing/", "/ws/")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the sitemap."""

    path: str
    changed_at: datetime | None


def _articles() -> Iterator[Entry]:
    for card in blog.articles():
        yield Entry(reverse("frontend:article", args=(card.slug,)), card.updated_at)


NAMED: Final[dict[str, Callable[[], Iterator[Entry]]]] = {"frontend:article": _articles}
"""Pages with a name in their address, and where the names come from."""


def entries() -> Iterator[Entry]:
    """Yield every address that may be found."""
    for path in PUBLIC:
        if is_there(path):
            yield Entry(path, None)
    for found in NAMED.values():
        yield from found()


def is_public(path: str, name: str) -> bool:
    """Say whether search engines may keep a page, by its address and the name of its route."""
    return path in PUBLIC or name in NAMED


def is_there(path: str) -> bool:
    """Say whether a page answers at an address of ours."""
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
