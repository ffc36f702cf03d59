"""A shipped article: front matter of `name: value` lines between two `---`, then Markdown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptosystems.kernel.identifiers import sha256_hex

_ONCE: Final = ("title", "summary", "author", "author_line", "published", "topics", "related")
_MANY: Final = ("source", "change")


@dataclass(frozen=True, slots=True)
class ShippedArticle:
    """What a file holds."""

    slug: str
    title: str
    summary: str
    author: str
    author_line: str
    topics: str
    related: str
    sources: str
    published_at: datetime
    changed_at: datetime
    note: str
    """The newest line of its history."""
    body: str
    digest: str


def parse(slug: str, text: str) -> ShippedArticle:
    """Read a file's text.

    Raises
    ------
    ValueError
        If a field is missing, unknown or given twice.
    """
    _, front, body = text.split("---\n", 2)
    once: dict[str, str] = {}
    many: dict[str, list[str]] = {name: [] for name in _MANY}
    for line in front.strip().splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name in many:
            many[name].append(value)
        elif name in _ONCE and name not in once:
            once[name] = value
        else:
            raise ValueError(f"{slug}: the field {name!r} is unknown or there twice")
    missing = [name for name in _ONCE if name not in once]
    if missing or not many["source"] or not many["change"]:
        raise ValueError(f"{slug}: these fields are missing: {missing or 'source or change'}")
    day, _, note = max(many["change"]).partition(" ")
    return ShippedArticle(
        slug=slug,
        title=once["title"],
        summary=once["summary"],
        author=once["author"],
        author_line=once["author_line"],
        topics=once["topics"],
        related=once["related"],
        sources="\n".join(many["source"]),
        published_at=_day(once["published"]),
        changed_at=_day(day),
        note=note,
        body=body.strip() + "\n",
        digest=sha256_hex(text.encode()),
    )


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
