"""What readers may see of the blog."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from blog.contracts import ArticleCard, ArticleView, Change, Source, WorkedExample
from blog.domain.examples import Example, bare
from blog.domain.markdown import WORDS_A_MINUTE, examples_of, render
from blog.models import Article

N_RELATED: Final = 3


def public_cards(now: datetime) -> list[ArticleCard]:
    """Return every public article, the newest first."""
    return [_card(row) for row in _light(now)]


def public_article(slug: str, now: datetime) -> ArticleView | None:
    """Return one public article, or None."""
    row = Article.objects.public(now).filter(slug=slug).first()
    return None if row is None else _view(row, _light(now), now)


def any_article(slug: str, now: datetime) -> ArticleView | None:
    """Return an article whatever its state, for those who may edit it."""
    row = Article.objects.filter(slug=slug).first()
    return None if row is None else _view(row, _light(now), now)


def _light(now: datetime) -> list[Article]:
    """Return what lists need of the public articles: not their texts."""
    return list(Article.objects.public(now).defer("body", "sources"))


def _view(row: Article, public: Sequence[Article], now: datetime) -> ArticleView:
    rendered = render(row.body)
    revisions = row.revisions.exclude(note="").filter(at__lte=now).order_by("-at", "-number")
    return ArticleView(
        card=_card(row),
        author_line=row.author_line,
        html=rendered.html,
        words=rendered.words,
        headings=rendered.headings,
        sources=sources_of(row.sources),
        examples=tuple(_example(example) for example in examples_of(row.body)),
        changes=tuple(Change(at, note) for at, note in revisions.values_list("at", "note")),
        related=tuple(_card(other) for other in related_to(row, public)),
    )


def _example(example: Example) -> WorkedExample:
    given = tuple((line.name, bare(line.value)) for line in example.lines if not line.is_result)
    return WorkedExample(example.kind, example.title, given)


def sources_of(text: str) -> tuple[Source, ...]:
    """Return the sources that stand in a text, a line each."""
    pairs = (line.rpartition("|") for line in text.splitlines() if "|" in line)
    return tuple(Source(title.strip(), url.strip()) for title, _, url in pairs)


def related_to(row: Article, public: Iterable[Article]) -> list[Article]:
    """Return three public articles: those named first, then those with most topics in common."""
    named = {slug: place for place, slug in enumerate(row.related.split())}
    own = set(_topics(row))

    def nearness(other: Article) -> tuple[int, int, float]:
        shared = len(own & set(_topics(other)))
        return (named.get(other.slug, len(named)), -shared, -other.published_at.timestamp())

    return sorted((other for other in public if other.pk != row.pk), key=nearness)[:N_RELATED]


def _card(row: Article) -> ArticleCard:
    return ArticleCard(
        slug=row.slug,
        title=row.title,
        summary=row.summary,
        author=row.author,
        published_at=row.published_at,
        updated_at=max(row.updated_at, row.published_at),
        minutes=max(1, -(-row.n_words // WORDS_A_MINUTE)),
        topics=_topics(row),
    )


def _topics(row: Article) -> tuple[str, ...]:
    return tuple(topic.strip() for topic in row.topics.split(",") if topic.strip())
