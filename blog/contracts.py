"""What the blog hands out: frozen, without a framework."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ArticleCard:
    """An article in a list."""

    slug: str
    title: str
    summary: str
    """One or two sentences, plain text: for lists, feeds and search engines."""
    author: str
    published_at: datetime
    updated_at: datetime
    minutes: int
    """How long reading takes at 220 words a minute, rounded up."""
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the table of contents."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement of an article comes from."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """What a worked example of an article is given, for a calculator that works it again."""

    kind: str
    """Which formula: liquidation, result, size, funding, reward, …"""
    title: str
    values: tuple[tuple[str, str], ...]
    """Name and bare value of each line that is given: no unit, no thousands, per cent as written."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an article's history, as readers see it."""

    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class ArticleView:
    """A whole article, ready for a page."""

    card: ArticleCard
    author_line: str
    """Who the author is, in half a sentence."""
    html: str
    """Rendered by us from Markdown in which HTML is not allowed."""
    words: int
    headings: tuple[Heading, ...]
    sources: tuple[Source, ...]
    examples: tuple[WorkedExample, ...]
    changes: tuple[Change, ...]
    """The newest first."""
    related: tuple[ArticleCard, ...]
    """At most three, all public."""
