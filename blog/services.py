"""What changes articles: the texts that ship with the product, and the edits of staff."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from blog.domain.files import ShippedArticle, parse
from blog.domain.markdown import render
from blog.models import Article, Revision

FOLDER: Final = Path(__file__).parent / "articles"
_TEXTS: Final = ("title", "summary", "body", "sources")


@lru_cache(maxsize=1)
def shipped_articles() -> tuple[ShippedArticle, ...]:
    """Return the articles that ship with the product."""
    return tuple(
        parse(path.stem, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.md"))
    )


def seed_articles(shipped: Sequence[ShippedArticle] | None = None) -> int:
    """Store shipped articles that are new or newer; return how many were written.

    A text that staff have changed, or taken back to a draft, is never overwritten.
    """
    shipped = shipped_articles() if shipped is None else shipped
    held = dict(Article.objects.values_list("slug", "seed"))
    wanted = [one for one in shipped if one.slug not in held]
    newer = [one for one in shipped if held.get(one.slug) and held[one.slug] != one.digest]
    if not wanted and not newer:
        return 0
    with transaction.atomic():
        made = Article.objects.bulk_create(
            [
                Article(
                    slug=one.slug, is_draft=False, published_at=one.published_at, **_fields(one)
                )
                for one in wanted
            ],
            ignore_conflicts=True,  # another process may have been first
        )
        mine = {
            row.slug: row for row in Article.objects.filter(slug__in=[row.slug for row in made])
        }
        Revision.objects.bulk_create(
            [_revision(mine[one.slug], 1, one) for one in wanted], ignore_conflicts=True
        )
        for one in newer:
            changed = Article.objects.filter(slug=one.slug, seed=held[one.slug]).update(
                **_fields(one)
            )
            if changed:
                row = Article.objects.get(slug=one.slug)
                _revision(row, _next_number(row), one).save()
    return len(wanted) + len(newer)


@transaction.atomic
def article_save(article: Article, *, staff_id: UUID, note: str, now: datetime) -> Article:
    """Store what staff wrote, and keep the text as a revision; a note is read by the public."""
    before = Article.objects.filter(pk=article.pk).first()
    is_changed = before is None or any(
        getattr(before, name) != getattr(article, name) for name in _TEXTS
    )
    article.seed = ""
    article.n_words = render(article.body).words
    if is_changed:
        article.updated_at = now
    article.full_clean()
    article.save()
    if is_changed or note:
        Revision.objects.create(
            article=article,
            number=_next_number(article),
            at=now,
            staff_id=staff_id,
            note=note,
            **{name: getattr(article, name) for name in _TEXTS},
        )
    return article


def _next_number(article: Article) -> int:
    newest = Revision.objects.filter(article=article).aggregate(newest=Max("number"))["newest"]
    return int(newest or 0) + 1


def _fields(one: ShippedArticle) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _TEXTS},
        "author": one.author,
        "author_line": one.author_line,
        "topics": one.topics,
        "related": one.related,
        "updated_at": one.changed_at,
        "n_words": render(one.body).words,
        "seed": one.digest,
    }


def _revision(article: Article, number: int, one: ShippedArticle) -> Revision:
    texts = {name: getattr(one, name) for name in _TEXTS}
    return Revision(article=article, number=number, at=one.changed_at, note=one.note, **texts)
