"""The door of the blog."""

from datetime import datetime

from django.utils import timezone

from blog import selectors, services
from blog.contracts import ArticleCard, ArticleView


def articles(now: datetime | None = None) -> list[ArticleCard]:
    """Return every public article, the newest first."""
    return selectors.public_cards(now or timezone.now())


def article(slug: str, now: datetime | None = None) -> ArticleView | None:
    """Return a public article; None where there is none for readers."""
    return selectors.public_article(slug, now or timezone.now())


def preview(slug: str, now: datetime | None = None) -> ArticleView | None:
    """Return an article as readers would see it, drafts too: for staff who may edit it."""
    return selectors.any_article(slug, now or timezone.now())


def seed() -> int:
    """Store the articles that ship with the product; return how many were written."""
    return services.seed_articles()
