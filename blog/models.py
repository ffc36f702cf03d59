"""Articles and every text they ever had."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone


class ArticleRows(models.QuerySet["Article"]):
    """Rows of articles."""

    def public(self, now: datetime) -> Self:
        """Return those that readers may see: no draft, and nothing before its day."""
        return self.filter(is_draft=False, published_at__lte=now)


class Article(models.Model):
    """An article of the blog as it stands now."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=110)
    summary = models.CharField(max_length=300)
    body = models.TextField()
    """Markdown; HTML in it is shown as text."""
    author = models.CharField(max_length=80)
    author_line = models.CharField(max_length=160, blank=True)
    topics = models.CharField(max_length=120, blank=True)
    """Words parted by commas: articles that share some are related."""
    related = models.CharField(max_length=260, blank=True)
    """Slugs parted by spaces, which come first among the related articles."""
    sources = models.TextField(blank=True)
    """A line each: `title | https://…`."""
    is_draft = models.BooleanField(default=True)
    published_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    """When its text last changed, for readers: not each saving of the row."""
    n_words = models.PositiveIntegerField(default=0, editable=False)
    """Of the body, kept so that lists need not read it."""
    seed = models.CharField(max_length=64, blank=True, editable=False)
    """Digest of the shipped file this text comes from; empty once staff have changed it."""

    objects = ArticleRows.as_manager()

    class Meta:
        ordering = ("-published_at", "slug")
        indexes = [models.Index(fields=["is_draft", "-published_at"])]

    def __str__(self) -> str:
        return self.title


class Revision(models.Model):
    """A text that an article had: kept for good, the newest is the one that stands."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    staff_id = models.UUIDField(null=True, editable=False)
    """Who saved it; None: it came with the product."""
    note = models.CharField(max_length=200, blank=True)
    """What changed, in words for readers; empty: nothing that they need to know."""
    title = models.CharField(max_length=110)
    summary = models.CharField(max_length=300)
    body = models.TextField()
    sources = models.TextField(blank=True)

    class Meta:
        ordering = ("-number",)
        constraints = [
            models.UniqueConstraint(fields=["article", "number"], name="blog_revision_number")
        ]

    def __str__(self) -> str:
        return f"{self.article_id} revision {self.number}"
