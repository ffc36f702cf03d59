"""Links to pages that other parts of the site bring: only to those that are there."""

from collections.abc import Iterable
from typing import TypeVar

from django.urls import Resolver404, resolve

Title = TypeVar("Title")


def is_there(address: str) -> bool:
    """Say whether a page answers at an address of ours."""
    try:
        resolve(address)
    except Resolver404:
        return False
    return True


def those_there(links: Iterable[tuple[str, Title]]) -> tuple[tuple[str, Title], ...]:
    """Return the links whose page is there."""
    return tuple((address, title) for address, title in links if is_there(address))
