"""Links to pages that other parts of the site bring: only to those that are there."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from django.urls import Resolver404, resolve

from blog import api as blog
from learning import api as learning

Title = TypeVar("Title")
_NAMED: Final[dict[str, Callable[[str], Any]]] = {
    "frontend:article": blog.article,
    "frontend:lesson": learning.lesson,
}
"""Addresses with a name in them: the page is there if something of that name is."""


def is_there(address: str) -> bool:
    """Say whether a page of ours stands at an address."""
    try:
        found = resolve(address)
    except Resolver404:
        return False
    named = _NAMED.get(found.view_name)
    return named is None or named(*found.kwargs.values()) is not None


def those_there(links: Iterable[tuple[str, Title]]) -> tuple[tuple[str, Title], ...]:
    """Return the links whose page is there."""
    return tuple((address, title) for address, title in links if is_there(address))
