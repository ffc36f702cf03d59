"""Every route there is, read from the resolver, so that no list of ours can miss one."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Route:
    """One address pattern."""

    name: str
    """With its namespace, as `signals:signal-detail`."""
    pattern: str


def all_routes() -> list[Route]:
    """Return every route of the product, in the order of the resolver."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str, namespace: str) -> Iterator[Route]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry.url_patterns, path, inner)
        else:
            yield Route(f"{namespace}{entry.name or path}", path)
